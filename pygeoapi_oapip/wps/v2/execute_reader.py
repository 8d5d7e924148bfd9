"""wps:Execute of 2.0.0 -> ExecuteAsked (14-065 clause 9.9.2)."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import BadRequest
from ..door import Element
from ..faults import InvalidParameter, MissingParameter
from ..fragments import written
from ..terms import (
    BoxGiven,
    ComplexGiven,
    ExecuteAsked,
    Form,
    Given,
    LiteralGiven,
    Mode,
    OutputAsked,
    ReferenceGiven,
)
from .choices import choice
from .elements import HREF, OWS, WPS, XLINK, XSI
from .nodes import attribute, child, children, elements, name_of, text_of

TRANSMISSIONS = ("value", "reference")
MOST_INPUTS = 10_000
"""Inputs of one request; longer arrays are given as JSON or by reference."""
_OF_REQUESTS = frozenset({WPS, OWS, XLINK, XSI})


class WrongInputData(BadRequest):
    """The data of an input cannot be read."""

    code = "WrongInputData"


class TooManyInputs(BadRequest):
    """There are more inputs than a request may have."""

    code = "TooManyInputs"


def read_execute(document: Element) -> ExecuteAsked:
    """The execution that a document asks for. Raises MissingParameter, InvalidParameter, WrongInputData."""
    identifier = child(document, "Identifier", OWS)
    process_id = "" if identifier is None else text_of(identifier).strip()
    if not process_id:
        raise MissingParameter("Execute names no process (ows:Identifier)", location="identifier")
    outputs = tuple(_output(item) for item in children(document, "Output"))
    _refuse_twice(outputs)
    return ExecuteAsked(
        identifier=process_id,
        inputs=tuple(_inputs(document)),
        form=choice(attribute(document, "response"), "response", Form),
        # the schema wants one at least; without any, all are meant
        outputs=outputs or None,
        mode=choice(attribute(document, "mode"), "mode", Mode),
    )


def _inputs(document: Element) -> Iterator[tuple[str, Given]]:
    for number, item in enumerate(children(document, "Input")):
        if number >= MOST_INPUTS:
            raise TooManyInputs(f"a request may have {MOST_INPUTS} inputs; give long arrays as JSON", location="Input")
        name = attribute(item, "id")
        if not name:
            raise MissingParameter("an Input has no id", location="id")
        yield name, _given(item, name)


def _given(item: Element, name: str) -> Given:
    parts = [part for part in elements(item)]
    if len(parts) != 1:
        raise WrongInputData(
            f"the input {name} must have one Data or Reference (has {len(parts)} elements)", location=name
        )
    namespace, kind = name_of(parts[0])
    if namespace == WPS and kind == "Data":
        return _data(parts[0], name)
    if namespace == WPS and kind == "Reference":
        return _reference(parts[0], name)
    if namespace == WPS and kind == "Input":
        told = f"the input {name} has inputs in it, and no process of this server has such: give its value as JSON"
        raise InvalidParameter(told, location=name)
    raise WrongInputData(f"the input {name} must have one wps:Data or wps:Reference (has {kind[:60]})", location=name)


def _data(data: Element, name: str) -> Given:
    parts = list(elements(data))
    if not parts:
        return _complex(text_of(data), data, data)
    if len(parts) > 1 or text_of(data).strip():
        raise WrongInputData(f"the Data of the input {name} must be text or one element", location=name)
    return _element(parts[0], data, name)


def _element(part: Element, data: Element, name: str) -> Given:
    namespace, kind = name_of(part)
    if namespace == WPS and kind in ("LiteralValue", "LiteralData"):
        return LiteralGiven(text_of(part), attribute(part, "dataType"), attribute(part, "uom"))
    if (
        namespace == OWS
        and kind in ("BoundingBox", "WGS84BoundingBox")
        or (namespace, kind) == (WPS, "BoundingBoxData")
    ):
        return _box(part, name)
    if namespace == WPS and kind == "ComplexData":
        # the schema has it in descriptions only; the OGC suite sends it as data
        inner = list(elements(part))
        if len(inner) > 1 or inner and text_of(part).strip():
            raise WrongInputData(f"the ComplexData of the input {name} must be text or one element", location=name)
        return _complex(written(inner[0], _OF_REQUESTS) if inner else text_of(part), part, data)
    return _complex(written(part, _OF_REQUESTS), data, data)


def _complex(content: str, first: Element, second: Element) -> ComplexGiven:
    """Complex data whose format stands in the first of two elements that say one."""

    def said(attribute_name: str) -> str:
        return attribute(first, attribute_name) or attribute(second, attribute_name)

    return ComplexGiven(content, said("mimeType"), said("encoding"), said("schema"))


def _box(box: Element, name: str) -> BoxGiven:
    corners = [child(box, corner, OWS) for corner in ("LowerCorner", "UpperCorner")]
    dimensions = attribute(box, "dimensions")
    try:
        lower, upper = (() if corner is None else _numbers(text_of(corner)) for corner in corners)
        size = int(dimensions) if dimensions else None
    except (ValueError, OverflowError):
        raise WrongInputData(f"the corners of the bounding box {name} must be numbers", location=name) from None
    if not lower or not upper:
        raise WrongInputData(
            f"the bounding box {name} must have an ows:LowerCorner and an ows:UpperCorner", location=name
        )
    return BoxGiven(lower, upper, attribute(box, "crs"), size)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.replace(",", " ").split())


def _reference(reference: Element, name: str) -> ReferenceGiven:
    href = (reference.get(HREF) or reference.get("href") or "").strip()
    if not href:
        raise MissingParameter(f"the Reference of the input {name} has no xlink:href", location=name)
    body, body_reference = child(reference, "Body"), child(reference, "BodyReference")
    content = None if body is None else _body(body, name)
    address = "" if body_reference is None else (body_reference.get(HREF) or "").strip()
    if body_reference is not None and not address:
        raise MissingParameter(f"the BodyReference of the input {name} has no xlink:href", location=name)
    return ReferenceGiven(
        href=href,
        media_type=attribute(reference, "mimeType"),
        encoding=attribute(reference, "encoding"),
        schema=attribute(reference, "schema"),
        method="GET" if content is None and not address else "POST",
        body=content,
        body_reference=address,
    )


def _body(body: Element, name: str) -> str:
    parts = list(elements(body))
    if len(parts) > 1 or parts and text_of(body).strip():
        raise WrongInputData(f"the Body of the reference {name} must be text or one element", location=name)
    return written(parts[0], _OF_REQUESTS) if parts else text_of(body)


def _output(item: Element) -> OutputAsked:
    name = attribute(item, "id")
    if not name:
        raise MissingParameter("an Output has no id", location="id")
    if child(item, "Output") is not None:
        raise InvalidParameter(f"the output {name} has no outputs in it", location=name)
    transmission = attribute(item, "transmission") or "value"
    if transmission not in TRANSMISSIONS:
        told = f"the transmission of {name} must be value or reference (is {transmission[:60]!r})"
        raise InvalidParameter(told, location="transmission")
    return OutputAsked(
        identifier=name,
        as_reference=transmission == "reference",
        media_type=attribute(item, "mimeType"),
        encoding=attribute(item, "encoding"),
        schema=attribute(item, "schema"),
    )


def _refuse_twice(outputs: tuple[OutputAsked, ...]) -> None:
    seen: set[str] = set()
    for item in outputs:
        if item.identifier in seen:
            told = f"the output {item.identifier[:60]} is asked for more than once"
            raise InvalidParameter(told, location=item.identifier)
        seen.add(item.identifier)
