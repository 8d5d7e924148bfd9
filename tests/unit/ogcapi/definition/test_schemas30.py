"""Any JSON Schema becomes an OpenAPI 3.0 Schema Object, wider where it must be."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from pygeoapi_oapip.ogcapi.definition.schemas30 import strict


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (True, {}),
        (False, {"not": {}}),
        (None, {}),
        ("nonsense", {}),
        ({"type": "string", "minLength": 2}, {"type": "string", "minLength": 2}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["array", "number"]}, {"anyOf": [{"type": "array", "items": {}}, {"type": "number"}]}),
        ({"const": 4}, {"enum": [4]}),
        ({"exclusiveMinimum": 3}, {"minimum": 3, "exclusiveMinimum": True}),
        ({"minimum": 3, "exclusiveMinimum": True}, {"minimum": 3, "exclusiveMinimum": True}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "null"}, {}),
        ({"examples": [7, 8]}, {"example": 7}),
        ({"required": []}, {}),
        ({"required": ["a", "a"]}, {"required": ["a"]}),
        ({"enum": []}, {}),
        ({"minLength": -1, "maxItems": "many", "title": 5, "nullable": "yes", "minimum": True}, {}),
        ({"$ref": "#/components/schemas/link", "title": "x"}, {"$ref": "#/components/schemas/link"}),
        ({"$ref": "https://example.org/schema.json"}, {}),
        ({"$defs": {"a": {}}, "$ref": "#/$defs/a"}, {}),
        ({"contentMediaType": "image/tiff"}, {"x-contentMediaType": "image/tiff"}),
        ({"if": {}, "then": {}, "patternProperties": {}, "$schema": "x", "unevaluatedItems": False}, {}),
        ({"properties": {"a": True, "b": {"type": "bogus"}}}, {"properties": {"a": {}, "b": {}}}),
        ({"additionalProperties": {"const": 1}}, {"additionalProperties": {"enum": [1]}}),
        ({"allOf": [], "anyOf": [{"const": 1}], "not": {"const": 2}}, {"anyOf": [{"enum": [1]}], "not": {"enum": [2]}}),
        ({"x-own": {"type": ["a"]}}, {"x-own": {"type": ["a"]}}),
    ],
)
def test_the_nearest_schema_of_openapi_3_0(given: Any, wanted: dict[str, Any]) -> None:
    assert strict(given) == wanted


@pytest.mark.parametrize("value", [1, "a", [], [1, 2], {}, {"a": 1}])
def test_what_fits_the_given_schema_fits_the_new_one(value: object) -> None:
    given = {
        "anyOf": [
            {"type": ["integer", "array"], "exclusiveMinimum": 0, "prefixItems": [{"type": "integer"}]},
            {"type": "object", "patternProperties": {"^a": {"type": "integer"}}},
            {"const": "a"},
        ]
    }
    assert jsonschema.Draft202012Validator(given).is_valid(value)
    assert jsonschema.Draft4Validator(strict(given)).is_valid(value)
