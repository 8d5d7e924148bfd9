"""Values of an execute request -> CWL input object."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..errors import InvalidInputs
from ..model.json import JSON, JSONObject
from ..model.process import Package
from ..model.value import Inline, InputValue, Many, Nested, Reference
from .cwltypes import CWLType, TypeReader
from .formats import format_for, is_text, media_type_of_format
from .schemas import type_text

_LINK = frozenset({"href", "type", "rel", "title", "hreflang", "length"})
_QUALIFIED = frozenset({"value", "mediaType", "encoding", "schema", "format"})
_RANGES = {"int": 2**31, "long": 2**63}


class FileSource(Protocol):
    """Makes CWL File and Directory objects that the engine can read."""

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """The CWL object for an absolute URL. Raises InvalidInputs, AddressForbidden, UnresolvableReference, ..."""
        ...

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """A CWL File with this content.

        Args:
            index: counts the literals of one input, from 0.
        """
        ...


def build_job_order(package: Package, inputs: Mapping[str, InputValue], files: FileSource) -> JSONObject:
    """The CWL input object of an execution. Inputs that are not given are left to CWL's defaults.

    Args:
        package: as `load_package` made it.
        inputs: values by input id.
        files: makes File and Directory objects of references and inline content.

    Raises:
        InvalidInputs: a value does not fit its CWL type; `location` is `inputs.NAME`.
        OapipError: what `files` raises.
    """
    parameters = {item.id: item for item in TypeReader(package.document, package.entry).inputs()}
    unknown = [name for name in inputs if name not in parameters]
    if unknown:
        raise _refuse(unknown[0], "", f"the process has no such input (inputs: {', '.join(parameters) or 'none'})")
    order: dict[str, JSON] = {}
    for name, parameter in parameters.items():
        value = inputs.get(name)
        if value is None or (isinstance(value, Inline) and value.value is None):
            if not parameter.optional and parameter.type.kind != "Any":
                raise _refuse(name, "", "is required")
            continue
        order[name] = _Converter(name, files).convert(parameter.type, value, "")
    return order


def _refuse(name: str, place: str, text: str) -> InvalidInputs:
    return InvalidInputs(f"inputs.{name}{place}: {text}", location=f"inputs.{name}")


def _lifted(value: JSON) -> InputValue:
    """A JSON value inside another one, with links, qualified values and arrays seen as such."""
    if isinstance(value, Mapping):
        if isinstance(value.get("href"), str) and set(value) <= _LINK:
            return Reference(str(value["href"]), str(value.get("type") or ""))
        if "value" in value and len(value) > 1 and set(value) <= _QUALIFIED:
            return Inline(value["value"], str(value.get("mediaType") or ""), str(value.get("encoding") or ""))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Many(tuple(map(_lifted, value)))
    return Inline(value)


def _plain(value: InputValue) -> JSON:
    """The JSON value that `_lifted` came from, as far as one can be had."""
    if isinstance(value, Many):
        return [_plain(item) for item in value.items]
    if isinstance(value, Reference):
        return {"href": value.href, "type": value.media_type}
    return value.value if isinstance(value, Inline) else {"process": value.process}


class _Converter:
    """Converts the value of one input."""

    def __init__(self, name: str, files: FileSource) -> None:
        self.name = name
        self.files = files
        self.literals = 0

    def convert(self, cwl: CWLType, value: InputValue, place: str) -> JSON:
        if isinstance(value, Inline) and value.value is None and (cwl.nullable or cwl.kind == "Any"):
            return None
        if isinstance(value, Inline) and isinstance(value.value, list | tuple) and cwl.kind != "File":
            value = Many(tuple(map(_lifted, value.value)))
        match cwl.kind:
            case "array":
                items = value.items if isinstance(value, Many) else (value,)
                return [self.convert(cwl.items[0], item, f"{place}[{i}]") for i, item in enumerate(items)]
            case "union":
                return self.convert(self.member(cwl, value, place), value, place)
            case "record":
                return self.record(cwl, value, place)
            case "File":
                return self.file(cwl, value, place)
            case "Directory":
                return self.directory(value, place)
            case "Any":
                return self.anything(value, place)
            case _:
                return self.literal(cwl, value, place)

    def member(self, cwl: CWLType, value: InputValue, place: str) -> CWLType:
        """The member of a union for a value: what it fits exactly, else File (any content fits a File)."""
        if isinstance(value, Reference):
            wanted = ["Directory", "File"] if value.href.endswith("/") else ["File", "Directory"]
            candidates = [item for kind in (*wanted, "Any") for item in cwl.items if item.kind == kind]
        else:
            candidates = [item for item in cwl.items if item.kind != "File" and fits(item, _plain(value))]
            candidates += [item for item in cwl.items if fits(item, _plain(value))]
        if isinstance(value, Reference) or isinstance(value, Many):
            candidates += [item for item in cwl.items if item.kind == "array"]
        if not candidates:
            raise self.refuse(place, f"must be of type {type_text(cwl)} (is {_kind(_plain(value))})")
        return candidates[0]

    def record(self, cwl: CWLType, value: InputValue, place: str) -> JSON:
        if not isinstance(value, Inline) or not isinstance(value.value, Mapping):
            raise self.refuse(place, f"must be an object (is {_kind(_plain(value))})")
        given = value.value
        extra = sorted(set(given) - set(cwl.fields))
        if extra:
            raise self.refuse(f"{place}.{extra[0]}", f"no such field (fields: {', '.join(cwl.fields)})")
        found: dict[str, JSON] = {}
        for name, member in cwl.fields.items():
            item = given.get(name)
            if item is None and not member.nullable and member.kind != "Any":
                raise self.refuse(f"{place}.{name}", "is required")
            found[name] = None if item is None else self.convert(member, _lifted(item), f"{place}.{name}")
        return found

    def literal(self, cwl: CWLType, value: InputValue, place: str) -> JSON:
        plain = _plain(value)
        if isinstance(value, Reference) or not fits(cwl, plain):
            rule = f"one of {', '.join(cwl.symbols)}" if cwl.kind == "enum" else f"of type {cwl.kind}"
            raise self.refuse(place, f"must be {rule} (is {_kind(plain)})")
        return int(plain) if cwl.kind in _RANGES and isinstance(plain, float) else plain

    def anything(self, value: InputValue, place: str) -> JSON:
        if isinstance(value, Reference):
            return self.files.reference(self.name, value.href, value.media_type, False)
        if isinstance(value, Many):
            return [self.anything(item, f"{place}[{i}]") for i, item in enumerate(value.items)]
        if isinstance(value, Nested):
            raise self.refuse(place, "is a nested process whose result is not there")
        if isinstance(value.value, Mapping):
            kind = value.value.get("class")
            if kind == "File":
                return self.cwl_file(CWLType("File"), value.value, place)
            if kind == "Directory":
                return self.cwl_directory(value.value, place)
            return {key: self.anything(_lifted(item), f"{place}.{key}") for key, item in value.value.items()}
        return value.value

    def file(self, cwl: CWLType, value: InputValue, place: str) -> JSON:
        if isinstance(value, Many):
            value = Inline(_plain(value))
        if isinstance(value, Inline) and isinstance(value.value, Mapping):
            if value.value.get("class") in ("File", "Directory"):
                return self.cwl_file(cwl, value.value, place)
            lifted = _lifted(value.value)
            value = value if isinstance(lifted, Inline) and lifted.value is value.value else lifted
        if isinstance(value, Reference):
            media_type = value.media_type
            found = dict(self.files.reference(self.name, value.href, media_type, False))
        else:
            assert isinstance(value, Inline)
            content, media_type = self.content(cwl, value, place)
            found = self.new_literal(content, media_type)
        return _with_format(found, cwl, media_type)

    def new_literal(self, content: bytes, media_type: str) -> dict[str, Any]:
        self.literals += 1
        return dict(self.files.literal(self.name, content, media_type, self.literals - 1))

    def content(self, cwl: CWLType, value: Inline, place: str) -> tuple[bytes, str]:
        """The bytes that an inline value stands for, and their media type ("" where nobody says)."""
        if not isinstance(value.value, str):
            text = json.dumps(value.value, ensure_ascii=False, allow_nan=False)
            return text.encode("utf-8", "surrogatepass"), value.media_type or "application/json"
        media_type = value.media_type or (media_type_of_format(cwl.formats[0]) if len(cwl.formats) == 1 else "")
        if value.encoding and value.encoding.lower() not in ("base64", "utf-8", "utf8"):
            raise self.refuse(place, f"the encoding {value.encoding!r} is not supported (base64 or none)")
        if value.encoding.lower() == "base64" or (not value.encoding and media_type and not is_text(media_type)):
            return self.decoded(value.value, media_type, place), media_type
        return value.value.encode("utf-8", "replace"), media_type

    def decoded(self, text: str, media_type: str, place: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            what = f"content of type {media_type}" if media_type else "the value"
            raise self.refuse(place, f"{what} must be base64, and is not") from None

    def cwl_file(self, cwl: CWLType, value: JSONObject, place: str) -> JSON:
        if value.get("class") != "File":
            raise self.refuse(place, "must be a File (is a Directory)")
        address = value.get("location") or value.get("path")
        if isinstance(address, str):
            found = dict(self.files.reference(self.name, self.absolute(address, place), "", False))
        elif isinstance(value.get("contents"), str):
            found = self.new_literal(str(value["contents"]).encode("utf-8", "replace"), "")
        else:
            raise self.refuse(place, "a File needs `location` or `contents`")
        if value.get("basename") is not None:
            found["basename"] = self.basename(value["basename"], place)
        if isinstance(value.get("format"), str):
            found["format"] = value["format"]
        return self.with_secondary(_with_format(found, cwl, ""), value.get("secondaryFiles"), place)

    def with_secondary(self, found: dict[str, Any], parts: JSON, place: str) -> JSON:
        if parts is not None:
            found["secondaryFiles"] = self.listing(parts, f"{place}.secondaryFiles")
        return found

    def listing(self, parts: JSON, place: str) -> list[JSON]:
        if not isinstance(parts, Sequence) or isinstance(parts, str):
            raise self.refuse(place, "must be a list of File and Directory objects")
        return [self.part(item, f"{place}[{i}]") for i, item in enumerate(parts)]

    def part(self, item: JSON, place: str) -> JSON:
        if not isinstance(item, Mapping) or item.get("class") not in ("File", "Directory"):
            raise self.refuse(place, "must be a File or Directory object")
        if item["class"] == "File":
            return self.cwl_file(CWLType("File"), item, place)
        return self.cwl_directory(item, place)

    def directory(self, value: InputValue, place: str) -> JSON:
        if isinstance(value, Inline) and isinstance(value.value, Mapping):
            lifted = _lifted(value.value)
            if not isinstance(lifted, Reference):
                return self.cwl_directory(value.value, place)
            value = lifted
        if isinstance(value, Inline) and isinstance(value.value, str):
            value = Reference(self.absolute(value.value, place))
        if not isinstance(value, Reference):
            raise self.refuse(place, f"must be a reference to a directory (is {_kind(_plain(value))})")
        return self.files.reference(self.name, value.href, value.media_type, True)

    def cwl_directory(self, value: JSONObject, place: str) -> JSON:
        if value.get("class") != "Directory":
            raise self.refuse(place, "must be a reference to a directory, or a Directory object")
        address = value.get("location") or value.get("path")
        if isinstance(address, str):
            found = dict(self.files.reference(self.name, self.absolute(address, place), "", True))
        elif value.get("listing") is not None:
            found = {"class": "Directory", "listing": self.listing(value["listing"], f"{place}.listing")}
            found.setdefault("basename", self.name)
        else:
            raise self.refuse(place, "a Directory needs `location` or `listing`")
        if value.get("basename") is not None:
            found["basename"] = self.basename(value["basename"], place)
        return found

    def absolute(self, address: str, place: str) -> str:
        try:
            scheme = urlsplit(address).scheme
        except ValueError:
            scheme = ""
        if not scheme:
            raise self.refuse(place, f"must be an absolute URL (is {address[:60]!r})")
        return address

    def basename(self, name: JSON, place: str) -> str:
        if not isinstance(name, str) or not name or "/" in name or name in (".", "..") or "\0" in name:
            raise self.refuse(f"{place}.basename", "must be a file name")
        return name

    def refuse(self, place: str, text: str) -> InvalidInputs:
        return _refuse(self.name, place, text)


def _with_format(found: dict[str, Any], cwl: CWLType, media_type: str) -> dict[str, Any]:
    wanted = format_for(cwl.formats, media_type)
    if wanted:
        found.setdefault("format", wanted)
    return found


def fits(cwl: CWLType, value: JSON) -> bool:
    """Whether a JSON value may be of a CWL type; looks into arrays and records, and reads nothing."""
    if value is None:
        return cwl.nullable or cwl.kind in ("Any", "null")
    match cwl.kind:
        case "array":
            items = value if isinstance(value, Sequence) and not isinstance(value, str) else None
            return items is not None and all(fits(cwl.items[0], item) for item in items)
        case "record":
            return isinstance(value, Mapping) and _fits_record(cwl, value)
        case "union":
            return any(fits(member, value) for member in cwl.items)
        case "Directory":
            return isinstance(value, Mapping) and (value.get("class") == "Directory" or "href" in value)
        case "File":
            return not (isinstance(value, Mapping) and value.get("class") == "Directory")
        case _:
            return _fits_literal(cwl, value)


def _fits_literal(cwl: CWLType, value: JSON) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match cwl.kind:
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            bound = _RANGES[cwl.kind]
            return number and isinstance(value, int | float) and value == value // 1 and -bound <= value < bound
        case "float" | "double":
            return number
        case "string":
            return isinstance(value, str)
        case "enum":
            return value in cwl.symbols
        case _:
            return cwl.kind == "Any"


def _fits_record(cwl: CWLType, value: JSONObject) -> bool:
    return set(value) <= set(cwl.fields) and all(fits(member, value.get(name)) for name, member in cwl.fields.items())


def _kind(value: JSON) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"
