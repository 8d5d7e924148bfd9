"""Plain values by reference are read and validated before a job exists."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import InvalidInputs, Unavailable, UnresolvableReference
from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Reference
from pygeoapi_oapip.staging.base import Fetched
from pygeoapi_oapip.validation.literals import with_literals

FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "text/plain"}
URL = "https://example.org/value"


def resolved(schema: JSONObject, content: bytes, value: InputValue | None = None) -> InputValue:
    request = ExecutionRequest({"x": value or Reference(URL)})
    definitions = {"x": Input("x", "x", schema)}
    return with_literals(request, definitions, lambda url, limit: Fetched(content, "", url)).inputs["x"]


@pytest.mark.requirement("part1/core/process-execute-inputs")
@pytest.mark.parametrize(
    ("schema", "content", "value"),
    [
        ({"type": "integer"}, b"42\n", 42),
        ({"type": "string"}, b"hello\n", "hello"),
        ({"type": "string"}, b'"hello"', "hello"),
        ({"type": "string"}, b"42", "42"),
        ({"type": "boolean"}, b"true", True),
        ({"type": "array", "items": {"type": "number"}}, b"[1, 2.5]", [1, 2.5]),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, b'{"a": "b"}', {"a": "b"}),
        ({"format": "ogc-bbox"}, b'{"bbox": [1, 2, 3, 4]}', {"bbox": [1, 2, 3, 4]}),
        ({"type": "string", "enum": ["ä"]}, "ä".encode(), "ä"),
    ],
)
def test_the_document_becomes_the_value(schema: JSONObject, content: bytes, value: JSON) -> None:
    assert resolved(schema, content) == Inline(value)


def test_items_of_an_array_are_read_too() -> None:
    assert resolved({"type": "number"}, b"3", Many((Inline(1), Reference(URL)))) == Many((Inline(1), Inline(3)))


@pytest.mark.parametrize(
    "schema",
    [
        FILE,
        {"type": "array", "items": FILE},
        {"type": "object", "properties": {"f": FILE}},
        {"oneOf": [{"type": "number"}, FILE]},
        {"description": "Any JSON value."},
    ],
)
def test_files_and_arbitrary_values_stay_references(schema: JSONObject) -> None:
    assert resolved(schema, b"3") == Reference(URL)


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"250", "inputs.x: must be at most 100 (is 250)"),
        (b"many", 'inputs.x: must be of type integer (is string: "many")'),
        (b"NaN", 'inputs.x: must be of type integer (is string: "NaN")'),
        (b"[" * 100_000, "inputs.x: must be of type integer (is string: "),
    ],
)
def test_what_was_read_is_validated(content: bytes, message: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        resolved({"type": "integer", "maximum": 100}, content)
    assert caught.value.detail.startswith(message)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnresolvableReference, match=r"inputs\.x: .*neither JSON nor text"):
        resolved({"type": "string"}, b"\xff\xfe\x00")


@pytest.mark.parametrize("kind", [UnresolvableReference, Unavailable])
def test_what_cannot_be_read_names_the_input(kind: type[UnresolvableReference | Unavailable]) -> None:
    def fail(url: str, limit: int) -> Fetched:
        raise kind("it does not answer")

    request = ExecutionRequest({"x": Reference(URL)})
    with pytest.raises(UnresolvableReference, match=r"inputs\.x: it does not answer"):
        with_literals(request, {"x": Input("x", "x", {"type": "string"})}, fail)
