"""XML of WPS 2.0.0: namespaces, and elements with text that XML can hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from ..describe import xml_text
from ..door import Element

VERSION = "2.0.0"
VERSIONS = (VERSION, "2.0")
"""How clients write it."""
WPS = "http://www.opengis.net/wps/2.0"
OWS = "http://www.opengis.net/ows/2.0"
WPS_1 = "http://www.opengis.net/wps/1.0.0"
OWS_1 = "http://www.opengis.net/ows/1.1"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
XSD = "http://www.w3.org/2001/XMLSchema"

HREF = f"{{{XLINK}}}href"
LANG = f"{{{XML_NAMESPACE}}}lang"

_NSMAP = {"wps": WPS, "ows": OWS, "xlink": XLINK, "xsi": XSI}
_LOCATION = f"{{{XSI}}}schemaLocation"
_SCHEMAS = {
    WPS: f"{WPS} http://schemas.opengis.net/wps/2.0/wps.xsd",
    OWS: f"{OWS} http://schemas.opengis.net/ows/2.0/owsExceptionReport.xsd",
}
_NONE: Mapping[str, str] = MappingProxyType({})


def root(name: str, attributes: Mapping[str, str] = _NONE, namespace: str = WPS) -> Element:
    """The root of a document, with the place of its schema."""
    made = etree.Element(f"{{{namespace}}}{name}", nsmap=_NSMAP)
    made.set(_LOCATION, _SCHEMAS[namespace])
    _set(made, attributes)
    return made


def bare_root(name: str, attributes: Mapping[str, str] = _NONE, namespace: str = WPS) -> Element:
    """The root of a document that is data itself (a raw literal or bounding box): its own namespace and no schema."""
    prefix = "wps" if namespace == WPS else "ows"
    made = etree.Element(f"{{{namespace}}}{name}", nsmap={prefix: namespace})
    _set(made, attributes)
    return made


def wps(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = _NONE) -> Element:
    """A child in the namespace of WPS."""
    return _child(parent, f"{{{WPS}}}{name}", text, attributes)


def ows(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = _NONE) -> Element:
    """A child in the namespace of OWS Common."""
    return _child(parent, f"{{{OWS}}}{name}", text, attributes)


def local(parent: Element, name: str, text: str = "", attributes: Mapping[str, str] = _NONE) -> Element:
    """A child in no namespace: what the schemas of WPS 2.0 define locally."""
    return _child(parent, name, text, attributes)


def serialised(document: Element) -> bytes:
    """A document in UTF-8, with its declaration."""
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return written


def put(element: Element, text: str) -> None:
    """Set the text of an element; what XML 1.0 cannot hold becomes `?`."""
    element.text = xml_text(text)


def _child(parent: Element, tag: str, text: str, attributes: Mapping[str, str]) -> Element:
    made = etree.SubElement(parent, tag)
    if text:
        put(made, text)
    _set(made, attributes)
    return made


def _set(element: Element, attributes: Mapping[str, str]) -> None:
    """Attributes, those without a value left out."""
    for name, value in attributes.items():
        if value:
            element.set(name, xml_text(value))
