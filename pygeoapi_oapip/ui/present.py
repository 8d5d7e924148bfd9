"""How values of the documents are put into words and links."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .example import curl_of

_SAFE_SCHEMES = frozenset({"", "http", "https", "mailto", "s3"})
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_BINARY_ENCODINGS = frozenset({"binary", "base64"})
_PREVIEW_ROWS = 200
_DIRECTORY = "inode/directory"
_WIDTHS = frozenset({"int32", "int64", "float", "double"})


def _is_file(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and (
        "contentMediaType" in schema
        or schema.get("contentEncoding") in _BINARY_ENCODINGS
        or schema.get("format") in ("binary", "byte")
    )


def type_of(schema: object) -> str:
    """A schema in a few words: `integer`, `array of string`, `file (image/tiff)`, `bounding box`."""
    if not isinstance(schema, Mapping):
        return "any"
    if _is_bbox(schema):
        return "bounding box"
    if _is_file(schema):
        kind = schema.get("contentMediaType", "")
        if kind == _DIRECTORY:
            return "directory"
        return f"file ({kind})" if kind and kind != "application/octet-stream" else "file"
    if "enum" in schema:
        return "one of " + ", ".join(str(item) for item in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {type_of(schema.get('items'))}"
    for key in ("oneOf", "anyOf", "allOf"):
        parts = [part for part in schema.get(key) or () if not _is_link(part)]
        if parts:
            return " or ".join(dict.fromkeys(map(type_of, parts)))
    if schema.get("type") == "object" and schema.get("properties"):
        return f"object ({', '.join(schema['properties'])})"
    words = [str(schema[key]) for key in ("type", "format") if schema.get(key) and schema[key] not in _WIDTHS]
    return " ".join(words) or "any"


def _is_link(part: object) -> bool:
    """The form by reference that a record field has beside its file."""
    return isinstance(part, Mapping) and part.get("type") == "object" and part.get("title") == "Link"


def _is_bbox(schema: Mapping[str, Any]) -> bool:
    parts = [schema, *(part for part in schema.get("allOf") or () if isinstance(part, Mapping))]
    return any(part.get("format") == "ogc-bbox" for part in parts) or "bbox" in (schema.get("properties") or {})


_RULES = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("multipleOf", "a multiple of {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("pattern", "matches {}"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("default", "default {}"),
)


def rules_of(schema: object) -> list[str]:
    """What a schema demands beyond its type, in words: `at least 1`, `default "a"`."""
    if not isinstance(schema, Mapping):
        return []
    found = []
    for key, words in _RULES:
        value = schema.get(key)
        if value is not None:
            if schema.get(f"exclusive{key.capitalize()}") is True:
                words = {"minimum": "more than {}", "maximum": "less than {}"}[key]
            shown = json.dumps(value, ensure_ascii=False) if key == "default" else value
            found.append(words.format(shown))
    return found


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


def size(value: object) -> str:
    """Bytes as people write them: `512 B`, `1.5 MiB`; "" for what is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    amount, unit = float(value), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def span(start: object, end: object) -> str:
    """The time between two RFC 3339 times: `1.5 s`, `2 min 3 s`, `1 h 5 min`; "" where one is missing."""
    try:
        seconds = (datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def is_result(href: object, base: str) -> bool:
    """True for the address of a result of this service: the only ones that pages load by themselves. A tool can write
    any address into its results, also one that does something when it is read.

    Args:
        href: an address.
        base: of the service, without a `/` at its end.
    """
    text = str(href)
    if not text.startswith(f"{base}/jobs/") or set(text) & set("?#\\"):
        return False
    job, _, rest = text.removeprefix(f"{base}/jobs/").partition("/results/")
    parts = [unquote(part) for part in rest.split("/")]
    return bool(job and rest) and "/" not in job and job not in (".", "..") and not {".", ".."} & set(parts)


def is_directory(value: object) -> bool:
    """True for a link to a Directory output: it is fetched as an archive, whose length is not known before."""
    return isinstance(value, Mapping) and value.get("type") == "application/zip" and "length" not in value


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


FILTERS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        type_of,
        rules_of,
        size,
        span,
        is_directory,
        is_result,
        curl_of,
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
    )
}
