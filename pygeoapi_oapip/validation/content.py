"""Files and directories in a request: links, qualified values, inline content."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit

from ..model.json import JSON, JSONObject
from ..packages.formats import BINARY, is_text
from .media_types import accepts
from .schema import violations
from .shapes import branches, holds_content, is_content, item_schema, lists_content, properties
from .violations import Violation, kind_of, shown, under

CWL_OBJECT = "application/cwl+json"
"""Media type of a CWL File or Directory object, which says itself what its content is."""
QUALIFIERS = frozenset({"value", "mediaType", "encoding", "schema", "format"})
LINK_MEMBERS = frozenset(
    {"href", "type", "rel", "title", "hreflang", "length", "format", "headers", "method", "body", "templated"}
)
_BASE64 = frozenset({"base64", "binary"})
_PLAIN = frozenset({"utf-8", "utf8", "7bit", "8bit"})
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+(\s*;.*)?", re.ASCII)


def is_link(value: JSON) -> bool:
    """True for Part 1 link.yaml: `href` and no member that a link does not have."""
    return isinstance(value, Mapping) and isinstance(value.get("href"), str) and set(value) <= LINK_MEMBERS


def is_qualified(value: JSON, schema: JSONObject) -> bool:
    """True for Part 1 qualifiedInputValue.yaml, unless the values of the schema have a member `value` themselves."""
    if not isinstance(value, Mapping) or "value" not in value or not set(value) <= QUALIFIERS:
        return False
    return "value" not in properties(schema)


def format_of(value: JSONObject) -> tuple[JSON, JSON]:
    """Media type and encoding of a qualified value or link; the members of an older nested `format` count too."""
    nested = value.get("format")
    members = {**(nested if isinstance(nested, Mapping) else {}), **value}
    return _given(members, "mediaType", "type"), _given(members, "encoding", "contentEncoding")


def _given(members: JSONObject, *names: str) -> JSON:
    """The first of these members that says something; what is no text is given too, and refused later."""
    return next((members[name] for name in names if name in members and members[name] != ""), None)


def media_types(schema: JSONObject) -> list[str]:
    """What the contents of this schema may be; nothing where any content will do."""
    kinds = [str(branch.get("contentMediaType") or "") for branch in branches(schema) if is_content(branch)]
    directories = any(branch.get("format") == "uri" for branch in branches(schema))
    return [] if directories or "" in kinds else kinds


def link_violations(link: JSONObject, schema: JSONObject, place: str) -> list[Violation]:
    """What a link breaks: the form of the address, and the media type."""
    found = address_violations(str(link["href"]), f"{place}.href")
    kind, _ = format_of(link)
    return [*found, *_kind_violations(kind, schema, f"{place}.type")]


def address_violations(address: str, place: str) -> list[Violation]:
    """What an address breaks: it must be a whole URL."""
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        scheme = ""
    return [] if scheme else [Violation(place, "href", f"must be an absolute URL (is {shown(address)})")]


def _kind_violations(kind: JSON, schema: JSONObject, place: str) -> list[Violation]:
    if kind is None:
        return []
    if not isinstance(kind, str) or not _MEDIA_TYPE.fullmatch(kind.strip()):
        return [Violation(place, "mediaType", f"must be a media type (is {shown(kind)})")]
    wanted = media_types(schema)
    if accepts(wanted, kind):
        return []
    return [Violation(place, "mediaType", f"must be one of {', '.join(wanted)} (is {shown(kind)})")]


def value_violations(value: JSON, form: JSONObject, schema: JSONObject, place: str) -> list[Violation]:
    """What inline content breaks: media type, encoding, and whether base64 can be decoded.

    Args:
        value: the content.
        form: `mediaType` and `encoding` as they were given; empty for a bare value.
        schema: one that holds content.
        place: where the value stands.
    """
    kind, encoding = format_of(form)
    if kind == CWL_OBJECT and _is_cwl_object(value):
        return []
    found = _kind_violations(kind, schema, f"{place}.mediaType")
    if encoding is not None and normal_encoding(encoding) is None:
        told = f"must be base64 or utf-8 (is {shown(encoding)})"
        return [*found, Violation(f"{place}.encoding", "encoding", told)]
    if found:
        return found
    if isinstance(value, str):
        return _text_violations(value, str(kind or ""), normal_encoding(encoding or "") or "", schema, place)
    return _structure_violations(value, str(kind or ""), schema, place)


def normal_encoding(encoding: JSON) -> str | None:
    """`base64`, `utf-8` or "" for an encoding as clients write it; None where it is none of these."""
    if not isinstance(encoding, str):
        return None
    lower = encoding.strip().lower()
    if lower in _BASE64:
        return "base64"
    return "utf-8" if lower in _PLAIN else ("" if not lower else None)


def _text_violations(text: str, kind: str, encoding: str, schema: JSONObject, place: str) -> list[Violation]:
    if encoding == "utf-8" or not (encoding == "base64" or means_bytes(kind, schema)):
        return []
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return [Violation(place, "encoding", f"must be base64 (is {shown(text)})")]
    return []


def means_bytes(kind: str, schema: JSONObject) -> bool:
    """True if a string without `encoding` is base64: the schema says so, or its one media type is no text.

    Args:
        kind: the media type that was given with it, or "".
        schema: one that holds content.
    """
    contents = [branch for branch in branches(schema) if is_content(branch)]
    if any(branch.get("contentEncoding") or branch.get("format") == "byte" for branch in contents):
        return not (kind and is_text(kind))
    kinds = [kind] if kind else media_types(schema)
    return len(set(kinds)) == 1 and kinds[0] != BINARY and not is_text(kinds[0])


def _is_cwl_object(value: JSON) -> bool:
    return isinstance(value, Mapping) and value.get("class") in ("File", "Directory")


def _structure_violations(value: JSON, kind: str, schema: JSONObject, place: str) -> list[Violation]:
    if not isinstance(value, Mapping) or _is_cwl_object(value):
        return []
    if set(value) <= LINK_MEMBERS and _MEDIA_TYPE.fullmatch(str(value.get("type") or "")):
        return [Violation(place, "required", "needs the member href, or is no link")]
    kinds = [kind] if kind else media_types(schema)
    if kinds and not accepts(kinds, "application/json"):
        told = f"must be a link, a qualified value or a string, since it is {' or '.join(kinds)} (is an object)"
        return [Violation(place, "mediaType", told)]
    return _object_violations(value, schema, place)


def _object_violations(value: JSONObject, schema: JSONObject, place: str) -> list[Violation]:
    """JSON content against the forms of the schema that are objects (GeoJSON, ...), if there are any."""
    texts = [branch for branch in branches(schema) if is_content(branch) and _is_text(branch)]
    if any(accepts(media_types(branch), "application/json") for branch in texts):
        return []
    found = [violations(value, branch, place) for branch in branches(_without_content(schema)) if _is_object(branch)]
    return [] if not all(found) else min(found, key=len, default=[])


def _without_content(schema: JSONObject) -> JSONObject:
    """The schema, with its forms, without the words that make it content, so that an object is looked into."""
    plain = {key: value for key, value in schema.items() if key not in ("contentMediaType", "contentEncoding")}
    for word in ("oneOf", "anyOf", "allOf"):
        if isinstance(plain.get(word), list):
            plain[word] = [_without_content(branch) for branch in cast("list[JSONObject]", plain[word])]
    return plain


def _is_text(branch: JSONObject) -> bool:
    return branch.get("type") == "string" or not {"type", "oneOf", "anyOf", "allOf", "properties"} & set(branch)


def _is_object(branch: JSONObject) -> bool:
    return branch.get("type") == "object" or "properties" in branch


def nested_violations(value: JSON, schema: JSONObject, place: str) -> Iterator[Violation]:
    """What files inside records and arrays break, wherever the schema has them.

    Args:
        value: an inline value.
        schema: its schema.
        place: where it stands.
    """
    if isinstance(value, Mapping):
        for name, member in properties(schema).items():
            if name in value:
                yield from _part_violations(value[name], member, under(place, name))
    elif isinstance(value, Sequence) and not isinstance(value, str) and _has_parts(item_schema(schema)):
        for at, item in enumerate(value):
            yield from _part_violations(item, item_schema(schema), under(place, at))


def _has_parts(schema: JSONObject) -> bool:
    return holds_content(schema) or lists_content(schema) or bool(properties(schema))


def _part_violations(value: JSON, schema: JSONObject, place: str) -> Iterator[Violation]:
    if not holds_content(schema):
        yield from nested_violations(value, schema, place)
    elif isinstance(value, Mapping) and is_link(value):
        yield from link_violations(value, schema, place)
    elif isinstance(value, Mapping) and is_qualified(value, schema):
        yield from value_violations(value["value"], value, schema, place)
    elif isinstance(value, str | Mapping):
        yield from value_violations(value, {}, schema, place)
    elif value is not None and isinstance(value, Sequence):
        yield from nested_violations(value, schema, place)
    elif value is not None and not any(branch.get("type") != "string" for branch in branches(schema)[1:]):
        yield Violation(place, "type", f"must be a link, a qualified value or a string (is {kind_of(value)})")
