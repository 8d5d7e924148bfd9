"""Execute requests that fit a process description, and the same as a command for a shell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_TEXTS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "uri": "https://example.org/data",
    "email": "somebody@example.org",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_BBOX = {"bbox": [5.0, 45.0, 15.0, 55.0]}
_DEEPEST = 8


def request_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """An execute request (Part 1 execute.yaml) with the inputs that are needed, and those that have an example or
    default.

    Args:
        description: a process description (Part 1 process.yaml).
    """
    inputs = {}
    for name, item in (description.get("inputs") or {}).items():
        schema = item.get("schema") or {}
        if item.get("minOccurs", 1) != 0 or "default" in schema or "example" in schema:
            several = item.get("maxOccurs", 1) != 1
            value = value_of(schema)
            wrapped = several and "default" not in schema and "example" not in schema
            inputs[name] = [value] * max(1, item.get("minOccurs", 1)) if wrapped else value
    return {"inputs": inputs}


def curl_of(description: Mapping[str, Any], address: str) -> str:
    """A curl command that executes the process.

    Args:
        description: a process description.
        address: where it is executed.
    """
    body = json.dumps(request_of(description), indent=2, ensure_ascii=False)
    lines = [
        f"curl -X POST {_quoted(address)}",
        "-H 'Content-Type: application/json'",
        *(["-H 'Prefer: respond-async'"] if "async-execute" in (description.get("jobControlOptions") or ()) else []),
        f"-d {_quoted(body)}",
    ]
    return " \\\n  ".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def value_of(schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that a schema (OpenAPI 3.0 subset) allows, as far as its rules are simple: a `pattern` is not solved."""
    for key in ("default", "example"):
        if schema.get(key) is not None:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("format") == "ogc-bbox":
        return _BBOX
    for key in ("allOf", "oneOf", "anyOf"):
        parts = [part for part in schema.get(key) or () if isinstance(part, Mapping)]
        if parts and depth < _DEEPEST:
            return value_of(parts[0], depth + 1)
    return _of_type(schema, depth)


def _of_type(schema: Mapping[str, Any], depth: int) -> Any:
    match schema.get("type"):
        case "boolean":
            return False
        case "integer" | "number":
            return _number(schema)
        case "string":
            return _text(schema)
        case "array":
            count = max(1, schema.get("minItems", 1))
            return [value_of(schema.get("items") or {}, depth + 1)] * count if depth < _DEEPEST else []
        case "object":
            members = schema.get("properties") or {}
            needed = schema.get("required") or ()
            return {key: value_of(part, depth + 1) for key, part in members.items() if key in needed}
    return "example"


def _number(schema: Mapping[str, Any]) -> Any:
    step = schema.get("multipleOf") or 1
    if "minimum" in schema:
        least = schema["minimum"]
        return least + step if schema.get("exclusiveMinimum") is True else least
    if "maximum" in schema and schema["maximum"] <= 1:
        most = schema["maximum"]
        return most - step if schema.get("exclusiveMaximum") is True else most
    return step


def _text(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("contentMediaType")
    if schema.get("format") == "uri":
        return {"href": "https://example.org/data/"} if kind else _TEXTS["uri"]
    if kind and str(kind).startswith("text/"):
        return {"value": "example", "mediaType": kind}
    if kind or schema.get("contentEncoding") or schema.get("format") in ("binary", "byte"):
        return {"value": "ZXhhbXBsZQo=", "encoding": "base64", "mediaType": kind or "application/octet-stream"}
    text = _TEXTS.get(str(schema.get("format")), "example")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 1000)]
