"""How values of the documents are put into words, links and form fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

_SAFE_SCHEMES = frozenset({"", "http", "https", "mailto", "s3"})
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_BINARY_ENCODINGS = frozenset({"binary", "base64"})
_PREVIEW_ROWS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """One control of an execute form."""

    kind: str
    """`select`, `number`, `boolean`, `text`, `file` or `json`."""
    options: tuple[Any, ...] = ()
    step: str = "any"
    default: str = ""
    """JSON text of the default, or ""."""
    media_type: str = ""
    """Of the file that is wanted, where it is known."""
    hint: str = ""


def field_of(description: Mapping[str, Any]) -> Field:
    """The control for an input description (Part 1 inputDescription.yaml)."""
    schema = description.get("schema") or {}
    default = json.dumps(schema["default"], ensure_ascii=False) if schema.get("default") is not None else ""
    if description.get("maxOccurs", 1) != 1:
        hint = 'A JSON array of files, for example [{"href": "https://..."}].' if _file_schema(schema) else ""
        return Field("json", default=default, hint=hint or "A JSON array with one item per value.")
    return _single(schema, default)


def _single(schema: Mapping[str, Any], default: str) -> Field:
    if "enum" in schema:
        return Field("select", options=tuple(schema["enum"]), default=default)
    file = _file_schema(schema)
    if file is not None:
        return Field("file", default=default, media_type=str(file.get("contentMediaType", "")))
    match schema.get("type"):
        case "boolean":
            return Field("boolean", default=default)
        case "integer":
            return Field("number", step="1", default=default)
        case "number":
            return Field("number", default=default)
        case "string":
            return Field("text", default=default)
        case "array":
            return Field("json", default=default, hint="A JSON array.")
        case "object":
            return Field("json", default=default, hint="A JSON object.")
    return Field("json", default=default, hint='A JSON value; text in quotes, for example "a".')


def _file_schema(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The part of a schema that asks for a file, or None."""
    if schema.get("type") == "string":
        is_file = (
            "contentMediaType" in schema
            or schema.get("contentEncoding") in _BINARY_ENCODINGS
            or schema.get("format") in ("binary", "byte")
        )
        return schema if is_file else None
    alternatives = [part for key in ("oneOf", "anyOf") for part in schema.get(key, ()) if isinstance(part, Mapping)]
    return next((found for part in alternatives if (found := _file_schema(part)) is not None), None)


def type_of(schema: object) -> str:
    """A schema in a few words: `integer`, `array of string`, `file (image/tiff)`."""
    if not isinstance(schema, Mapping):
        return "any"
    file = _file_schema(schema)
    if file is not None:
        kind = file.get("contentMediaType", "")
        return f"file ({kind})" if kind and kind != "application/octet-stream" else "file"
    if "enum" in schema:
        return "one of " + ", ".join(str(item) for item in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {type_of(schema.get('items'))}"
    for key in ("oneOf", "anyOf", "allOf"):
        if schema.get(key):
            return " or ".join(dict.fromkeys(type_of(part) for part in schema[key]))
    words = [str(schema[key]) for key in ("type", "format") if schema.get(key)]
    return " ".join(words) or "any"


def occurs(description: Mapping[str, Any]) -> str:
    """How often an input may be given: `required`, `optional`, `1 or more`."""
    least, most = description.get("minOccurs", 1), description.get("maxOccurs", 1)
    if most == 1:
        return "required" if least else "optional"
    if most == "unbounded":
        return f"{least} or more"
    return f"{least} to {most}"


def moment(value: object) -> str:
    """An RFC 3339 time as `2026-11-22 07:12:27 UTC`; anything else as it is, None as nothing."""
    if not value:
        return ""
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    zone = parsed.tzname() or ""
    return f"{parsed:%Y-%m-%d %H:%M:%S} {zone}".strip()


def pretty(value: object) -> str:
    """Indented JSON text."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def safe_href(value: object) -> str:
    """An address that may stand in a link; `#` for a scheme that a browser would run."""
    text = str(value or "")
    try:
        scheme = urlsplit(text.strip()).scheme.lower()
    except ValueError:
        return "#"
    return text if scheme in _SAFE_SCHEMES else "#"


def segment(value: object) -> str:
    """An id as one segment of a path."""
    return quote(str(value), safe="")


def link_of(document: object, rel: str) -> str:
    """The address of the first link of a relation, or ""; `rel` may be the last part of a registered URI."""
    links = document.get("links", ()) if isinstance(document, Mapping) else ()
    for link in links or ():
        relation = str(link.get("rel", ""))
        if relation == rel or relation.endswith("/" + rel):
            return safe_href(link.get("href"))
    return ""


def is_reference(value: object) -> bool:
    """True for a Part 1 link object."""
    return isinstance(value, Mapping) and isinstance(value.get("href"), str)


def is_image(value: object) -> bool:
    """True for a link to an image that browsers show."""
    return is_reference(value) and isinstance(value, Mapping) and str(value.get("type", "")).split(";")[0] in _IMAGES


def unwrap(value: object) -> object:
    """The bare value of a Part 1 qualified value `{value, mediaType}`; other values as they are."""
    if isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "mediaType", "encoding", "schema"}:
        return value["value"]
    return value


def is_tree(value: object) -> bool:
    """True for nested JSON without any link: it reads best as JSON text."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(isinstance(part, Mapping | list) for part in parts) and not _has_reference(value)


def _has_reference(value: object) -> bool:
    if isinstance(value, Mapping):
        return is_reference(value) or any(_has_reference(part) for part in value.values())
    return isinstance(value, list | tuple) and any(_has_reference(part) for part in value)


def columns(value: object) -> list[str]:
    """The column names of an array of flat objects, which can be a table; else nothing."""
    if not isinstance(value, list) or not value or len(value) > _PREVIEW_ROWS:
        return []
    if not all(isinstance(row, Mapping) and row and not is_reference(row) for row in value):
        return []
    if any(isinstance(cell, Mapping | list) for row in value for cell in row.values()):
        return []
    return list(dict.fromkeys(key for row in value for key in row))


def operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """(method, path, operation) of an OpenAPI document, in its order."""
    for path, item in (document.get("paths") or {}).items():
        for method in ("get", "post", "put", "patch", "delete", "head"):
            if method in item:
                yield method.upper(), path, item[method]


FILTERS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        field_of,
        type_of,
        occurs,
        moment,
        pretty,
        safe_href,
        segment,
        link_of,
        is_reference,
        is_image,
        is_tree,
        unwrap,
        columns,
        operations,
    )
}
