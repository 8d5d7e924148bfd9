"""XML of Execute -> values, without a server."""

from __future__ import annotations

import pytest
from lxml import etree

from pygeoapi_oapip.errors import OapipError
from pygeoapi_oapip.wps.terms import (
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
from pygeoapi_oapip.wps.v2 import reader
from tests.wps.v2.conftest import HEAD


def read(content: str, attributes: str = 'mode="auto" response="document"') -> ExecuteAsked:
    body = f"<wps:Execute {HEAD} {attributes}><ows:Identifier> p </ows:Identifier>{content}</wps:Execute>"
    asked = reader.read(etree.fromstring(body))
    assert isinstance(asked, ExecuteAsked)
    return asked


def given(content: str) -> Given:
    ((name, value),) = read(f'<wps:Input id="a">{content}</wps:Input>').inputs
    assert name == "a"
    return value


def test_request_without_inputs_and_outputs() -> None:
    assert read("") == ExecuteAsked("p", form=Form.DOCUMENT, mode=Mode.AUTO, outputs=None)
    assert read("", 'mode=" async " response="raw"').mode is Mode.ASYNC


def test_prefixes_do_not_count() -> None:
    body = (
        '<Execute xmlns="http://www.opengis.net/wps/2.0" xmlns:o="http://www.opengis.net/ows/2.0" service="WPS" '
        'version="2.0.0" mode="sync" response="raw"><o:Identifier>p</o:Identifier><Input id="a"><Data>1</Data></Input>'
        '<Output id="b"/></Execute>'
    )
    wanted = ExecuteAsked("p", (("a", ComplexGiven("1")),), Form.RAW, (OutputAsked("b"),), Mode.SYNC)
    assert reader.read(etree.fromstring(body)) == wanted


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("<wps:Data>a<![CDATA[<b>]]></wps:Data>", ComplexGiven("a<b>")),
        (
            '<wps:Data mimeType="m/t" encoding="base64" schema="s">QQ==</wps:Data>',
            ComplexGiven("QQ==", "m/t", "base64", "s"),
        ),
        ("<wps:Data/>", ComplexGiven("")),
        (
            '<wps:Data><wps:LiteralValue dataType="xs:int" uom="m">1</wps:LiteralValue></wps:Data>',
            LiteralGiven("1", "xs:int", "m"),
        ),
        ('<wps:Data mimeType="a/b"><wps:ComplexData>t</wps:ComplexData></wps:Data>', ComplexGiven("t", "a/b")),
        (
            '<wps:Data mimeType="a/b"><wps:ComplexData mimeType="c/d"><x>1</x></wps:ComplexData></wps:Data>',
            ComplexGiven("<x>1</x>", "c/d"),
        ),
        (
            '<wps:Data><ows:WGS84BoundingBox dimensions="2"><ows:LowerCorner>1 2</ows:LowerCorner>'
            "<ows:UpperCorner>3,4</ows:UpperCorner></ows:WGS84BoundingBox></wps:Data>",
            BoxGiven((1.0, 2.0), (3.0, 4.0), "", 2),
        ),
        (
            '<wps:Reference xlink:href=" http://a.example/?a=1&amp;b=2 " mimeType="m/t" encoding="e" schema="s"/>',
            ReferenceGiven("http://a.example/?a=1&b=2", "m/t", "e", "s"),
        ),
        (
            '<wps:Reference xlink:href="http://a.example"><wps:Body><q a="1"/></wps:Body></wps:Reference>',
            ReferenceGiven("http://a.example", method="POST", body='<q a="1"/>'),
        ),
        (
            '<wps:Reference xlink:href="http://a.example"><wps:Body>a=1</wps:Body></wps:Reference>',
            ReferenceGiven("http://a.example", method="POST", body="a=1"),
        ),
        (
            '<wps:Reference xlink:href="http://a.example"><wps:BodyReference xlink:href="http://b.example"/>'
            "</wps:Reference>",
            ReferenceGiven("http://a.example", method="POST", body_reference="http://b.example"),
        ),
    ],
)
def test_values(content: str, value: Given) -> None:
    assert given(content) == value


def test_outputs() -> None:
    outputs = (
        '<wps:Output id="a" transmission="reference" mimeType="m/t" encoding="base64" schema="s"/>'
        '<wps:Output id="b" wps:transmission="value"/><wps:Output id="c"/>'
    )
    assert read(outputs).outputs == (
        OutputAsked("a", True, "m/t", "base64", "s"),
        OutputAsked("b"),
        OutputAsked("c"),
    )


@pytest.mark.parametrize(
    "content",
    [
        '<wps:Input id="a"><wps:Data><a/><b/></wps:Data></wps:Input>',
        '<wps:Input id="a"><wps:Data><wps:ComplexData><a/><b/></wps:ComplexData></wps:Data></wps:Input>',
        '<wps:Input id="a"><wps:Data><wps:ComplexData>x<a/></wps:ComplexData></wps:Data></wps:Input>',
        '<wps:Input id="a"><wps:Reference xlink:href="h"><wps:Body><a/><b/></wps:Body></wps:Reference></wps:Input>',
        '<wps:Input id="a"><wps:Reference xlink:href=" "/></wps:Input>',
        '<wps:Input id="a">text</wps:Input>',
        '<wps:Input id=" "><wps:Data>x</wps:Data></wps:Input>',
        '<wps:Output id=""/>',
        '<wps:Input id="a"><wps:Data><ows:BoundingBox dimensions="two"><ows:LowerCorner>1 2</ows:LowerCorner>'
        "<ows:UpperCorner>3 4</ows:UpperCorner></ows:BoundingBox></wps:Data></wps:Input>",
        '<wps:Input id="a"><wps:Data><ows:BoundingBox><ows:LowerCorner>1 2</ows:LowerCorner></ows:BoundingBox>'
        "</wps:Data></wps:Input>",
        f'<wps:Input id="a"><wps:Data><ows:BoundingBox dimensions="{"9" * 5000}"><ows:LowerCorner>1 2</ows:LowerCorner>'
        "<ows:UpperCorner>3 4</ows:UpperCorner></ows:BoundingBox></wps:Data></wps:Input>",
    ],
)
def test_what_cannot_be_read_is_refused(content: str) -> None:
    with pytest.raises(OapipError) as caught:
        read(content)
    assert caught.value.status == 400 and caught.value.location


def test_namespaces_that_nobody_uses_are_left_behind() -> None:
    declared = " ".join(f'xmlns:n{number}="urn:n{number}"' for number in range(900))
    inputs = '<wps:Input id="a"><wps:Data><x n="n7:y"/></wps:Data></wps:Input>' * 500
    body = f'<wps:Execute {HEAD} {declared} mode="auto" response="document"><ows:Identifier>p</ows:Identifier>'
    asked = reader.read(etree.fromstring(f"{body}{inputs}</wps:Execute>"))
    assert isinstance(asked, ExecuteAsked) and len(asked.inputs) == 500
    assert {value for _, value in asked.inputs} == {ComplexGiven('<x xmlns:n7="urn:n7" n="n7:y"/>')}
