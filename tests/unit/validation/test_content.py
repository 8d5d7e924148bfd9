"""Files in requests: links, qualified values, inline content, wherever they stand."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input
from pygeoapi_oapip.model.value import Inline, Many, Nested, NestedArray, Reference
from pygeoapi_oapip.validation.inputs import read_inputs
from pygeoapi_oapip.validation.violations import Violation

TIFF: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "image/tiff; application=geotiff"}
JSON_FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "application/geo+json"}
ANY_FILE: JSONObject = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
TEXT: JSONObject = {"type": "string", "contentMediaType": "text/csv"}
BYTES: JSONObject = {"type": "string", "contentEncoding": "binary", "contentMediaType": "image/tiff"}
FOLDER: JSONObject = {"type": "string", "format": "uri"}
FEATURE: JSONObject = {
    "allOf": [{"format": "geojson-feature", "type": "object", "required": ["geometry"]}],
    "contentMediaType": "application/geo+json",
}
RECORD: JSONObject = {"type": "object", "properties": {"part": {"oneOf": [TIFF, {"type": "object", "title": "Link"}]}}}
URL = "https://example.org/a"


def read(schema: JSONObject, value: JSON) -> tuple[object, list[Violation]]:
    found: list[Violation] = []
    return read_inputs({"x": value}, {"x": Input("x", "x", schema)}, found).get("x"), found


def rules(schema: JSONObject, value: JSON) -> list[tuple[str, str]]:
    return [(item.location, item.rule) for item in read(schema, value)[1]]


@pytest.mark.requirement("part1/core/process-execute-inputs", "part1/core/process-execute-input-inline-binary")
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (TIFF, {"href": URL, "type": "image/tiff"}),
        (TIFF, {"href": URL, "type": "image/tiff; application=geotiff; profile=cloud-optimized"}),
        (TIFF, {"href": URL, "type": "IMAGE/TIFF;application=GeoTIFF"}),
        (TIFF, {"href": URL, "type": "application/octet-stream"}),
        (TIFF, {"href": URL, "format": {"mediaType": "image/tiff"}}),
        (TIFF, {"href": URL, "rel": "item", "title": "T", "hreflang": "en"}),
        (TIFF, {"value": "QUJD", "mediaType": "image/tiff", "encoding": "base64"}),
        (TIFF, {"value": "QUJD\nQUJD", "format": {"mediaType": "image/tiff", "encoding": "Base64"}}),
        (TIFF, {"class": "File", "location": URL}),
        (ANY_FILE, {"href": URL, "type": "text/plain"}),
        (ANY_FILE, "free text, no base64!"),
        (ANY_FILE, {"any": "object"}),
        (JSON_FILE, {"type": "FeatureCollection", "features": []}),
        (JSON_FILE, {"href": URL, "type": "application/json"}),
        (JSON_FILE, {"value": {"a": 1}, "mediaType": "application/geo+json"}),
        (TEXT, "a,b\n1,2"),
        (TEXT, {"href": URL, "type": "text/plain; charset=utf-8"}),
        (FOLDER, {"href": URL + "/", "type": "application/json"}),
        (BYTES, "QUJD"),
        (BYTES, {"value": "QUJD", "encoding": "binary"}),
        (FEATURE, {"type": "Feature", "geometry": None}),
        (RECORD, {"part": {"href": URL, "type": "image/tiff"}}),
        (RECORD, {"part": {"value": "QUJD", "mediaType": "image/tiff"}}),
        ({"type": "array", "items": TIFF}, [{"href": URL}, "QUJD"]),
        ({"type": "array", "items": {"type": "array", "items": TIFF}}, [[{"href": URL}], []]),
        ({"type": "array", "items": RECORD}, [{"part": "QUJD"}]),
        ({"type": "number"}, {"value": 3, "mediaType": "application/json"}),
    ],
)
def test_what_fits_is_accepted(schema: JSONObject, value: JSON) -> None:
    assert rules(schema, value) == []


@pytest.mark.requirement("part1/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("schema", "value", "place", "rule"),
    [
        (TIFF, {"href": URL, "type": "image/png"}, "inputs.x.type", "mediaType"),
        (TIFF, {"href": URL, "type": "image/tiff; application=other"}, "inputs.x.type", "mediaType"),
        (TIFF, {"href": URL, "type": "nonsense"}, "inputs.x.type", "mediaType"),
        (TIFF, {"href": "a.tif"}, "inputs.x.href", "href"),
        (TIFF, {"href": "http://[::1"}, "inputs.x.href", "href"),
        (TIFF, {"type": "wrong/type_x"}, "inputs.x", "required"),
        (TIFF, {"any": "object"}, "inputs.x", "mediaType"),
        (TIFF, "not base64!", "inputs.x", "encoding"),
        (TIFF, "QUJ", "inputs.x", "encoding"),
        (TIFF, {"value": "QUJD", "mediaType": "text/csv"}, "inputs.x.mediaType", "mediaType"),
        (TIFF, {"value": "QUJD", "encoding": "rot13"}, "inputs.x.encoding", "encoding"),
        (TIFF, {"value": "QUJD", "encoding": 64}, "inputs.x.encoding", "type"),
        (TIFF, {"value": "QUJD", "mediaType": ["image/tiff"]}, "inputs.x.mediaType", "type"),
        (TIFF, 3, "inputs.x", "anyOf"),
        (ANY_FILE, {"value": "###", "encoding": "base64"}, "inputs.x", "encoding"),
        (TEXT, {"href": URL, "type": "image/png"}, "inputs.x.type", "mediaType"),
        (BYTES, "§", "inputs.x", "encoding"),
        (FEATURE, {"type": "Feature"}, "inputs.x", "required"),
        (RECORD, {"part": {"href": URL, "type": "image/png"}}, "inputs.x.part.type", "mediaType"),
        (RECORD, {"part": {"href": "relative"}}, "inputs.x.part.href", "href"),
        (RECORD, {"part": {"value": "***", "mediaType": "image/tiff"}}, "inputs.x.part", "encoding"),
        ({"type": "array", "items": TIFF}, [{"href": URL}, {"href": "b"}], "inputs.x[1].href", "href"),
        ({"type": "array", "items": RECORD}, [{}, {"part": {"href": "b"}}], "inputs.x[1].part.href", "href"),
        (
            {"type": "array", "items": {"type": "array", "items": TIFF}},
            [[], [{"href": URL, "type": "a/b"}]],
            "inputs.x[1][0].type",
            "mediaType",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(schema: JSONObject, value: JSON, place: str, rule: str) -> None:
    assert rules(schema, value) == [(place, rule)]


def test_a_link_in_a_qualified_value_is_a_reference() -> None:
    value: JSON = {"value": {"href": URL}, "mediaType": "image/tiff"}
    assert read(TIFF, value) == (Reference(URL, "image/tiff"), [])


def test_an_object_of_cwl_is_taken_for_any_content() -> None:
    file: JSONObject = {"class": "File", "location": URL, "format": "http://edamontology.org/format_2330"}
    assert rules(TEXT, {"value": file, "mediaType": "application/cwl+json"}) == []
    assert rules(TEXT, {"value": {"class": "Sheet"}, "mediaType": "application/cwl+json"}) == [
        ("inputs.x.mediaType", "mediaType")
    ]
    assert rules(TEXT, {"value": file, "mediaType": "image/png"}) == [("inputs.x.mediaType", "mediaType")]


def test_encodings_are_kept_in_one_spelling() -> None:
    value: JSON = {"value": "QUJD", "mediaType": "image/tiff", "encoding": "BINARY"}
    assert read(TIFF, value) == (Inline("QUJD", "image/tiff", "base64"), [])


def test_nested_processes_pass_through() -> None:
    nested = Nested("p", "p", 1, "", "out", {})
    numbers: JSONObject = {"type": "array", "items": {"type": "number"}}
    found: list[Violation] = []
    inputs = {"a": Input("a", "a", TIFF), "b": Input("b", "b", numbers)}
    given = {"a": nested, "b": NestedArray((1, nested, "x"))}  # type: ignore[arg-type]
    values = read_inputs(given, inputs, found)  # type: ignore[arg-type]
    assert values["a"] is nested
    assert values["b"] == Many((Inline(1), nested, Inline("x")))
    assert [item.location for item in found] == ["inputs.b[2]"]
