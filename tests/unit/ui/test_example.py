from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from jsonschema import Draft4Validator

from pygeoapi_oapip.ui.example import curl_of, request_of, value_of


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "minLength": 12},
        {"type": "string", "maxLength": 3},
        {"type": "string", "enum": ["b", "c"]},
        {"type": "integer"},
        {"type": "integer", "minimum": 5},
        {"type": "integer", "minimum": 5, "exclusiveMinimum": True},
        {"type": "number", "maximum": 0},
        {"type": "number", "maximum": 1, "exclusiveMaximum": True},
        {"type": "number", "multipleOf": 7},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]},
        {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        {"allOf": [{"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}]},
    ],
)
def test_the_value_fits_the_schema(schema: dict[str, Any]) -> None:
    Draft4Validator(schema).validate(value_of(schema))


def test_defaults_and_examples_come_first() -> None:
    assert value_of({"type": "integer", "default": 4, "minimum": 1}) == 4
    assert value_of({"type": "string", "example": "x"}) == "x"
    assert value_of({"type": "boolean", "default": False}) is False


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "contentMediaType": "text/csv"}, {"value": "example", "mediaType": "text/csv"}),
        (
            {"type": "string", "format": "binary", "contentMediaType": "image/tiff"},
            {"value": "ZXhhbXBsZQo=", "encoding": "base64", "mediaType": "image/tiff"},
        ),
        (
            {"type": "string", "format": "uri", "contentMediaType": "inode/directory"},
            {"href": "https://example.org/data/"},
        ),
        ({"type": "string", "format": "date"}, "2026-01-31"),
    ],
)
def test_files_dates_and_directories_have_their_form(schema: dict[str, Any], value: object) -> None:
    assert value_of(schema) == value


def test_a_schema_without_end_has_an_example() -> None:
    endless: dict[str, Any] = {"type": "array"}
    endless["items"] = endless
    choice: dict[str, Any] = {}
    choice["oneOf"] = [choice]
    assert json.dumps(value_of(endless)).startswith("[[")
    assert value_of(choice) == "example"


def test_optional_inputs_are_left_out_and_repeated_ones_are_lists() -> None:
    inputs = {
        "a": {"schema": {"type": "string"}},
        "b": {"schema": {"type": "string"}, "minOccurs": 0},
        "c": {"schema": {"type": "integer"}, "minOccurs": 2, "maxOccurs": "unbounded"},
        "d": {"schema": {"type": "integer", "default": 3}, "minOccurs": 0},
    }
    assert request_of({"inputs": inputs}) == {"inputs": {"a": "example", "c": [1, 1], "d": 3}}
    assert request_of({}) == {"inputs": {}}


def test_the_command_is_safe_in_a_shell() -> None:
    inputs = {"a": {"schema": {"type": "string", "default": "it's `x` $(y)\n"}}}
    command = curl_of({"inputs": inputs, "jobControlOptions": ["async-execute"]}, "https://h/processes/a/execution")
    words = shlex.split(command)
    assert words[:4] == ["curl", "-X", "POST", "https://h/processes/a/execution"]
    assert "Prefer: respond-async" in words
    assert json.loads(words[-1]) == {"inputs": {"a": "it's `x` $(y)\n"}}
    assert "Prefer" not in curl_of({"jobControlOptions": ["sync-execute"]}, "https://h")
