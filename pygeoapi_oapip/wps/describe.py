"""Process -> WpsProcess: what each JSON Schema of an input or output is in WPS (table in docs/wps-mapping.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from ..model.json import JSON, JSONObject
from ..model.process import Input, JobControl, Output, Process
from ..packages.schemas import DIRECTORY
from ..validation.shapes import branches, holds_content, is_bbox, is_content, properties, says_nothing
from . import reference_systems as systems
from .media_types import ARCHIVE, BINARY, formats_of
from .terms import (
    BoundingBoxCRS,
    Closure,
    ComplexFormats,
    Domain,
    Format,
    LiteralDomain,
    Metadata,
    Range,
    WpsInput,
    WpsOutput,
    WpsProcess,
)

JSON_TYPE = "application/json"

NUMBER = "float"
"""The word of PyWPS and birdy for a JSON number; its text keeps double precision."""

_OF_TYPE = {"string": "string", "integer": "integer", "number": NUMBER, "boolean": "boolean"}
_OF_FORMAT = {"date-time": "dateTime", "date": "date", "time": "time", "uri": "anyURI"}


def describe(process: Process, max_megabytes: int | None = None) -> WpsProcess:
    """The WPS description of a process.

    Args:
        process: as OGC API describes it.
        max_megabytes: largest complex input by value.
    """
    title = _text(process.title) or process.id
    return WpsProcess(
        identifier=process.id,
        title=title,
        abstract=_text(process.description) or title,
        version=_text(process.version) or "1.0.0",
        inputs=tuple(_input(item, max_megabytes) for item in process.inputs.values()),
        outputs=tuple(_output(item) for item in process.outputs.values()),
        keywords=tuple(filter(None, map(_text, process.keywords))),
        metadata=_metadata(process.metadata),
        sync=True,
        asynchronous=JobControl.ASYNC in process.job_control,
        dismiss=JobControl.DISMISS in process.job_control,
    )


def domain_of(schema: JSONObject, *, produced: bool = False, max_megabytes: int | None = None) -> Domain:
    """What values of a schema are in WPS.

    Args:
        schema: of an input (one value of it), or of an output.
        produced: True for an output: files in arrays become a JSON document of links.
        max_megabytes: largest complex input by value.
    """
    if is_bbox(schema):
        return _box(schema)
    if holds_content(schema):
        return _complex(_content_types(schema, produced), max_megabytes)
    if says_nothing(schema) and not properties(schema) and "items" not in schema:
        return _complex([JSON_TYPE, "text/plain"], max_megabytes)
    return _literal(schema) or _complex([JSON_TYPE], max_megabytes)


def literal_types(schema: JSONObject) -> frozenset[str]:
    """The JSON types of a schema whose values are all literals; empty where one may be an array, object or file."""
    found: set[str] = set()
    for branch in branches(schema):
        if {"oneOf", "anyOf"} & set(branch) or ("allOf" in branch and "type" not in branch):
            continue
        kinds = _own_types(branch)
        if not kinds or not kinds <= set(_OF_TYPE):
            return frozenset()
        found |= kinds
    return frozenset(found)


def text_of(value: JSON) -> str:
    """A JSON literal as it stands in LiteralData: numbers in full precision, `true` and `false`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _own_types(branch: JSONObject) -> set[str]:
    kind = branch.get("type")
    if isinstance(kind, str):
        return {kind}
    return {_json_type(value) for value in _list(branch.get("enum")) if value is not None}


def _json_type(value: JSON) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "object"


def _literal(schema: JSONObject) -> LiteralDomain | None:
    kinds = literal_types(schema)
    if not kinds:
        return None
    words = _merged(schema) if len(kinds) == 1 or kinds == {"integer", "number"} else {}
    default = schema.get("default")
    return LiteralDomain(
        data_type=_data_type(kinds, words),
        allowed_values=tuple(text_of(value) for value in _list(words.get("enum")) if value is not None),
        ranges=_ranges(words),
        default=None if default is None or isinstance(default, Mapping | list) else text_of(default),
    )


def _merged(schema: JSONObject) -> JSONObject:
    """The words of a schema that has one form only."""
    return {key: value for branch in reversed(branches(schema)) for key, value in branch.items()}


def _data_type(kinds: frozenset[str], words: JSONObject) -> str:
    if kinds == {"integer", "number"}:
        return NUMBER
    if len(kinds) > 1:
        return "string"
    (kind,) = kinds
    return _OF_FORMAT.get(str(words.get("format")), "string") if kind == "string" else _OF_TYPE[kind]


def _ranges(words: JSONObject) -> tuple[Range, ...]:
    low, high = _bound(words, "minimum"), _bound(words, "maximum")
    if not low and not high or words.get("enum"):
        return ()
    open_low, open_high = words.get("exclusiveMinimum") is True, words.get("exclusiveMaximum") is True
    closure = {
        (False, False): Closure.CLOSED,
        (True, True): Closure.OPEN,
        (True, False): Closure.OPEN_CLOSED,
        (False, True): Closure.CLOSED_OPEN,
    }[open_low, open_high]
    return (Range(low, high, closure),)


def _bound(words: JSONObject, word: str) -> str:
    value = words.get(word)
    return text_of(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _box(schema: JSONObject) -> BoundingBoxCRS:
    names = [str(name) for name in _list(crs_schema(schema).get("enum"))]
    given = crs_schema(schema).get("default")
    default = given if isinstance(given, str) else (names[0] if names else systems.CRS84)
    found = names or [default, systems.CRS84, systems.EPSG4326]
    return BoundingBoxCRS(systems.urn_of(default), tuple(dict.fromkeys(map(systems.urn_of, [default, *found]))))


def crs_schema(schema: JSONObject) -> JSONObject:
    """The schema of the member `crs` of a bounding box, with its forms put together."""
    return _merged(properties(schema).get("crs") or {})


def content_types(schema: JSONObject) -> list[str]:
    """The media types of the contents of a schema, as the process description has them."""
    found = []
    for branch in branches(schema):
        if is_content(branch):
            kind = branch.get("contentMediaType")
            found.append(str(kind) if kind else (DIRECTORY if branch.get("format") == "uri" else BINARY))
        elif _own_types(branch) & {"array", "object"}:
            found.append(JSON_TYPE)
    return list(dict.fromkeys(found))


def _content_types(schema: JSONObject, produced: bool) -> list[str]:
    found = content_types(schema)
    return [ARCHIVE if kind == DIRECTORY else kind for kind in found] if produced else found


def _complex(media_types: Sequence[str], max_megabytes: int | None) -> ComplexFormats:
    found: dict[Format, None] = {}
    for kind in media_types:
        found.update(dict.fromkeys(formats_of(kind)))
    supported = tuple(found)
    return ComplexFormats(supported[0], supported, max_megabytes)


def _input(item: Input, max_megabytes: int | None) -> WpsInput:
    title = _text(item.title) or item.id
    return WpsInput(
        identifier=item.id,
        title=title,
        abstract=_text(item.description) or title,
        domain=domain_of(item.schema, max_megabytes=max_megabytes),
        min_occurs=item.min_occurs,
        max_occurs=item.max_occurs,
        keywords=tuple(filter(None, map(_text, item.keywords))),
        metadata=_metadata(item.metadata),
    )


def _output(item: Output) -> WpsOutput:
    title = _text(item.title) or item.id
    return WpsOutput(
        identifier=item.id,
        title=title,
        abstract=_text(item.description) or title,
        domain=domain_of(item.schema, produced=True),
        keywords=tuple(filter(None, map(_text, item.keywords))),
        metadata=_metadata(item.metadata),
    )


def _metadata(rows: Sequence[JSONObject]) -> tuple[Metadata, ...]:
    """Those with a link; ows:Metadata has no place for a value."""
    found = []
    for row in rows:
        href, title = row.get("href"), row.get("title")
        if isinstance(href, str) and href:
            found.append(Metadata(_text(title) or href, href, _text(row.get("role"))))
    return tuple(found)


def _text(value: JSON) -> str:
    """A text as XML 1.0 can hold it: other characters become `?`."""
    return xml_text(value.strip()) if isinstance(value, str) else ""


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """A text with `?` for each character that XML 1.0 does not allow."""
    return _NOT_XML.sub("?", text)


def _list(value: JSON) -> list[JSON]:
    return cast("list[JSON]", value) if isinstance(value, list) else []
