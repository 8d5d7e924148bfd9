"""Elements of a request as XML documents of their own."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from xml.sax.saxutils import quoteattr

from .door import Element

_PREFIX = re.compile(r"(?<![\w.-])([^\W\d][\w.-]{0,99}):")
_ROOT = re.compile(r"<[^\s/>]+")


def written(element: Element, of_requests: Collection[str]) -> str:
    """An element as a document, with the namespaces that its names use, and those of the prefixes that its values may
    use; of all others that it inherits, none: a request may declare a thousand, and have as many elements.

    Args:
        element: somewhere in a request.
        of_requests: namespaces of the request itself, which are there only where names use them.
    """
    from lxml import etree

    # a copy takes along the namespaces of its names, and no others
    alone = copy.deepcopy(element)
    text = str(etree.tostring(alone, encoding="unicode", with_tail=False))
    named = set(_PREFIX.findall(text)) - set(alone.nsmap)
    if not named:
        return text
    known = element.nsmap
    meant = sorted(prefix for prefix in named if known.get(prefix, "") not in ("", *of_requests))
    declared = "".join(f" xmlns:{prefix}={quoteattr(known[prefix])}" for prefix in meant)
    return _ROOT.sub(lambda found: found[0] + declared, text, count=1)
