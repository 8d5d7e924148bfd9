"""XML from strangers: parsed without entities, document types, network or files, within limits.

A document type declaration is refused as such, so no entity is ever defined, expanded or fetched; schema locations and
XInclude elements are data that nobody follows.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import TooLarge
from .faults import UnreadableXML

LARGEST = 50 * 1024**2
"""Bytes of a document where no other limit is given."""
MOST_ATTRIBUTES = 500
"""Attributes of one element."""
MOST_NAMESPACES = 1000
"""Namespace declarations of a document: looking one up costs their number, for each element within them."""
LONGEST_ATTRIBUTE = 100_000
"""Characters of one attribute value."""
MOST_TAGS = 1_000_000
"""Start and end tags of a document; each element costs a hundred times its bytes."""
MOST_BEFORE = 1000
"""Comments and processing instructions before the root element."""
_SPACE = re.compile(rb"\s+")


def parse(content: bytes, largest: int = LARGEST) -> Any:
    """The root element of a document.

    Args:
        content: the document; its encoding is what it says itself, else UTF-8.
        largest: bytes.

    Raises:
        TooLarge: it has more bytes or tags.
        UnreadableXML: it is not well-formed, has a document type, or goes beyond the limits of this module.
    """
    from lxml import etree

    _check_bytes(content, largest)
    parser = etree.XMLPullParser(
        events=("start-ns",),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
        strip_cdata=False,
    )
    try:
        _feed(parser, content)
        root = parser.close()
    except etree.XMLSyntaxError as error:
        if "huge text node" in str(error.msg) or "too long" in str(error.msg):
            raise TooLarge("a text of the XML document is larger than 10 MB; give it by reference") from None
        raise UnreadableXML(f"the body is not well-formed XML: {_cause(error)}") from None
    except (ValueError, LookupError):
        raise UnreadableXML("the body is not well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXML("a document type declaration (DOCTYPE) is not allowed")
    _check_attributes(root)
    return root


def _check_bytes(content: bytes, largest: int) -> None:
    if len(content) > largest:
        raise TooLarge(f"the XML document is larger than {largest} bytes")
    if not content.strip():
        raise UnreadableXML("the body is empty; an XML document is needed")
    if content.count(b"<") > MOST_TAGS:
        raise TooLarge(f"the XML document has more than {MOST_TAGS} tags; give large data by reference")
    _refuse_doctype(content)


def _feed(parser: Any, content: bytes) -> None:
    namespaces = 0
    for start in range(0, len(content), 1 << 16):
        parser.feed(content[start : start + (1 << 16)])
        namespaces += sum(1 for _ in parser.read_events())
        if namespaces > MOST_NAMESPACES:
            raise UnreadableXML(f"there are more than {MOST_NAMESPACES} namespace declarations")


def _check_attributes(root: Any) -> None:
    if root.xpath(f"boolean(//*[count(@*) > {MOST_ATTRIBUTES}])"):
        raise UnreadableXML(f"an element has more than {MOST_ATTRIBUTES} attributes")
    if root.xpath(f"boolean(//@*[string-length() > {LONGEST_ATTRIBUTE}])"):
        raise UnreadableXML(f"an attribute is longer than {LONGEST_ATTRIBUTE} characters")


def _refuse_doctype(content: bytes) -> None:
    """Before the parser sees it, for every encoding that has ASCII in it; for others its own answer counts
    (`internalDTD`), and it fetches nothing."""
    plain = content.replace(b"\0", b"") if b"\0" in content[:8] else content
    at = 3 if plain.startswith(b"\xef\xbb\xbf") else (2 if plain[:2] in (b"\xff\xfe", b"\xfe\xff") else 0)
    for _ in range(MOST_BEFORE):
        at = _after_space(plain, at)
        if plain.startswith(b"<!DOCTYPE", at):
            raise UnreadableXML("a document type declaration (DOCTYPE) is not allowed")
        at = _after_miscellaneous(plain, at)
        if at < 0:
            return
    raise UnreadableXML(f"there are more than {MOST_BEFORE} comments and instructions before the root element")


def _after_space(content: bytes, at: int) -> int:
    found = _SPACE.match(content, at)
    return found.end() if found else at


def _after_miscellaneous(content: bytes, at: int) -> int:
    """Where the comment or processing instruction at a place ends; -1 where there is none, or no end."""
    for start, end in ((b"<!--", b"-->"), (b"<?", b"?>")):
        if content.startswith(start, at):
            found = content.find(end, at + len(start))
            return found + len(end) if found >= 0 else -1
    return -1


def _cause(error: Exception) -> str:
    """The parser's words, without the name of the file."""
    text = str(getattr(error, "msg", "") or "it cannot be parsed")
    if "Excessive depth" in text:
        return "elements are nested too deep"
    return " ".join(text.partition(" (<string>")[0].split())[:200]
