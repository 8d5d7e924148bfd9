"""Any JSON Schema as an OpenAPI 3.0 Schema Object, so that no description of a process makes the document invalid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_COUNTS = ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties")
_NUMBERS = ("multipleOf", "maximum", "minimum")
_TEXTS = ("title", "description", "pattern", "format")
_FLAGS = ("nullable", "uniqueItems", "readOnly", "writeOnly", "deprecated")
_LISTS = ("allOf", "oneOf", "anyOf")


def strict(schema: object) -> Schema:
    """The nearest OpenAPI 3.0 Schema Object.

    What 3.0 cannot say is widened, never narrowed: keywords that it does not have are left out, and references that
    lead outside `#/components` accept anything. `contentMediaType` and `contentEncoding`, which OGC process
    descriptions add to 3.0, become extensions (`x-`).

    Args:
        schema: a schema of OpenAPI 3.0, of OGC's dialect, or of a newer JSON Schema.
    """
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, Mapping):
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return {"$ref": reference} if reference.startswith("#/components/") else {}
    found = _plain(schema)
    for step in (_type, _bounds, _choices, _members, _content):
        step(schema, found)
    return found


def _plain(schema: Mapping[str, Any]) -> Schema:
    kinds: tuple[tuple[tuple[str, ...], Callable[[object], bool]], ...] = (
        (_TEXTS, lambda value: isinstance(value, str)),
        (_FLAGS, lambda value: isinstance(value, bool)),
        (_COUNTS, lambda value: _is_integer(value)),
        (_NUMBERS, _is_number),
    )
    found = {key: schema[key] for keys, fits in kinds for key in keys if key in schema and fits(schema[key])}
    found |= {key: schema[key] for key in ("default", "example") if key in schema}
    found |= {key: value for key, value in schema.items() if key.startswith("x-")}
    if "example" not in found and isinstance(schema.get("examples"), list) and schema["examples"]:
        found["example"] = schema["examples"][0]
    return found


def _type(schema: Mapping[str, Any], found: Schema) -> None:
    kind = schema.get("type")
    if isinstance(kind, str):
        if kind in _TYPES:
            found["type"] = kind
    elif isinstance(kind, list):
        names = [name for name in kind if name in _TYPES]
        if "null" in kind:
            found["nullable"] = True
        if len(names) == 1:
            found["type"] = names[0]
        elif names and "anyOf" not in schema:
            found["anyOf"] = [{"type": name, **({"items": {}} if name == "array" else {})} for name in names]


def _bounds(schema: Mapping[str, Any], found: Schema) -> None:
    for side in ("Minimum", "Maximum"):
        value, plain = schema.get(f"exclusive{side}"), side.lower()
        if isinstance(value, bool):
            found[f"exclusive{side}"] = value
        elif _is_number(value):
            found |= {plain: value, f"exclusive{side}": True}


def _choices(schema: Mapping[str, Any], found: Schema) -> None:
    for key in _LISTS:
        branches = schema.get(key)
        if isinstance(branches, list) and branches:
            found[key] = [strict(branch) for branch in branches]
    if isinstance(schema.get("not"), Mapping):
        found["not"] = strict(schema["not"])
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values:
        found["enum"] = values


def _members(schema: Mapping[str, Any], found: Schema) -> None:
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        found["properties"] = {str(name): strict(member) for name, member in properties.items()}
    further = schema.get("additionalProperties")
    if isinstance(further, bool):
        found["additionalProperties"] = further
    elif isinstance(further, Mapping):
        found["additionalProperties"] = strict(further)
    required = schema.get("required")
    if isinstance(required, list) and required:
        found["required"] = list(dict.fromkeys(str(name) for name in required))
    if "items" in schema or found.get("type") == "array":
        found["items"] = strict(schema.get("items"))


def _content(schema: Mapping[str, Any], found: Schema) -> None:
    for key in ("contentMediaType", "contentEncoding"):
        if isinstance(schema.get(key), str):
            found[f"x-{key}"] = schema[key]


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
