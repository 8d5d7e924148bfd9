"""Elements of a request become documents that mean the same alone."""

from __future__ import annotations

import time

import pytest
from lxml import etree

from pygeoapi_oapip.wps.fragments import written

OF_REQUESTS = frozenset({"urn:request"})


@pytest.mark.parametrize(
    ("request_", "document"),
    [
        ('<r xmlns:p="urn:p"><a/></r>', "<a/>"),
        ('<r xmlns:p="urn:p"><p:a/>tail</r>', '<p:a xmlns:p="urn:p"/>'),
        ('<r xmlns:p="urn:p"><a t="p:x"/></r>', '<a xmlns:p="urn:p" t="p:x"/>'),
        ('<r xmlns:p="urn:p"><a>1 p:x</a></r>', '<a xmlns:p="urn:p">1 p:x</a>'),
        ('<r xmlns:p="urn:p"><a t="http://p.example/p"/></r>', '<a t="http://p.example/p"/>'),
        ('<r xmlns:p="urn:a&amp;b"><a>p:x</a></r>', '<a xmlns:p="urn:a&amp;b">p:x</a>'),
        ('<r xmlns:p="urn:request"><a>p:x</a></r>', "<a>p:x</a>"),
        ('<r xmlns:p="urn:request"><p:a>p:x</p:a></r>', '<p:a xmlns:p="urn:request">p:x</p:a>'),
        ('<r xmlns="urn:d"><a/></r>', '<a xmlns="urn:d"/>'),
        ('<r><a xmlns:q="urn:q"><b t="q:x"/></a></r>', '<a xmlns:q="urn:q"><b t="q:x"/></a>'),
        ("<r><a>&lt;b&gt; &amp; c</a></r>", "<a>&lt;b&gt; &amp; c</a>"),
    ],
)
def test_namespaces_that_are_used_are_taken_along(request_: str, document: str) -> None:
    made = written(etree.fromstring(request_)[0], OF_REQUESTS)
    assert made == document
    etree.fromstring(made)


@pytest.mark.parametrize("text", ["a" * 2_000_000, ":" * 2_000_000, "p:" * 1_000_000, "-._" * 700_000])
def test_large_texts_cost_little(text: str) -> None:
    element = etree.fromstring(f'<r xmlns:p="urn:p"><a>{text}</a></r>')[0]
    start = time.monotonic()
    assert text in written(element, OF_REQUESTS)
    assert time.monotonic() - start < 120
