"""Reading of lxml elements: names, attributes, children and text, whatever comments stand between them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from ..door import Element
from .elements import WPS


def name_of(element: Element) -> tuple[str, str]:
    """Namespace ("" for none) and local name."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


def attribute(element: Element, name: str) -> str:
    """An attribute, also where it is written with the prefix of WPS, as the standard does in its examples; "" for
    none."""
    value = element.get(name)
    if value is None:
        value = element.get(f"{{{WPS}}}{name}")
    return "" if value is None else value.strip()


def elements(parent: Element) -> Iterator[Element]:
    """The children that are elements."""
    return (item for item in parent if isinstance(item.tag, str))


def children(parent: Element, name: str, namespace: str = WPS) -> Iterator[Element]:
    """The children of this name."""
    wanted = f"{{{namespace}}}{name}"
    return (item for item in parent if item.tag == wanted)


def child(parent: Element, name: str, namespace: str = WPS) -> Element | None:
    """The first child of this name."""
    return next(children(parent, name, namespace), None)


def text_of(element: Element) -> str:
    """The character data that stands in an element itself, not in its children."""
    return (element.text or "") + "".join(item.tail or "" for item in element)
