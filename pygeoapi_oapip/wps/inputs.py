"""ExecuteAsked <-> execute body of OGC API: one statement of the mapping, both ways (table in docs/wps-mapping.md)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from ..errors import OapipError, UnknownOutput
from ..model.execution import ExecutionRequest
from ..model.json import JSON, JSONObject
from ..model.process import Input, Output, Process
from ..model.value import Inline, InputValue, Many, Nested, Reference
from ..packages.formats import BINARY
from ..packages.schemas import DIRECTORY
from ..validation.content import normal_encoding
from ..validation.media_types import accepts
from ..validation.shapes import holds_content, is_bbox
from ..validation.violations import Violation, refusal, shown
from . import reference_systems as systems
from .describe import NUMBER, content_types, crs_schema, domain_of, literal_types, text_of
from .door import Read
from .faults import UnknownFormat
from .literals import NotALiteral, json_of, value_of
from .media_types import BASE64, is_binary, is_json, own_name, same
from .terms import (
    BoundingBoxCRS,
    BoxGiven,
    ComplexFormats,
    ComplexGiven,
    ExecuteAsked,
    Form,
    Given,
    LiteralDomain,
    LiteralGiven,
    OutputAsked,
    ReferenceGiven,
)


def execute_body(asked: ExecuteAsked, process: Process, read: Read) -> JSONObject:
    """The body that `Operations.execute` takes.

    References that are a plain GET stay references, which the job reads; the others (POST, headers, `encoding`, and
    those of literals) are read now, under the same guard.

    Args:
        asked: of either version.
        process: that is executed.
        read: reads references.

    Raises:
        InvalidInputs: an input is unknown, missing, there too often, or not of its type; its rows say which and why.
        UnknownOutput, UnknownFormat: an output is not there, or not in this format.
        OapipError: what `read` raises, naming the input.
    """
    grouped = _grouped(asked, process)
    body: dict[str, JSON] = {
        "inputs": {name: _member(values, process.inputs[name], read) for name, values in grouped.items()},
        "response": asked.form.value,
    }
    if asked.outputs is not None:
        raw = asked.form is Form.RAW
        body["outputs"] = {item.identifier: _wanted(item, process, raw) for item in asked.outputs}
    return body


def _grouped(asked: ExecuteAsked, process: Process) -> dict[str, list[Given]]:
    """The values by input; refuses what is unknown, missing or too many before anything is read."""
    grouped: dict[str, list[Given]] = {}
    for name, given in asked.inputs:
        grouped.setdefault(name, []).append(given)
    found = []
    for name, values in grouped.items():
        definition = process.inputs.get(name)
        if definition is None:
            known = ", ".join(process.inputs) or "none"
            found.append(Violation(f"inputs.{name}", "unknown", f"the process has no such input (inputs: {known})"))
        elif definition.max_occurs is not None and len(values) > max(1, definition.max_occurs):
            told = f"must have at most {definition.max_occurs} values (has {len(values)})"
            found.append(Violation(f"inputs.{name}", "maxOccurs", told))
    for name, definition in process.inputs.items():
        if name not in grouped and definition.min_occurs > 0:
            found.append(Violation(f"inputs.{name}", "minOccurs", "is required"))
    if found:
        raise refusal(found)
    return grouped


def _member(values: list[Given], definition: Input, read: Read) -> JSON:
    items = [_Mapping(definition, read).value(item) for item in values]
    return items[0] if definition.max_occurs is not None and definition.max_occurs <= 1 else items


@dataclass(frozen=True, slots=True)
class _Mapping:
    """Maps the values of one input."""

    definition: Input
    read: Read

    def value(self, given: Given) -> JSON:
        """One value as it stands in the body."""
        domain = domain_of(self.definition.schema)
        if isinstance(given, ReferenceGiven):
            return self._reference(given, isinstance(domain, LiteralDomain))
        if isinstance(domain, LiteralDomain):
            return self._literal(given, domain)
        if isinstance(domain, BoundingBoxCRS):
            return self._box(given)
        return self._complex(given)

    def _reference(self, given: ReferenceGiven, is_literal: bool) -> JSON:
        plain = given.method == "GET" and not given.headers and normal_encoding(given.encoding) in ("", "utf-8")
        if plain and not is_literal:
            kind = own_name(given.media_type, self._kinds()) if given.media_type else ""
            return {"href": given.href, **({"type": kind} if kind else {})}
        place = f"inputs.{self.definition.id}"
        try:
            content = self.read(given)
        except OapipError as error:
            raise type(error)(f"{place}: {error.detail}", location=place) from None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            encoded = base64.b64encode(content).decode("ascii")
            return self.value(ComplexGiven(encoded, given.media_type, BASE64, given.schema))
        if is_literal:
            return self.value(LiteralGiven(text.removesuffix("\n").removesuffix("\r")))
        if self._is_binary(given.media_type):
            return self.value(ComplexGiven(base64.b64encode(content).decode("ascii"), given.media_type, BASE64))
        return self.value(ComplexGiven(text, given.media_type, "utf-8", given.schema))

    def _is_binary(self, media_type: str) -> bool:
        kinds = self._kinds()
        return is_binary(media_type or (kinds[0] if kinds else BINARY)) and holds_content(self.definition.schema)

    def _literal(self, given: Given, domain: LiteralDomain) -> JSON:
        if isinstance(given, BoxGiven):
            raise self._refuse("type", f"must be a literal of type {domain.data_type} (is a bounding box)")
        text = given.text if isinstance(given, LiteralGiven) else cast(ComplexGiven, given).content
        if isinstance(given, LiteralGiven) and given.uom and given.uom not in domain.uoms:
            raise self._refuse("uom", f"has no unit of measure (is {shown(given.uom)})")
        try:
            return value_of(text, self.definition.schema)
        except NotALiteral as error:
            raise self._refuse("type", f"{error} (is {shown(text)})") from None

    def _box(self, given: Given) -> JSON:
        if isinstance(given, ComplexGiven) and given.content.lstrip()[:1] == "{":
            return self._json(given.content)
        box = given if isinstance(given, BoxGiven) else self._box_of_text(_text_of_given(given))
        if len(box.lower) != len(box.upper) or box.dimensions not in (None, len(box.lower)):
            raise self._refuse("bbox", "must have corners of as many numbers as `dimensions` says")
        found: dict[str, JSON] = {"bbox": [*box.lower, *box.upper]}
        return {**found, "crs": self._crs(box.crs)} if box.crs else found

    def _crs(self, name: str) -> str:
        names = crs_schema(self.definition.schema).get("enum")
        known = [str(item) for item in names] if isinstance(names, list) else []
        return next((item for item in known if systems.same(item, name)), systems.uri_of(name))

    def _box_of_text(self, text: str) -> BoxGiven:
        """KVP: `minx,miny,maxx,maxy[,crs[,dimensions]]`."""
        numbers: list[float] = []
        rest = [part.strip() for part in text.split(",")]
        while rest and len(numbers) < 6:
            try:
                numbers.append(float(rest[0]))
            except ValueError:
                break
            rest.pop(0)
        if len(numbers) not in (4, 6):
            raise self._refuse("bbox", f"must be 4 or 6 numbers, and perhaps a reference system (is {shown(text)})")
        half = len(numbers) // 2
        return BoxGiven(tuple(numbers[:half]), tuple(numbers[half:]), rest[0] if rest else "")

    def _complex(self, given: Given) -> JSON:
        if isinstance(given, BoxGiven):
            raise self._refuse("type", "must be complex data (is a bounding box)")
        content = given if isinstance(given, ComplexGiven) else ComplexGiven(_text_of_given(given))
        if normal_encoding(content.encoding) is None:
            raise self._refuse("encoding", f"must be base64 or utf-8 (is {shown(content.encoding)})")
        if not holds_content(self.definition.schema):
            return self._structure(content)
        return self._content(content)

    def _structure(self, given: ComplexGiven) -> JSON:
        """Arrays, records and values of any kind: JSON."""
        text = _decoded(given.content) if normal_encoding(given.encoding) == BASE64 else given.content
        if text is None:
            raise self._refuse("encoding", "must be base64")
        anything = any(item.media_type == "text/plain" for item in self._formats())
        if given.media_type and not is_json(given.media_type) and not accepts(["application/json"], given.media_type):
            raise self._refuse("mediaType", f"must be application/json (is {shown(given.media_type)})")
        try:
            return self._json(text)
        except OapipError:
            if anything:
                return text
            raise

    def _content(self, given: ComplexGiven) -> JSON:
        """Files: a qualified value with the text as it stands; a Directory: its CWL object as JSON."""
        kinds = self._kinds()
        kind = own_name(given.media_type, kinds) if given.media_type else ""
        text = given.content.strip()
        if DIRECTORY in kinds and text.startswith("{") and kind in ("", "application/json", DIRECTORY):
            return self._json(text)
        if not kind and kinds[0] not in (BINARY, DIRECTORY):
            kind = kinds[0]
        encoding = normal_encoding(given.encoding) or ""
        if not encoding and kind.partition(";")[0] == BINARY:
            encoding = "utf-8"
        found: dict[str, JSON] = {"value": given.content}
        if kind:
            found["mediaType"] = kind
        if encoding:
            found["encoding"] = encoding
        return found

    def _json(self, text: str) -> JSON:
        try:
            return json_of(text)
        except NotALiteral as error:
            raise self._refuse("type", f"{error} (is {shown(text)})") from None

    def _kinds(self) -> tuple[str, ...]:
        return tuple(content_types(self.definition.schema))

    def _formats(self) -> Iterator[ComplexGiven]:
        domain = domain_of(self.definition.schema)
        for item in domain.supported if isinstance(domain, ComplexFormats) else ():
            yield ComplexGiven("", item.media_type)

    def _refuse(self, rule: str, text: str) -> OapipError:
        return refusal([Violation(f"inputs.{self.definition.id}", rule, text)])


def _text_of_given(given: Given) -> str:
    if isinstance(given, LiteralGiven):
        return given.text
    return given.content if isinstance(given, ComplexGiven) else ""


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except ValueError:
        return None


def _wanted(item: OutputAsked, process: Process, raw: bool) -> JSON:
    definition = process.outputs.get(item.identifier)
    place = f"outputs.{item.identifier}"
    if definition is None:
        known = ", ".join(process.outputs) or "none"
        raise UnknownOutput(f"{place}: the process has no such output (outputs: {known})", location=place)
    form: dict[str, JSON] = {}
    if kind := _format(item, definition, raw):
        form["mediaType"] = kind
    if normal_encoding(item.encoding) == BASE64:
        form["encoding"] = BASE64
    return {
        "transmissionMode": "reference" if item.as_reference else "value",
        **({"format": form} if form else {}),
    }


def _format(item: OutputAsked, definition: Output, raw: bool) -> str:
    """The media type of ours that was asked for; "" for literals and boxes, which have none, except raw literals: they
    may be wanted as plain text."""
    domain = domain_of(definition.schema, produced=True)
    if raw and isinstance(domain, LiteralDomain) and same(item.media_type, "text/plain"):
        return "text/plain"
    if not item.media_type or not isinstance(domain, ComplexFormats):
        return ""
    kinds = tuple(content_types(definition.schema)) or ("application/json",)
    kind = own_name(item.media_type, kinds)
    supported = [item.media_type for item in domain.supported]
    if not accepts([*kinds, *supported], kind):
        told = f"must be one of {', '.join(dict.fromkeys(supported))} (is {shown(item.media_type)})"
        raise UnknownFormat(f"outputs.{item.identifier}: {told}", location=f"outputs.{item.identifier}")
    # clients look for the name that they asked for, so the job keeps it
    return item.media_type if kind in kinds else kind


def given_inputs(request: ExecutionRequest, process: Process) -> tuple[tuple[str, Given], ...]:
    """The inputs of a job, whichever door it came by, as WPS has them (lineage)."""
    found: list[tuple[str, Given]] = []
    for name, value in request.inputs.items():
        definition = process.inputs.get(name)
        if definition is not None:
            repeated = definition.max_occurs is None or definition.max_occurs > 1
            items = value.items if isinstance(value, Many) and repeated else (value,)
            found.extend((name, _given(item, definition)) for item in items)
    return tuple(found)


def _given(value: InputValue, definition: Input) -> Given:
    if isinstance(value, Reference):
        return ReferenceGiven(value.href, value.media_type)
    if isinstance(value, Nested):
        return ReferenceGiven(value.process, "application/json")
    plain = _plain(value)
    if isinstance(value, Inline) and isinstance(plain, str) and holds_content(definition.schema):
        return ComplexGiven(plain, value.media_type, BASE64 if value.encoding == BASE64 else "")
    if is_bbox(definition.schema) and isinstance(plain, Mapping):
        return _given_box(plain)
    if literal_types(definition.schema) and not isinstance(plain, Mapping | list | tuple):
        domain = domain_of(definition.schema)
        return LiteralGiven(text_of(plain), domain.data_type if isinstance(domain, LiteralDomain) else NUMBER)
    return ComplexGiven(text_of(plain), "application/json")


def _given_box(value: JSONObject) -> Given:
    numbers = [float(cast(float, number)) for number in cast("list[JSON]", value.get("bbox") or [])]
    half = len(numbers) // 2
    return BoxGiven(tuple(numbers[:half]), tuple(numbers[half:]), systems.urn_of(str(value.get("crs") or "")), half)


def _plain(value: InputValue) -> JSON:
    if isinstance(value, Many):
        return [_plain(item) for item in value.items]
    if isinstance(value, Inline):
        return value.value
    return {"href": value.href} if isinstance(value, Reference) else {"process": value.process}
