"""JSON Schemas of a process description as CWL types, for execution units that have no types of their own."""

from __future__ import annotations

import mimetypes
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidPackage
from ..model.json import JSON, JSONObject
from .schemas import DIRECTORY

_LITERALS = {"string": "string", "boolean": "boolean", "integer": "long", "number": "double"}
_FILE_FORMATS = frozenset({"binary", "file", "byte"})
_DEEPEST = 8
_LIMITS: Mapping[tuple[str, ...], Any] = {
    ("minimum", "maximum"): (int, float),
    ("exclusiveMinimum", "exclusiveMaximum"): bool,
    ("minLength", "maxLength"): int,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a parameter is for CWL."""

    cwl: str
    """`string`, `boolean`, `long`, `double`, `File` or `Directory`."""
    many: bool = False
    optional: bool = False
    default: JSON = None


def kind_of(item: JSONObject, place: str) -> Kind:
    """The CWL kind of an input or output of a description.

    A string with content members is a File, an object too (as its JSON), the media type `inode/directory` or the format
    `directory` a Directory. Of several forms (`oneOf`, `anyOf`) a File is taken where one is a File, else the first.

    Args:
        item: inputDescription.yaml or outputDescription.yaml.
        place: names it in messages.

    Raises:
        InvalidPackage: its schema is not an object, or of no known type.
    """
    schema = item.get("schema")
    if schema is None:
        schema = {"type": "string", "format": "binary"} if item.get("formats") else {"type": "string"}
    if not isinstance(schema, Mapping):
        raise _refuse(f"{place}.schema", "must be an object")
    array = schema.get("type") == "array"
    inner = schema.get("items", {}) if array else schema
    if not isinstance(inner, Mapping):
        raise _refuse(f"{place}.schema.items", "must be an object")
    cwl = _cwl(inner, f"{place}.schema", 0)
    default = schema.get("default")
    unfit = default is not None and not _fits(cwl, array, default)
    return Kind(
        cwl=cwl,
        many=array or _several(item.get("maxOccurs")),
        optional=item.get("minOccurs") == 0 or schema.get("nullable") is True or unfit,
        default=None if unfit else default,
    )


def media_types_of(item: JSONObject) -> list[str]:
    """The media types that the schema of an input or output names, in order."""
    found: list[str] = []
    queue: deque[Any] = deque([item.get("schema")])
    while queue and len(found) < 50:
        schema = queue.popleft()
        if isinstance(schema, Mapping):
            kind = schema.get("contentMediaType")
            if isinstance(kind, str) and kind.count("/") == 1 and kind not in found and kind.isprintable():
                found.append(kind)
            queue.extend([schema.get("items"), *_branches(schema)])
    return found


def limits_of(item: JSONObject) -> JSONObject:
    """What a schema of literals allows beyond its type: `enum`, bounds and lengths. `pattern` and `$ref` are left out:
    a stranger's regular expression could hold up the server, and a stranger's address is not read."""
    schema = item.get("schema")
    if isinstance(schema, Mapping) and schema.get("type") == "array":
        schema = schema.get("items")
    if not isinstance(schema, Mapping):
        return {}
    found = {}
    for words, kinds in _LIMITS.items():
        for word in words:
            value = schema.get(word)
            if isinstance(value, kinds) and isinstance(value, bool) == (kinds is bool):
                found[word] = value
    values = [value for value in _list(schema.get("enum")) if isinstance(value, str | int | float)]
    return {**found, **({"enum": list(dict.fromkeys(values))[:1000]} if values else {})}


def output_patterns(name: str, kind: Kind, media_types: Sequence[str], single: bool) -> list[str]:
    """Where an output is looked for in the folder that the tool leaves behind.

    Args:
        name: its id.
        kind: its type.
        media_types: of the files that it may be.
        single: True if it is the only output, so that a file of its media type under any name is meant.
    """
    if kind.cwl == "Directory":
        return [name]
    if kind.cwl != "File":
        return [name, f"{name}.txt" if kind.cwl == "string" and not kind.many else f"{name}.json"]
    if kind.many:
        return [f"{name}.*", f"{name}[_-]*", f"{name}/*"]
    endings = sorted({ending for media_type in media_types for ending in mimetypes.guess_all_extensions(media_type)})
    if single and endings:
        return [name, *(f"*{ending}" for ending in endings)]
    return [name, *(f"{name}{ending}" for ending in endings)] if endings else [name, f"{name}.*"]


def _refuse(place: str, text: str) -> InvalidPackage:
    return InvalidPackage(f"`{place}` {text}.", location=place)


def _several(most: JSON) -> bool:
    return most == "unbounded" or (isinstance(most, int) and not isinstance(most, bool) and most > 1)


def _branches(schema: JSONObject) -> list[Any]:
    return [branch for word in ("oneOf", "anyOf", "allOf") for branch in _list(schema.get(word))]


def _list(value: JSON) -> list[Any]:
    return value if isinstance(value, list) else []


def _cwl(schema: JSONObject, place: str, depth: int) -> str:
    if schema.get("contentMediaType") == DIRECTORY or schema.get("format") == "directory":
        return "Directory"
    if schema.get("contentMediaType") or schema.get("contentEncoding") or schema.get("format") in _FILE_FORMATS:
        return "File"
    if schema.get("type") in ("object", "array"):
        return "File"
    branches = [branch for branch in _branches(schema) if isinstance(branch, Mapping)]
    if branches and depth < _DEEPEST:
        kinds = [_cwl({"type": schema.get("type"), **branch}, place, depth + 1) for branch in branches]
        return "File" if "File" in kinds else kinds[0]
    kind = schema.get("type")
    if kind is None:
        return "string"
    if kind not in _LITERALS:
        raise _refuse(
            f"{place}.type", f"must be one of {', '.join(_LITERALS)}, object or array (is {str(kind)[:40]!r})"
        )
    return _LITERALS[str(kind)]


def _fits(cwl: str, array: bool, default: JSON) -> bool:
    if array:
        return isinstance(default, list) and all(_fits(cwl, False, item) for item in default)
    kinds: Mapping[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "long": (int,),
        "double": (int, float),
    }
    return isinstance(default, kinds.get(cwl, ())) and (cwl == "boolean" or not isinstance(default, bool))
