"""wps:Execute of 1.0.0 -> ExecuteAsked."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lxml import etree

from ..door import Element
from ..faults import InvalidParameter, MissingParameter
from ..fragments import written
from ..terms import BoxGiven, ComplexGiven, ExecuteAsked, Form, Given, LiteralGiven, OutputAsked, ReferenceGiven
from .vocabulary import HREF, OWS, WPS, XLINK, XSI

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_MOST_NUMBERS = 6
_OF_REQUESTS = frozenset({WPS, OWS, XLINK, XSI})


def read_execute(root: Element) -> ExecuteAsked:
    """Read a request.

    Args:
        root: `wps:Execute`, parsed by `xmlguard`.

    Raises:
        MissingParameter, InvalidParameter: naming what is missing or cannot be understood.
    """
    _only(root, "Identifier", "DataInputs", "ResponseForm")
    identifier = _identifier(root, "Identifier")
    inputs = tuple(_input(item) for part in _children(root, "DataInputs") for item in _inputs(part))
    form = next(_children(root, "ResponseForm"), None)
    if form is None:
        return ExecuteAsked(identifier, inputs)
    _only(form, "RawDataOutput", "ResponseDocument")
    raw = next(_children(form, "RawDataOutput"), None)
    if raw is not None:
        return ExecuteAsked(identifier, inputs, Form.RAW, (_output(raw),))
    return _document(identifier, inputs, next(_children(form, "ResponseDocument"), None))


def flag(text: str | None, name: str) -> bool:
    """An xs:boolean; none is false. Raises InvalidParameter."""
    word = (text or "false").strip().lower()
    if word not in _FLAGS:
        raise InvalidParameter(f"{name} must be true or false (is {word[:50]!r})", location=name)
    return _FLAGS[word]


def _document(identifier: str, inputs: tuple[tuple[str, Given], ...], document: Element | None) -> ExecuteAsked:
    if document is None:
        return ExecuteAsked(identifier, inputs)
    _only(document, "Output")
    outputs = tuple(_output(item) for item in _children(document, "Output"))
    return ExecuteAsked(
        identifier,
        inputs,
        outputs=outputs or None,
        lineage=flag(document.get("lineage"), "lineage"),
        store=flag(document.get("storeExecuteResponse"), "storeExecuteResponse"),
        status=flag(document.get("status"), "status"),
    )


def _output(item: Element) -> OutputAsked:
    return OutputAsked(
        identifier=_identifier(item, "Output"),
        as_reference=flag(item.get("asReference"), "asReference"),
        media_type=_attribute(item, "mimeType", "format"),
        encoding=_encoding(item),
        schema=_attribute(item, "schema"),
        uom=_attribute(item, "uom"),
        title=_text(item, "Title"),
        abstract=_text(item, "Abstract"),
    )


def _inputs(part: Element) -> Iterator[Element]:
    _only(part, "Input")
    return _children(part, "Input")


def _input(item: Element) -> tuple[str, Given]:
    name = _identifier(item, "Input")
    _only(item, "Identifier", "Title", "Abstract", "Data", "Reference", about=name)
    reference, data = next(_children(item, "Reference"), None), next(_children(item, "Data"), None)
    if (reference is None) == (data is None):
        raise InvalidParameter(f"inputs.{name}: must have either Data or Reference", location=name)
    return name, _data(data, name) if data is not None else _reference(reference, name)


def _data(data: Element, name: str) -> Given:
    _only(data, "LiteralData", "ComplexData", "BoundingBoxData", about=name)
    found = list(data)
    if len(found) != 1:
        told = "must have one of LiteralData, ComplexData and BoundingBoxData"
        raise InvalidParameter(f"inputs.{name}: {told}", location=name)
    (value,) = found
    kind = etree.QName(value).localname
    if kind == "BoundingBoxData":
        return _box(value, name)
    if kind == "ComplexData":
        content = _content(value, name)
        return ComplexGiven(content, _attribute(value, "mimeType", "format"), _encoding(value), value.get("schema", ""))
    if len(value):
        raise InvalidParameter(f"inputs.{name}: LiteralData must be text (has elements)", location=name)
    return LiteralGiven(value.text or "", value.get("dataType", ""), value.get("uom", ""))


def _content(value: Element, name: str) -> str:
    """The text, or the one element, of ComplexData or Body."""
    children = list(value)
    if not children:
        return value.text or ""
    around = (value.text or "") + "".join(child.tail or "" for child in children)
    if len(children) > 1 or around.strip():
        raise InvalidParameter(f"inputs.{name}: must be one element, or text", location=name)
    return written(children[0], _OF_REQUESTS)


def _box(value: Element, name: str) -> BoxGiven:
    lower, upper = _corner(value, "LowerCorner", name), _corner(value, "UpperCorner", name)
    dimensions = value.get("dimensions", "").strip()
    if dimensions and not (dimensions.isascii() and dimensions.isdigit() and len(dimensions) < 4):
        raise InvalidParameter(f"inputs.{name}: dimensions must be a whole number", location=name)
    return BoxGiven(lower, upper, value.get("crs", ""), int(dimensions) if dimensions else None)


def _corner(value: Element, corner: str, name: str) -> tuple[float, ...]:
    words = _text(value, corner).replace(",", " ").split()
    try:
        numbers = tuple(float(word) for word in words[:_MOST_NUMBERS])
    except ValueError:
        numbers = ()
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        raise InvalidParameter(f"inputs.{name}: {corner} must be 2 or 3 numbers", location=name)
    return numbers


def _reference(item: Element, name: str) -> ReferenceGiven:
    _only(item, "Header", "Body", "BodyReference", about=name)
    href = (item.get(HREF) or item.get("href") or "").strip()
    if not href:
        raise MissingParameter(f"inputs.{name}: Reference needs xlink:href", location=name)
    method = item.get("method", "GET").strip().upper()
    if method not in ("GET", "POST"):
        raise InvalidParameter(f"inputs.{name}: method must be GET or POST (is {method[:20]!r})", location=name)
    body, link = next(_children(item, "Body"), None), next(_children(item, "BodyReference"), None)
    return ReferenceGiven(
        href=href,
        media_type=_attribute(item, "mimeType", "format"),
        encoding=_encoding(item),
        schema=_attribute(item, "schema"),
        method=method,
        headers=tuple((each.get("key", ""), each.get("value", "")) for each in _children(item, "Header")),
        body=None if body is None else _content(body, name),
        body_reference="" if link is None else (link.get(HREF) or link.get("href") or ""),
    )


def _attribute(item: Element, *names: str) -> str:
    return next((item.get(name).strip() for name in names if item.get(name)), "")


def _encoding(item: Element) -> str:
    return _attribute(item, "encoding")


def _identifier(item: Element, what: str) -> str:
    found = _text(item, "Identifier")
    if not found:
        whose = "the process" if what == "Identifier" else f"each {what}"
        raise MissingParameter(f"the Identifier of {whose} is needed", location="Identifier")
    return found


def _text(item: Element, name: str) -> str:
    found = next(_children(item, name), None)
    return (found.text or "").strip() if found is not None else ""


def _children(item: Element, name: str) -> Iterator[Element]:
    """The children of this local name; `_only` has seen to the namespaces."""
    return (child for child in item if etree.QName(child).localname == name)


def _only(item: Element, *names: str, about: str = "") -> None:
    """Refuse children that are not of WPS 1.0.0: what is in a wrong namespace must not be passed over."""
    for child in item:
        name = etree.QName(child)
        known = name.namespace in (WPS, OWS) and name.localname in (*names, "Identifier", "Title", "Abstract")
        if not known:
            where = etree.QName(item).localname
            told = f"{where} has the element {child.tag[:100]}, which WPS 1.0.0 does not have there"
            raise InvalidParameter(told, location=about or name.localname[:100])
