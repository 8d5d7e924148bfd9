"""Schemas of input values in an execute request: by value, by qualified value, by reference, by a nested process.

They say what `validation/` accepts, as far as OpenAPI 3.0 can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model.process import Input
from ...validation.content import QUALIFIERS, means_bytes, media_types
from ...validation.media_types import accepts
from ...validation.shapes import branches, holds_content, lists_content, properties
from .schemas30 import strict

Schema = dict[str, Any]

_JSON = "application/json"
_TEXTS = ("title", "description", "default", "example")
_ANYTHING: Schema = {}
_BASE64: Schema = {"type": "string", "format": "byte"}


_OTHER_OBJECT: Schema = {
    "type": "object",
    "title": "JSON",
    "not": {
        "anyOf": [
            {"required": ["href"]},
            {
                "required": ["value"],
                "properties": {name: {} for name in sorted(QUALIFIERS)},
                "additionalProperties": False,
            },
        ]
    },
}
"""An object that is neither a link nor a qualified value is the content itself."""


def input_schema(item: Input) -> Schema:
    """What may stand under the id of an input in `inputs`."""
    choices = _choices(item.schema)
    if item.max_occurs is None or item.max_occurs > 1:
        choices = [*choices, _several(choices, item)]
    texts = {"title": item.title or item.id, "description": item.description}
    found: Schema = {key: text for key, text in texts.items() if text}
    for key in ("default", "example"):
        if key in item.schema:
            found[key] = item.schema[key]
    if item.min_occurs == 0 or item.schema.get("nullable"):
        found["nullable"] = True
    return {**found, "anyOf": choices}


def _several(choices: list[Schema], item: Input) -> Schema:
    found: Schema = {"type": "array", "items": {"anyOf": choices}}
    if item.min_occurs > 1:
        found["minItems"] = item.min_occurs
    if item.max_occurs is not None:
        found["maxItems"] = item.max_occurs
    return found


def _choices(schema: Mapping[str, Any]) -> list[Schema]:
    plain = strict({key: value for key, value in schema.items() if key not in _TEXTS})
    nested = {"$ref": "#/components/schemas/nestedProcess"}
    if holds_content(schema):
        return [*_content(plain, schema), nested]
    reference = {"$ref": "#/components/schemas/inputLink"}
    if lists_content(schema):
        return [{"type": "array", "items": _ANYTHING}, reference, nested]
    own_member = "value" in properties(schema)
    qualified = [] if own_member else [_qualified(plain, {"type": "string"}, {})]
    return [plain, *qualified, reference, nested]


def _content(plain: Schema, schema: Mapping[str, Any]) -> list[Schema]:
    """A file: text or base64 by value, a link, or JSON as it is where the media type allows it."""
    kinds = media_types(schema)
    kind: Schema = {"type": "string", "enum": kinds} if kinds else {"$ref": "#/components/schemas/mediaType"}
    found = [
        plain,
        _qualified(_BASE64, kind, {"enum": ["base64", "binary"]}, "encoding"),
        _qualified({"type": "string"}, kind, {"enum": ["utf-8"]}, "encoding"),
        _qualified(_BASE64 if means_bytes("", schema) else {"type": "string"}, kind, None),
        {
            "type": "object",
            "title": "By reference",
            "required": ["href"],
            "properties": {"href": {"$ref": "#/components/schemas/address"}, "type": kind},
        },
    ]
    if any(branch.get("type") == "object" for branch in branches(schema)):
        return found
    json_too = not kinds or accepts(kinds, _JSON)
    return [*found, _OTHER_OBJECT] if json_too else found


def _qualified(value: Schema, kind: Schema, encoding: Schema | None, *required: str) -> Schema:
    """Part 1 qualifiedInputValue.yaml; without the member `encoding` where that is None."""
    member = {} if encoding is None else {"encoding": {"type": "string", **encoding}}
    return {
        "type": "object",
        "title": "Qualified value",
        "required": ["value", *required],
        "properties": {"value": value, "mediaType": kind, **member, "schema": {}},
        "additionalProperties": False,
    }
