"""Whether an output can be an input, as far as their schemas tell before there is a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.json import JSON, JSONObject

_ANY_CONTENT = frozenset({"", "application/octet-stream", "*/*"})
_DIRECTORY = "inode/directory"
_NUMBERS = frozenset({"number", "integer"})


def misfit(output: JSONObject, wanted: JSONObject) -> str:
    """Why a value of one schema cannot be a value of another one.

    Args:
        output: schema of the output (OpenAPI 3.0 subset).
        wanted: schema of the input, of one item where the input is an array.

    Returns:
        A clause for people, or "" where it may fit: the value itself is checked when it is there.
    """
    if any(_fits(one, other) for one in _branches(output) for other in _branches(wanted)):
        return ""
    return f"is {_named(output)}, where {_named(wanted)} is needed"


def items_of(schema: JSONObject) -> JSONObject | None:
    """The schema of the items, where a value may be an array; {} where it may be anything."""
    for branch in _branches(schema):
        if branch.get("type") == "array" or "items" in branch:
            items = branch.get("items")
            return items if isinstance(items, Mapping) else {}
    return None


def _branches(schema: JSONObject, depth: int = 0) -> list[JSONObject]:
    """The alternatives of a schema; combinations of schemas are taken as alternatives, which only allows more."""
    found: list[JSONObject] = []
    for word in ("oneOf", "anyOf", "allOf"):
        members = schema.get(word)
        if isinstance(members, Sequence) and depth < 20:
            for member in members:
                found.extend(_branches(member, depth + 1) if isinstance(member, Mapping) else ())
    return found or [schema]


def _fits(output: JSONObject, wanted: JSONObject) -> bool:
    one, other = _kind(output), _kind(wanted)
    if "anything" in (one, other):
        return True
    if one == "array" == other:
        return not misfit(items_of(output) or {}, items_of(wanted) or {})
    if one == "file" == other:
        return _same_content(_media_type(output), _media_type(wanted))
    if other == "file":
        return one in ("string", "object")
    return one == other or {one, other} <= _NUMBERS


def _kind(schema: JSONObject) -> str:
    media_type = _media_type(schema)
    if media_type == _DIRECTORY or (schema.get("format") == "uri" and not media_type):
        return "directory"
    if media_type or schema.get("contentEncoding") or schema.get("format") in ("binary", "byte"):
        return "file"
    kind = schema.get("type")
    return kind if isinstance(kind, str) else "anything"


def _media_type(schema: JSONObject) -> str:
    found = schema.get("contentMediaType")
    return found.partition(";")[0].strip().lower() if isinstance(found, str) else ""


def _same_content(one: str, other: str) -> bool:
    if one == other or {one, other} & _ANY_CONTENT:
        return True
    # a format that is built on another one is read as that, too
    return _suffix(one) == _suffix(other) and "" != _suffix(one) and _is_plain(one, other)


def _suffix(media_type: str) -> str:
    return media_type.rpartition("/")[2].rpartition("+")[2]


def _is_plain(*media_types: str) -> bool:
    return any("+" not in media_type for media_type in media_types)


def _named(schema: JSONObject) -> str:
    texts = dict.fromkeys(_text(branch) for branch in _branches(schema))
    return " or ".join(texts)


def _text(schema: JSONObject) -> str:
    kind = _kind(schema)
    if kind == "array":
        return f"an array of {_named(items_of(schema) or {})}"
    if kind == "file":
        media_type: JSON = schema.get("contentMediaType")
        return f"a file of type {media_type}" if media_type else "a file"
    article = "an" if kind[0] in "aio" else "a"
    return kind if kind == "anything" else f"{article} {kind}"
