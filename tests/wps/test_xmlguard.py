"""XML from strangers is data: nothing is fetched, expanded or followed, and there are limits."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import TooLarge
from pygeoapi_oapip.wps.faults import UnreadableXML
from pygeoapi_oapip.wps.xmlguard import MOST_ATTRIBUTES, MOST_NAMESPACES, parse


def test_a_document_is_parsed() -> None:
    root = parse(b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><?p?><a b='1'>t<!-- c --><c/><?p?></a><!-- <!DOCTYPE -->")
    assert (root.tag, root.get("b"), root.text, [child.tag for child in root]) == ("a", "1", "t", ["c"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    assert parse(f"<?xml version='1.0' encoding='{encoding}'?><a>ä</a>".encode(encoding)).text == "ä"


def test_content_may_speak_of_document_types() -> None:
    assert parse(b"<a><![CDATA[<!DOCTYPE html>]]></a>").text == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE a><a/>",
        " \n<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<?xml version='1.0'?><?p <![CDATA[ ?><!-- <![CDATA[ --><!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;]><a/>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"])
def test_document_types_are_refused_in_every_encoding(text: str, encoding: str) -> None:
    with pytest.raises(UnreadableXML):
        parse(text.encode(encoding))


def test_a_document_type_in_an_odd_encoding() -> None:
    with pytest.raises(UnreadableXML):
        parse(b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a [<!ENTITY e 'x'>]><a b='&e;'>&e;</a>")


def test_entities_are_not_known() -> None:
    with pytest.raises(UnreadableXML):
        parse(b"<a>&e;</a>")


@pytest.mark.parametrize(
    "content",
    [
        b"<a>" * 300 + b"</a>" * 300,
        b"<a>" * 100_000,
        b"<a " + b" ".join(b"x%d=''" % n for n in range(MOST_ATTRIBUTES + 1)) + b"/>",
        b"<a " + b" ".join(b"xmlns:x%d='u'" % n for n in range(MOST_NAMESPACES + 1)) + b"/>",
        b"<a x='" + b"y" * 100_001 + b"'/>",
        b"<a x='" + b"y" * 12_000_000 + b"'/>",
    ],
)
def test_limits(content: bytes) -> None:
    with pytest.raises(UnreadableXML):
        parse(content)


def test_large_documents() -> None:
    with pytest.raises(TooLarge):
        parse(b"<a>xxx</a>", largest=5)
    with pytest.raises(TooLarge):
        parse(b"<a>" + b"x" * 11_000_000 + b"</a>")
    with pytest.raises(TooLarge):
        parse(b"<a" + b"b" * 1_000_000 + b"/>")


def test_messages_name_no_file() -> None:
    with pytest.raises(UnreadableXML) as caught:
        parse(b"<a><b></a>")
    assert "string" not in caught.value.detail
    assert "line 1" in caught.value.detail
