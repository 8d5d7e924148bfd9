"""OpenAPI 3.0 documents as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from pygeoapi_oapip.ogcapi.definition.schemas31 import upgraded, upgraded_schema


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"nullable": True, "anyOf": [{}]}, {"anyOf": [{"anyOf": [{}]}, {"type": "null"}]}),
        ({"nullable": True}, {}),
        ({"minimum": 3, "exclusiveMinimum": True}, {"exclusiveMinimum": 3}),
        ({"maximum": 3, "exclusiveMaximum": False}, {"maximum": 3}),
        ({"exclusiveMinimum": True}, {}),
        ({"type": "string", "format": "byte"}, {"type": "string", "contentEncoding": "base64"}),
        ({"format": "binary"}, {"contentMediaType": "application/octet-stream"}),
        ({"format": "binary", "x-contentMediaType": "image/tiff"}, {"contentMediaType": "image/tiff"}),
        ({"example": 1}, {"examples": [1]}),
        ({"default": {"nullable": True}}, {"default": {"nullable": True}}),
        ({"enum": [{"nullable": True}]}, {"enum": [{"nullable": True}]}),
        ({"$ref": "#/components/schemas/a"}, {"$ref": "#/components/schemas/a"}),
        ({"items": {"format": "byte"}}, {"items": {"contentEncoding": "base64"}}),
        ({"not": {"example": 1}}, {"not": {"examples": [1]}}),
        (
            {"additionalProperties": False, "properties": {"nullable": {"nullable": True, "type": "integer"}}},
            {"additionalProperties": False, "properties": {"nullable": {"type": ["integer", "null"]}}},
        ),
    ],
)
def test_schemas_are_json_schema_2020_12(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert upgraded_schema(given) == wanted
    jsonschema.Draft202012Validator.check_schema(upgraded_schema(given))


def test_schemas_are_found_wherever_they_stand() -> None:
    old = {"type": "integer", "nullable": True}
    new = {"type": ["integer", "null"]}
    document = {
        "openapi": "3.0.3",
        "paths": {
            "/a": {
                "get": {
                    "parameters": [{"name": "p", "in": "query", "schema": old}],
                    "responses": {"default": {"description": "", "content": {"a/b": {"schema": old, "example": old}}}},
                }
            }
        },
        "components": {"schemas": {"schema": old}, "headers": {"h": {"schema": old}}},
    }
    found = upgraded(document)
    operation = found["paths"]["/a"]["get"]
    media = operation["responses"]["default"]["content"]["a/b"]
    assert found["openapi"].startswith("3.1.")
    assert operation["parameters"][0]["schema"] == media["schema"] == new and media["example"] == old
    assert found["components"] == {"schemas": {"schema": new}, "headers": {"h": {"schema": new}}}
    assert document["openapi"] == "3.0.3" and old == {"type": "integer", "nullable": True}
