"""What a schema is about: content (files, directories), bounding boxes, or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ..model.json import JSONObject

_CONTENT = frozenset({"binary", "byte", "uri"})
_BBOX_REFERENCE = "bbox.yaml"


def branches(schema: JSONObject) -> list[JSONObject]:
    """The schema and all that its oneOf, anyOf and allOf hold."""
    found = [schema]
    for word in ("oneOf", "anyOf", "allOf"):
        for branch in cast("list[JSONObject]", schema.get(word) or []):
            found.extend(branches(branch))
    return found


def is_content(branch: JSONObject) -> bool:
    """True for the schema of a File (`format: binary`, content members) or of a Directory (`format: uri`)."""
    return bool(branch.get("contentMediaType") or branch.get("contentEncoding")) or branch.get("format") in _CONTENT


def holds_content(schema: JSONObject) -> bool:
    """True if a value of this schema may be a file or directory."""
    return any(is_content(branch) for branch in branches(schema))


def lists_content(schema: JSONObject) -> bool:
    """True if a value of this schema may be an array, of any depth, of files or directories."""
    items = [branch["items"] for branch in branches(schema) if isinstance(branch.get("items"), Mapping)]
    return any(holds_content(item) or lists_content(item) for item in cast("list[JSONObject]", items))


def item_schema(schema: JSONObject) -> JSONObject:
    """The schema of an item of an array; empty where nothing is said."""
    for branch in branches(schema):
        items = branch.get("items")
        if isinstance(items, Mapping):
            return items
    return {}


def properties(schema: JSONObject) -> dict[str, JSONObject]:
    """The members that an object of this schema may have."""
    found: dict[str, JSONObject] = {}
    for branch in branches(schema):
        found.update(cast("Mapping[str, JSONObject]", branch.get("properties") or {}))
    return found


def says_nothing(schema: JSONObject) -> bool:
    """True for a schema that any JSON value fits (CWL `Any`)."""
    return not ({"type", "enum", "oneOf", "anyOf", "allOf", "$ref", "format"} & set(schema)) and not is_content(schema)


def is_plain(schema: JSONObject) -> bool:
    """True if values are plain JSON: no file, directory or arbitrary value can be in them."""
    if is_bbox(schema):
        return True
    return not (holds_content(schema) or says_nothing(schema) or _plain_parts_missing(schema))


def _plain_parts_missing(schema: JSONObject) -> bool:
    parts = [branch["items"] for branch in branches(schema) if isinstance(branch.get("items"), Mapping)]
    members = [*cast("list[JSONObject]", parts), *properties(schema).values()]
    return any(not is_plain(member) for member in members)


def is_bbox(schema: JSONObject) -> bool:
    """True for a bounding box: `format: ogc-bbox`, a reference to bbox.yaml, or an object with `bbox` and `crs`."""
    for branch in branches(schema):
        members = cast(JSONObject, branch.get("properties") or {})
        if branch.get("format") == "ogc-bbox" or str(branch.get("$ref") or "").endswith(_BBOX_REFERENCE):
            return True
        if {"bbox", "crs"} <= set(members):
            return True
    return False


def nullable(schema: JSONObject) -> bool:
    """True if null is a value."""
    return any(bool(branch.get("nullable")) for branch in branches(schema))
