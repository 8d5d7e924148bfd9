"""CWL types as JSON Schema in the OpenAPI 3.0 subset that every known client reads.

One `type` word, `nullable`, no `$ref`, no `$defs`, no empty `required`, no boolean schema, no null type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.json import JSON
from .cwltypes import CWLType
from .formats import BINARY, media_type_of_format

_NUMBERS: Mapping[str, dict[str, Any]] = {
    "int": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
}


DIRECTORY = "inode/directory"
"""The media type of the shared MIME database for a directory; IANA has none."""


def schema_of(cwl: CWLType, *, given: bool = False) -> dict[str, Any]:
    """The schema of a value of a CWL type.

    A File is a string of format `binary` with its `contentMediaType` (by reference: a link), a Directory a URI. A union
    is `oneOf` with the CWL order kept (the first is the default format), or `anyOf` where a value may fit two members.

    Args:
        cwl: the type.
        given: True for inputs: a Directory may be given as an object too, which its `contentMediaType` tells.
    """
    schema = _schema(cwl)
    if cwl.kind == "Directory" and given:
        schema["contentMediaType"] = DIRECTORY
    if cwl.label:
        schema["title"] = cwl.label
    if cwl.doc:
        schema["description"] = cwl.doc
    if cwl.nullable:
        schema["nullable"] = True
    return schema


def _schema(cwl: CWLType) -> dict[str, Any]:
    match cwl.kind:
        case "boolean" | "string":
            return {"type": cwl.kind}
        case "int" | "long" | "float" | "double":
            return dict(_NUMBERS[cwl.kind])
        case "enum":
            return {"type": "string", "enum": list(cwl.symbols)}
        case "array":
            return {"type": "array", "items": schema_of(cwl.items[0])}
        case "record":
            return _record(cwl)
        case "union":
            return _union([schema_of(member) for member in cwl.items])
        case "File":
            return _file(cwl)
        case "Directory":
            return {"type": "string", "format": "uri"}
        case "null":
            return {"type": "string", "enum": [None], "nullable": True}
        case _:
            return {"description": "Any JSON value."}


def _record(cwl: CWLType) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if cwl.fields:
        schema["properties"] = {name: _member(member) for name, member in cwl.fields.items()}
    required = [name for name, member in cwl.fields.items() if not member.nullable and member.kind != "Any"]
    return {**schema, "required": required} if required else schema


def _member(cwl: CWLType) -> dict[str, Any]:
    """The schema of a record field: files and directories there are links or CWL objects, never bare content."""
    schema = schema_of(cwl)
    if cwl.kind not in ("File", "Directory"):
        return schema
    own: dict[str, Any] = {key: schema.pop(key) for key in ("title", "description", "nullable") if key in schema}
    members = schema.get("oneOf", [schema])
    return {**own, "oneOf": [*members, {"type": "object", "title": "Link"}]}


def _file(cwl: CWLType) -> dict[str, Any]:
    return file_schema(list(dict.fromkeys(filter(None, map(media_type_of_format, cwl.formats)))) or [BINARY])


def file_schema(media_types: Sequence[str]) -> dict[str, Any]:
    """The schema of a file that has one of these media types; the first is the default."""
    return _union([{"type": "string", "format": "binary", "contentMediaType": kind} for kind in media_types], "oneOf")


def _union(members: list[dict[str, Any]], word: str = "") -> dict[str, Any]:
    different = [member for number, member in enumerate(members) if member not in members[:number]]
    if len(different) == 1:
        return different[0]
    kinds = ["number" if member.get("type") == "integer" else member.get("type") for member in different]
    disjoint = len(set(kinds)) == len(kinds) and None not in kinds
    return {word or ("oneOf" if disjoint else "anyOf"): different}


def default_fits(cwl: CWLType, value: JSON) -> bool:
    """Whether a default of the package may stand in the schema of this type (a File object may not)."""
    match cwl.kind:
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "enum":
            return value in cwl.symbols
        case "array":
            return _is_list(value) and all(default_fits(cwl.items[0], item) for item in _items(value))
        case "record":
            return isinstance(value, Mapping) and all(
                default_fits(member, value[name]) if value.get(name) is not None else member.nullable
                for name, member in cwl.fields.items()
            )
        case "union":
            return any(default_fits(member, value) for member in cwl.items)
        case _:
            return cwl.kind == "Any"


def _is_list(value: JSON) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _items(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, Sequence) else ()


def type_text(cwl: CWLType) -> str:
    """A CWL type as people write it: `File[]?`, `enum(a, b)`, `int | string`."""
    suffix = "?" if cwl.nullable and cwl.kind != "null" else ""
    match cwl.kind:
        case "array":
            inner = type_text(cwl.items[0])
            return (f"({inner})[]" if " " in inner or inner.endswith("?") else f"{inner}[]") + suffix
        case "union":
            members = " | ".join(map(type_text, cwl.items))
            return f"({members}){suffix}" if suffix else members
        case "enum":
            return f"enum({', '.join(cwl.symbols)}){suffix}"
        case "record":
            return f"record({', '.join(f'{name}: {type_text(member)}' for name, member in cwl.fields.items())}){suffix}"
        case _:
            return cwl.kind + suffix
