"""The OpenAPI 3.0 document as OpenAPI 3.1, whose schemas are JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

VERSION = "3.1.1"

_ARRAYS = ("allOf", "oneOf", "anyOf")
_SINGLE = ("not", "items", "additionalProperties")
_VERBATIM = frozenset({"example", "examples"})


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same API as an OpenAPI 3.1 document.

    Args:
        document: a valid OpenAPI 3.0 document.
    """
    found: dict[str, Any] = _node(document, ())
    return {**found, "openapi": VERSION, "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base"}


def _node(node: Any, place: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_node(item, place) for item in node]
    if not isinstance(node, Mapping):
        return node
    if place[-1:] == ("schemas",):
        return {key: upgraded_schema(value) for key, value in node.items()}
    found = {}
    for key, value in node.items():
        if key == "schema":
            found[key] = upgraded_schema(value)
        else:
            found[key] = value if key in _VERBATIM else _node(value, (*place, key))
    return found


def upgraded_schema(schema: Mapping[str, Any]) -> Schema:
    """One Schema Object of 3.0 as one of 3.1: `nullable` is a type, exclusive bounds are numbers, content is named."""
    if "$ref" in schema:
        return dict(schema)
    found: Schema = {}
    for key, value in schema.items():
        if key in _ARRAYS:
            found[key] = [upgraded_schema(branch) for branch in value]
        elif key in _SINGLE and isinstance(value, Mapping):
            found[key] = upgraded_schema(value)
        elif key == "properties":
            found[key] = {name: upgraded_schema(member) for name, member in value.items()}
        else:
            found[key] = value
    _bounds(found)
    _content(found)
    if "example" in found:
        found["examples"] = [found.pop("example")]
    return _with_null(found) if found.pop("nullable", False) else found


def _bounds(found: Schema) -> None:
    for side in ("Minimum", "Maximum"):
        plain, key = side.lower(), f"exclusive{side}"
        if found.pop(key, False) and plain in found:
            found[key] = found.pop(plain)


def _content(found: Schema) -> None:
    for key in ("contentMediaType", "contentEncoding"):
        if f"x-{key}" in found:
            found[key] = found.pop(f"x-{key}")
    if found.get("format") == "byte":
        del found["format"]
        found.setdefault("contentEncoding", "base64")
    elif found.get("format") == "binary":
        del found["format"]
        found.setdefault("contentMediaType", "application/octet-stream")


def _with_null(found: Schema) -> Schema:
    if "type" not in found:
        return {"anyOf": [found, {"type": "null"}]} if set(found) & {"allOf", "oneOf", "anyOf", "enum"} else found
    found["type"] = [found["type"], "null"]
    if "enum" in found and None not in found["enum"]:
        found["enum"] = [*found["enum"], None]
    return found
