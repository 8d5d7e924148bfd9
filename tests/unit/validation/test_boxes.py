from __future__ import annotations

import pytest

from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input
from pygeoapi_oapip.validation.inputs import read_inputs
from pygeoapi_oapip.validation.violations import Violation

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
BOX: JSONObject = {
    "type": "object",
    "required": ["bbox"],
    "properties": {
        "bbox": {"type": "array", "items": {"type": "number"}},
        "crs": {"type": "string", "enum": [CRS84], "default": CRS84},
    },
}
FORMS: dict[str, JSONObject] = {
    "properties": BOX,
    "format": {"format": "ogc-bbox"},
    "reference": {"allOf": [{"format": "ogc-bbox"}, {"$ref": "https://example.org/schemas/bbox.yaml"}]},
}


def rules(schema: JSONObject, value: JSON) -> list[tuple[str, str]]:
    found: list[Violation] = []
    read_inputs({"x": value}, {"x": Input("x", "x", schema)}, found)
    return [(item.location, item.rule) for item in found]


@pytest.mark.requirement("part1/core/process-execute-input-inline-bbox")
@pytest.mark.parametrize("schema", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "value",
    [
        {"bbox": [51.9, 7, 52, 7.1], "crs": CRS84},
        {"bbox": [170, -10, -170, 10]},
        {"bbox": [0, 0, 0, 1, 1, 1]},
    ],
)
def test_four_or_six_numbers_are_a_box(schema: JSONObject, value: JSON) -> None:
    assert rules(schema, value) == []


@pytest.mark.requirement("part1/core/process-execute-input-inline-bbox")
@pytest.mark.parametrize("schema", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("value", "place", "rule"),
    [
        ({"bbox": [1, 2, 3, 4, 5]}, "inputs.x.bbox", "bbox"),
        ({"bbox": []}, "inputs.x.bbox", "bbox"),
        ({"bbox": [1, 2, 3, "4"]}, "inputs.x.bbox", "bbox"),
        ({"bbox": [1, 2, 3, True]}, "inputs.x.bbox", "bbox"),
        ({"bbox": [1, 2, 3, None]}, "inputs.x.bbox", "bbox"),
        ({"bbox": "1,2,3,4"}, "inputs.x.bbox", "bbox"),
        ({"crs": CRS84}, "inputs.x", "required"),
        ([1, 2, 3, 4], "inputs.x", "type"),
        ("1,2,3,4", "inputs.x", "type"),
        ({"bbox": [1, 2, 3, 4], "crs": 4326}, "inputs.x.crs", "crs"),
        ({"bbox": [1, 2, 3, 4], "crs": ""}, "inputs.x.crs", "crs"),
    ],
)
def test_anything_else_is_refused_once(schema: JSONObject, value: JSON, place: str, rule: str) -> None:
    assert rules(schema, value) == [(place, rule)]


@pytest.mark.requirement("part1/core/process-execute-input-validation")
def test_the_reference_system_must_be_one_of_the_schema() -> None:
    other = "http://www.opengis.net/def/crs/EPSG/0/3035"
    assert rules(BOX, {"bbox": [1, 2, 3, 4], "crs": other}) == [("inputs.x.crs", "enum")]
    assert rules(FORMS["format"], {"bbox": [1, 2, 3, 4], "crs": other}) == []


def test_arrays_of_boxes_are_looked_into() -> None:
    assert rules({"type": "array", "items": BOX}, [{"bbox": [1, 2, 3, 4]}, {"bbox": [1]}]) == [
        ("inputs.x[1].bbox", "bbox")
    ]
