"""Valid execute requests, changed at random: 201 or 400 with a reason, never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.testing.operations import FakeOperations

EXECUTION = "/processes/all/execution"
SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
TIFF: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "image/tiff"}
POINT: JSONObject = {
    "type": "object",
    "properties": {"x": {"type": "number"}, "file": TIFF},
    "required": ["x"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, JSONObject] = {
    "text": {"type": "string", "minLength": 1, "pattern": "^[a-z]"},
    "size": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 100},
    "share": {"type": "number", "multipleOf": 0.25, "exclusiveMinimum": True, "minimum": 0},
    "flag": {"type": "boolean", "nullable": True},
    "word": {"type": "string", "enum": ["red", "green"]},
    "box": {"format": "ogc-bbox", "allOf": [{"$ref": "https://example.org/bbox.yaml"}]},
    "image": TIFF,
    "feature": {"type": "object", "contentMediaType": "application/geo+json", "required": ["type"]},
    "images": {"type": "array", "items": TIFF, "maxItems": 3},
    "mixed": {"oneOf": [{"type": "integer"}, {"type": "array", "items": POINT}, TIFF]},
    "point": POINT,
    "anything": {},
}
VALID: dict[str, Any] = {
    "process": "https://example.org/api/processes/all",
    "inputs": {
        "text": "abc",
        "size": 3,
        "share": 0.5,
        "flag": True,
        "word": {"value": "red", "mediaType": "text/plain"},
        "box": {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"},
        "image": {"value": "QUJD", "mediaType": "image/tiff", "encoding": "base64"},
        "feature": {"type": "Feature", "geometry": None},
        "images": [{"href": "https://example.org/a.tif", "type": "image/tiff"}, "QUJD"],
        "mixed": [{"x": 1, "file": {"href": "https://example.org/a.tif"}}],
        "point": {"x": 1.5},
        "anything": [None, {"a": [1]}],
        "several": [1, 2],
    },
    "outputs": {"out": {"transmissionMode": "reference", "format": {"mediaType": "text/plain"}}},
    "response": "document",
    "subscriber": {"successUri": "https://example.org/done"},
}


@pytest.fixture(autouse=True)
def every_kind(operations: FakeOperations) -> None:
    inputs = {name: Input(name, name, schema, min_occurs=0) for name, schema in SCHEMAS.items()}
    inputs["several"] = Input("several", "several", {"type": "integer"}, min_occurs=2, max_occurs=3)
    process = Process("all", "1", "All", "", inputs, {"out": Output("out", "out", {})}, None)
    operations.processes_by_id["all"] = process
    operations.validates = True


def assert_sound(response: TestResponse, status: tuple[int, ...] = (201, 400)) -> None:
    assert response.status_code in status
    assert response.content_type == "application/json"
    assert b"Traceback" not in response.data
    assert response.json is not None
    if response.status_code == 400:
        for row in response.json.get("errors", []):
            assert row["rule"] and f"{row['location']}: {row['detail']}" in response.json["detail"]


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["", "a/b", "image/tiff", "http://[", "https://example.org/x", "base64", "\x00", "../..", "{}"])
)
KEYS = st.text(max_size=6) | st.sampled_from(
    ["href", "value", "type", "mediaType", "encoding", "format", "schema", "bbox", "crs", "class", "x", "file", "$ref"]
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


def places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values below a node."""
    found = [way] if way else []
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, item in items:
        found += places(item, (*way, key))
    return found


def changed(body: Any, way: tuple[Any, ...], change: str, value: Any) -> Any:
    """A copy with one value replaced, removed, wrapped in a list or object, or joined by another."""
    copy = json.loads(json.dumps(body))
    node = copy
    for key in way[:-1]:
        node = node[key]
    last = way[-1]
    if change == "remove":
        del node[last]
    elif change == "add" and isinstance(node, dict):
        node[str(value)[:20]] = value
    else:
        node[last] = {"list": [node[last]], "object": {"value": node[last]}, "replace": value}.get(change, value)
    return copy


MEMBERS = ["", "[href]", "[value]", "[mediaType]", "[crs]", "[include]", "[f]", "[prefer]", "[", "[]"]
TEXTS = ["1,2,3,4", "true", '{"x":1}', "[1,2]", "%7B%7D", "1e400", "wait=1", "handling=strict"]
MUTATIONS = st.tuples(
    st.integers(min_value=0, max_value=10_000), st.sampled_from(["replace", "remove", "list", "object", "add"]), VALUES
)


def test_the_request_is_valid_before_it_is_changed(client: FlaskClient) -> None:
    assert client.post(EXECUTION, json=VALID).status_code == 201


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@SETTINGS
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=3))
def test_changed_requests_are_run_or_refused(client: FlaskClient, mutations: list[tuple[int, str, Any]]) -> None:
    body: Any = VALID
    for number, change, value in mutations:
        ways = places(body)
        body = changed(body, ways[number % len(ways)], change, value) if ways else body
    assert_sound(client.post(EXECUTION, data=json.dumps(body)))


@SETTINGS
@given(name=st.sampled_from([*SCHEMAS, "several"]), value=VALUES)
def test_any_value_of_any_input_is_run_or_refused(client: FlaskClient, name: str, value: Any) -> None:
    assert_sound(client.post(EXECUTION, data=json.dumps({"inputs": {name: value, "several": [1, 2]}})))


@SETTINGS
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from([*SCHEMAS, "several", "out", "response", "f", "IMAGE", ""]) | st.text(max_size=8),
            st.sampled_from(
                ["", "[href]", "[value]", "[mediaType]", "[crs]", "[include]", "[f]", "[prefer]", "[", "[]"]
            ),
            st.text(max_size=12)
            | st.sampled_from(["1,2,3,4", "true", '{"x":1}', "[1,2]", "%7B%7D", "1e400", "wait=1"]),
        ),
        max_size=6,
    )
)
def test_any_query_is_run_or_refused(client: FlaskClient, pairs: list[tuple[str, str, str]]) -> None:
    query = [(f"{name}{member}", text) for name, member, text in pairs]
    query += [("several", "1,2"), ("response[f]", "json")]
    response = client.get(EXECUTION, query_string=query)
    assert response.status_code in (200, 201, 204, 400, 406)
    assert "html" not in response.content_type or any("html" in text for _, text in query)


@SETTINGS
@given(prefer=st.text(alphabet='abeghilmnoprstuvwy-=;, "0123456789.\\', max_size=60), accept=st.text(max_size=30))
def test_any_preference_is_applied_or_left(client: FlaskClient, prefer: str, accept: str) -> None:
    headers = {"HTTP_PREFER": f"wait=1, {prefer}", "HTTP_ACCEPT": accept.encode().decode("latin-1")}
    response = client.post(EXECUTION, data='{"inputs": {"several": [1, 2]}}', environ_overrides=headers)
    assert response.status_code in (200, 201, 400, 406)
    applied = response.headers.get("Preference-Applied", "")
    assert "\n" not in applied and len(applied) < 100


@pytest.mark.parametrize(
    "body",
    [
        '{"inputs": {"size": NaN, "several": [1, 2]}}',
        '{"inputs": {"size": -Infinity, "several": [1, 2]}}',
        '{"inputs": {"size": 1e999, "several": [1, 2]}}',
        '{"inputs": {"size": ' + "9" * 5000 + ', "several": [1, 2]}}',
        '{"inputs": {"size": 1, "size": 2, "several": [1, 2]}}',
        '{"inputs": {"anything": ' + "[" * 70 + "]" * 70 + ', "several": [1, 2]}}',
        '{"inputs": {"text": "\\ud800", "several": [1, 2]}}',
        '{"inputs": {"text": "a", "several": [1, 2]}} trailing',
        "\x00",
    ],
)
def test_what_is_no_json_is_400(client: FlaskClient, body: str) -> None:
    assert_sound(client.post(EXECUTION, data=body), (400,))


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("declared", ["", "; charset=utf-8", "; charset=latin-1", "; charset=nonsense", ";;=;"])
def test_the_encoding_is_seen_whatever_is_declared(client: FlaskClient, charset: str, declared: str) -> None:
    body = json.dumps({"inputs": {"text": "aé€😀", "several": [1, 2]}}, ensure_ascii=False)
    response = client.post(EXECUTION, data=body.encode(charset), content_type=f"application/json{declared}")
    assert_sound(response, (201,))


def test_text_that_is_not_unicode_is_400(client: FlaskClient) -> None:
    body = '{"inputs": {"text": "aé", "several": [1, 2]}}'.encode("latin-1")
    response = client.post(EXECUTION, data=body, content_type="application/json; charset=latin-1")
    assert_sound(response, (400,))
    assert response.json and "not valid utf-8" in response.json["detail"]
