"""XML of WPS 1.0.0: namespaces, and elements whose text XML can hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from ..describe import xml_text
from ..door import Element

WPS = "http://www.opengis.net/wps/1.0.0"
OWS = "http://www.opengis.net/ows/1.1"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
HREF = f"{{{XLINK}}}href"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_NSMAP = {"wps": WPS, "ows": OWS, "xlink": XLINK, "xsi": XSI}
_SCHEMAS = {
    WPS: f"{WPS} http://schemas.opengis.net/wps/1.0.0/wpsExecute_response.xsd",
    OWS: f"{OWS} http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd",
}
_NONE: Mapping[str, str] = MappingProxyType({})


def root(namespace: str, name: str, attributes: Mapping[str, str]) -> Element:
    """The root of a document, with the place of its schema."""
    made = etree.Element(f"{{{namespace}}}{name}", nsmap=_NSMAP)
    made.set(f"{{{XSI}}}schemaLocation", _SCHEMAS[namespace])
    return _with(made, attributes)


def wps(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = _NONE) -> Element:
    """A child in the namespace of WPS; attributes without a value are left out."""
    return _child(parent, WPS, name, text, attributes)


def ows(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = _NONE) -> Element:
    """A child in the namespace of OWS Common."""
    return _child(parent, OWS, name, text, attributes)


def serialised(document: Element) -> bytes:
    """A document in UTF-8, with its declaration."""
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return written


def _child(parent: Element, namespace: str, name: str, text: str, attributes: Mapping[str, str]) -> Element:
    made = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if text:
        made.text = xml_text(text)
    return _with(made, attributes)


def _with(element: Element, attributes: Mapping[str, str]) -> Element:
    for name, value in attributes.items():
        if value:
            element.set(name, xml_text(value))
    return element
