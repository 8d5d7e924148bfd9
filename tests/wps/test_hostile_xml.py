"""XML that is made to hurt: refused in little time and memory, whatever its encoding, and nothing is fetched."""

from __future__ import annotations

import time

import pytest

from pygeoapi_oapip.errors import BadRequest, OapipError, TooLarge
from pygeoapi_oapip.wps.xmlguard import MOST_ATTRIBUTES, MOST_NAMESPACES, MOST_TAGS, parse

LIMIT = 60.0
"""Seconds; each of these takes far less than one on a quiet machine, and took minutes without the limits."""
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10))
    + "]><l>&a9;</l>"
)
DOCTYPES = {
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "http": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]><a>&x;</a>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>',
    "external": '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "public": '<!DOCTYPE a PUBLIC "-//W3C//DTD XHTML 1.0//EN" "file:///etc/passwd"><a/>',
    "plain": "<!DOCTYPE a><a/>",
    "late": '<?xml version="1.0"?><!-- a --><?b c?>\n<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "laughs": LAUGHS,
    "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 10_000}</a>',
    "attribute default": '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
}


def refused(content: bytes) -> OapipError:
    start = time.monotonic()
    with pytest.raises(OapipError) as caught:
        parse(content)
    assert time.monotonic() - start < LIMIT
    assert caught.value.status in (400, 413)
    assert len(caught.value.detail) < 400 and "/etc" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize("text", DOCTYPES.values(), ids=list(DOCTYPES))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp037"])
def test_document_types_are_refused_in_every_encoding(text: str, encoding: str) -> None:
    head = "" if text.startswith("<?xml") else f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    error = refused((head + text).encode(encoding))
    assert isinstance(error, BadRequest)
    assert encoding == "cp037" or "DOCTYPE" in error.detail


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"\0",
        b"<",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&undefined;</a>",
        b"<a b='1' b='2'/>",
        b"<a>\0</a>",
        b"<a>&#0;</a>",
        b"<a>\x08</a>",
        b"<n:a/>",
        "<a>ä</a>".encode("latin-1"),
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"\xff\xfe\xff",
        b"service=WPS&request=Execute",
        b'{"inputs": {}}',
    ],
)
def test_what_is_no_xml_is_refused_with_the_reason(content: bytes) -> None:
    detail = refused(content).detail
    assert "XML" in detail and "\n" not in detail and "XML_PARSE" not in detail


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("latin-1", "iso-8859-1"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_an_encoding_that_is_declared_is_read(encoding: str, declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><a>Ötztal</a>'
    assert parse(text.encode(encoding)).text == "Ötztal"


def test_elements_nested_very_deep_are_refused() -> None:
    assert "deep" in refused(b"<a>" * 100_000 + b"</a>" * 100_000).detail


def test_very_many_elements_are_refused_before_they_are_parsed() -> None:
    error = refused(b"<a>" + b"<b/>" * MOST_TAGS + b"</a>")
    assert isinstance(error, TooLarge) and "reference" in error.detail


def test_very_many_attributes_are_refused() -> None:
    names = " ".join(f'a{number}=""' for number in range(MOST_ATTRIBUTES + 1))
    assert "attributes" in refused(f"<a><b {names}/></a>".encode()).detail


def test_a_huge_attribute_is_refused() -> None:
    assert "attribute" in refused(b"<a b='" + b"x" * 5_000_000 + b"'/>").detail
    refused(b"<a b='" + b"x" * 12_000_000 + b"'/>")


def test_many_namespaces_around_many_elements_are_refused() -> None:
    """600 KB took three minutes: for each element all declarations around it were read."""
    names = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(400))
    content = f"<a {names}>" * 60 + "<b/>" * 20_000 + "</a>" * 60
    assert str(MOST_NAMESPACES) in refused(content.encode()).detail


def test_many_comments_before_the_root_are_refused() -> None:
    refused(b"<!--x-->" * 500_000 + b"<a/>")


def test_a_huge_text_is_refused_as_too_large() -> None:
    error = refused(b"<a>" + b"x" * 11_000_000 + b"</a>")
    assert isinstance(error, TooLarge) and "reference" in error.detail


def test_a_document_over_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        parse(b"<a>" + b"x" * 1000 + b"</a>", 1000)


def test_xinclude_and_schema_locations_are_data() -> None:
    root = parse(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="urn:a http://127.0.0.1:1/a.xsd"><xi:include href="file:///etc/passwd" parse="text"/></a>'
    )
    assert len(root) == 1 and root[0].text is None and len(root[0]) == 0
