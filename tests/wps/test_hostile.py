"""Both versions against hostile requests, with the rules for references as they are by default.

A listening socket is the witness that nothing goes out; every answer is valid and in the version that was asked for.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from pygeoapi_oapip.wiring import Wired, default_configuration, wire
from tests.wps.v1.conftest import Door, Got, make_door
from tests.wps.validation import validate

ONE = 'xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"'
TWO = 'xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
REPORTS = {
    "1.0.0": "{http://www.opengis.net/ows/1.1}ExceptionReport",
    "2.0.0": "{http://www.opengis.net/ows/2.0}ExceptionReport",
}
ECHO = "org.n52.javaps.test.EchoProcess"
MUTATIONS = 1000
LEAKS = re.compile(r"Traceback|/(work|root|home|tmp|usr|etc|var|proc)/|site-packages|\.py\b|0x[0-9a-f]{8}")


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wired, dict[str, Any]]]:
    configuration = default_configuration("http://localhost:5000", tmp_path_factory.mktemp("hostile"))
    made = wire(configuration)
    made.start_background()
    yield made, configuration
    made.close()


@pytest.fixture(scope="module")
def door(wired: tuple[Wired, dict[str, Any]]) -> Door:
    return make_door(wired[0].service, wired[1])


@pytest.fixture
def witness() -> Iterator[str]:
    """An address of this machine; the test fails if anything connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listening.accept()


def one(inner: str, prolog: str = "", form: str = "") -> str:
    return (
        f'{prolog}<wps:Execute service="WPS" version="1.0.0" {ONE} {XLINK}><ows:Identifier>{ECHO}</ows:Identifier>'
        f"<wps:DataInputs>{inner}</wps:DataInputs>{form}</wps:Execute>"
    )


def two(inner: str, prolog: str = "", attributes: str = 'mode="sync" response="document"') -> str:
    return (
        f'{prolog}<wps:Execute service="WPS" version="2.0.0" {attributes} {TWO} {XLINK}>'
        f'<ows:Identifier>{ECHO}</ows:Identifier>{inner}<wps:Output id="literalOutput"/></wps:Execute>'
    )


def input_one(data: str) -> str:
    return f"<wps:Input><ows:Identifier>literalInput</ows:Identifier>{data}</wps:Input>"


def input_two(data: str) -> str:
    return f'<wps:Input id="literalInput">{data}</wps:Input>'


LITERAL_1 = input_one("<wps:Data><wps:LiteralData>a</wps:LiteralData></wps:Data>")
LITERAL_2 = input_two("<wps:Data>a</wps:Data>")


def refused(got: Got, version: str, own: str = "") -> tuple[str, str]:
    """Code and locator of an exception report in a version, after a look for what it must not tell.

    Args:
        own: a text of the request, which the answer may repeat.
    """
    assert got.status in (400, 403, 404, 405, 413, 501), got.text
    assert got.root is not None and got.root.tag == REPORTS[version], got.text
    validate(version, got.response.data)
    assert not LEAKS.search(got.text.replace(own, "") if own else got.text), got.text
    exception = got.root[0]
    return exception.get("exceptionCode"), exception.get("locator") or ""


def test_both_requests_that_the_others_are_made_of_are_good(door: Door) -> None:
    for body in (one(LITERAL_1), two(LITERAL_2)):
        assert door.post(body).status == 200


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/secret">]>',
        '<!DOCTYPE x SYSTEM "{url}/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "{url}/x.dtd"> %p;]>',
        '<!DOCTYPE x [<!ENTITY e "' + "a" * 2_000 + '">]>',
    ],
)
def test_document_types_are_refused_in_the_version_of_the_request(door: Door, witness: str, prolog: str) -> None:
    head = prolog.format(url=witness)
    for version, body in (("1.0.0", one(LITERAL_1, head)), ("2.0.0", two(LITERAL_2, head))):
        text = body.replace(">a<", ">&e;<")
        assert refused(door.post(text), version)[0] == "NoApplicableCode"
        wide = door.post(b"\xff\xfe" + text.encode("utf-16-le"))
        assert wide.status == 400 and wide.root.tag in REPORTS.values()


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_schemas_and_inclusions_are_not_followed(door: Door, witness: str, version: str) -> None:
    inner = (
        '<x xmlns:xi="http://www.w3.org/2001/XInclude" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="urn:x {witness}/x.xsd" xsi:noNamespaceSchemaLocation="{witness}/y.xsd">'
        f'<xi:include href="file:///etc/passwd" parse="text"/><xi:include href="{witness}/z"/></x>'
    )
    if version == "1.0.0":
        data = (
            f'<wps:Data><wps:ComplexData mimeType="text/xml" schema="{witness}/s">{inner}</wps:ComplexData></wps:Data>'
        )
        body = one(f"<wps:Input><ows:Identifier>complexInput</ows:Identifier>{data}</wps:Input>")
    else:
        data = f'<wps:Data mimeType="text/xml" schema="{witness}/s">{inner}</wps:Data>'
        body = two(f'<wps:Input id="complexInput">{data}</wps:Input>').replace("literalOutput", "complexOutput")
    got = door.post(body)
    assert got.status == 200 and "xi:include" in got.text and "root:" not in got.text


REFERENCES = [
    'xlink:href="{url}/a"/>',
    'xlink:href="{url}/a"><wps:Body>b</wps:Body></wps:Reference>',
    'xlink:href="{url}/a"><wps:BodyReference xlink:href="{url}/b"/></wps:Reference>',
    'xlink:href="http://example.invalid/a"><wps:BodyReference xlink:href="{url}/b"/></wps:Reference>',
    'xlink:href="http://localhost:{port}/a"/>',
    'xlink:href="http://127.1:{port}/a"/>',
    'xlink:href="http://2130706433:{port}/a"/>',
    'xlink:href="http://0x7f.0.0.1:{port}/a"/>',
    'xlink:href="http://0:{port}/a"/>',
    'xlink:href="http://[::1]:{port}/a"/>',
    'xlink:href="http://[::ffff:127.0.0.1]:{port}/a"/>',
    'xlink:href="http://user:pass@127.0.0.1:{port}/a"/>',
    'xlink:href="http://169.254.169.254/latest/meta-data"/>',
    'xlink:href="http://10.0.0.1/"/>',
    'xlink:href="file:///etc/passwd"/>',
    'xlink:href="FILE:/etc/passwd"/>',
    'xlink:href="/etc/passwd"/>',
    'xlink:href="ftp://127.0.0.1:{port}/a"/>',
    'xlink:href="gopher://127.0.0.1:{port}/a"/>',
    'xlink:href="jar:{url}!/a"/>',
    'xlink:href="data:text/plain,a"/>',
    'xlink:href="http://"/>',
    'xlink:href="http://[/"/>',
    'xlink:href=""/>',
]


@pytest.mark.parametrize("reference", REFERENCES)
def test_references_to_the_inside_are_refused(door: Door, witness: str, reference: str) -> None:
    element = f"<wps:Reference {reference.format(url=witness, port=witness.rpartition(':')[2])}"
    address = element.split('"')[1]
    code, locator = refused(door.post(one(input_one(element))), "1.0.0", address)
    assert code in ("InvalidParameterValue", "MissingParameterValue") and locator == "literalInput"
    code, locator = refused(door.post(two(input_two(element))), "2.0.0", address)
    assert code in ("DataNotAccessible", "MissingParameterValue", "WrongInputData") and locator == "literalInput"


BODIES = {
    "no xml": (b"hello", "1.0.0", "NoApplicableCode"),
    "json": (b'{"inputs": {}}', "1.0.0", "NoApplicableCode"),
    "foreign root": (b"<a/>", "1.0.0", "InvalidParameterValue"),
    "soap": (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
        "1.0.0",
        "InvalidParameterValue",
    ),
    "old namespace": (
        b'<w:Execute xmlns:w="http://www.opengeospatial.net/wps" service="WPS" version="0.4.0"/>',
        "1.0.0",
        "InvalidParameterValue",
    ),
    "namespace of a draft": (
        b'<w:Execute xmlns:w="http://www.opengis.net/wps/2.0.0" service="WPS" version="2.0.0"/>',
        "2.0.0",
        "InvalidParameterValue",
    ),
    "answer as request": (f'<wps:Capabilities service="WPS" {TWO}/>'.encode(), "2.0.0", "OperationNotSupported"),
    "unknown in 1": (f'<wps:GetMap service="WPS" version="1.0.0" {ONE}/>'.encode(), "1.0.0", "OperationNotSupported"),
    "GetStatus in 1": (
        f'<wps:GetStatus service="WPS" version="1.0.0" {ONE}/>'.encode(),
        "1.0.0",
        "OperationNotSupported",
    ),
    "unknown in 2": (f'<wps:GetMap service="WPS" version="2.0.0" {TWO}/>'.encode(), "2.0.0", "OperationNotSupported"),
    "1 in 2": (two(LITERAL_2).replace('version="2.0.0"', 'version="1.0.0"').encode(), "2.0.0", "InvalidParameterValue"),
    "version of none": (two(LITERAL_2).replace('"2.0.0"', '"3.0.0"').encode(), "2.0.0", "InvalidParameterValue"),
    "other service": (two(LITERAL_2).replace('"WPS"', '"WFS"').encode(), "2.0.0", "InvalidParameterValue"),
    "1 for other service": (one(LITERAL_1).replace('"WPS"', '"WFS"').encode(), "1.0.0", "InvalidParameterValue"),
    "OWS of 1 in 2": (two(LITERAL_2).replace("ows/2.0", "ows/1.1").encode(), "2.0.0", "MissingParameterValue"),
    "inputs of 1 in 2": (two(LITERAL_1).encode(), "2.0.0", "MissingParameterValue"),
    "inputs of 2 in 1": (one(LITERAL_2).encode(), "1.0.0", "MissingParameterValue"),
    "data twice": (two(input_two("<wps:Data>a</wps:Data><wps:Data>b</wps:Data>")).encode(), "2.0.0", "WrongInputData"),
    "unknown input": (
        two(LITERAL_2.replace("literalInput", "../../x")).encode(),
        "2.0.0",
        "NoSuchInput",
    ),
    "unknown process": (one(LITERAL_1).replace(ECHO, "../x").encode(), "1.0.0", "InvalidParameterValue"),
    "unknown process in 2": (two(LITERAL_2).replace(ECHO, "../x").encode(), "2.0.0", "NoSuchProcess"),
    "latin-1 as utf-8": (two(LITERAL_2).replace(">a<", ">\xe4<").encode("latin-1"), "2.0.0", "NoApplicableCode"),
    "declared utf-16": (
        b'<?xml version="1.0" encoding="utf-16"?>' + two(LITERAL_2).encode(),
        "2.0.0",
        "NoApplicableCode",
    ),
    "cut": (two(LITERAL_2).encode()[:-20], "2.0.0", "NoApplicableCode"),
}


@pytest.mark.parametrize(("body", "version", "code"), BODIES.values(), ids=list(BODIES))
def test_wrong_bodies_are_refused_with_code_and_version(door: Door, body: bytes, version: str, code: str) -> None:
    assert refused(door.post(body), version)[0] == code


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings_that_are_declared_are_read(door: Door, encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    for make, data in ((one, LITERAL_1), (two, LITERAL_2)):
        text = make(data.replace(">a<", ">Ötztal<"), f'<?xml version="1.0" encoding="{declared}"?>')
        assert "Ötztal" in door.post(text.encode(encoding)).text


KVP = [
    ("", "1.0.0", "MissingParameterValue", "service"),
    ("service=WPS", "1.0.0", "MissingParameterValue", "request"),
    ("service=WMS&request=GetCapabilities", "1.0.0", "InvalidParameterValue", "service"),
    ("service=WPS&request=GetMap", "1.0.0", "OperationNotSupported", "GetMap"),
    ("service=WPS&version=2.0.0&request=GetMap", "2.0.0", "OperationNotSupported", "GetMap"),
    ("service=WPS&version=1.0.0&request=GetStatus&jobid=x", "1.0.0", "OperationNotSupported", "GetStatus"),
    ("service=WPS&version=9&request=DescribeProcess&identifier=echo", "1.0.0", "InvalidParameterValue", "version"),
    ("service=WPS&version=9&request=GetCapabilities", "1.0.0", "VersionNegotiationFailed", "version"),
    ("service=WPS&acceptversions=9,8&request=GetCapabilities", "1.0.0", "VersionNegotiationFailed", "AcceptVersions"),
    ("service=WPS&service=WFS&request=GetCapabilities", "1.0.0", "InvalidParameterValue", "service"),
    ("service=WPS&request=GetCapabilities&REQUEST=Execute", "1.0.0", "InvalidParameterValue", "REQUEST"),
    ("service=WPS&request=Get%00Capabilities", "1.0.0", "OperationNotSupported", "*"),
    ("service=WPS&request=%ff%fe", "1.0.0", "InvalidParameterValue", "*"),
    ("service=WPS&request=GetCapabilities&" + "a=b&" * 2000, "1.0.0", "InvalidParameterValue", "*"),
    ("service=WPS&version=2.0.0&request=Dismiss&jobid=..%2f..%2fetc", "2.0.0", "NoSuchJob", "jobID"),
    (
        "service=WPS&version=1.0.0&request=DescribeProcess&identifier=%3Cscript%3E",
        "1.0.0",
        "InvalidParameterValue",
        "Identifier",
    ),
]


@pytest.mark.parametrize(("query", "version", "code", "locator"), KVP)
def test_wrong_parameters_are_refused(door: Door, query: str, version: str, code: str, locator: str) -> None:
    found = refused(door.send(query_string=query), version)
    assert found[0] == code and locator in ("*", found[1])


@pytest.mark.parametrize(
    "query",
    [
        "SERVICE=WPS&REQUEST=GetCapabilities",
        "sErViCe=wps&rEqUeSt=getcapabilities",
        "service=WPS&request=GetCapabilities&service=WPS",
        "service=WPS&request=GetCapabilities&acceptversions=9.9.9,1.0.0",
        "service=WPS&request=GetCapabilities&vendor=%F0%9F%98%80&=x&y",
        "&&service=WPS&&request=GetCapabilities&",
    ],
)
def test_odd_but_right_parameters_are_taken(door: Door, query: str) -> None:
    assert door.send(query_string=query).root.tag.endswith("}Capabilities")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND", "TRACE"])
def test_other_methods_are_refused(door: Door, method: str) -> None:
    got = door.send(method=method, query_string="service=WPS&request=GetCapabilities")
    refused(got, "1.0.0")
    assert got.status == 405 and got.response.headers["Allow"]


@pytest.mark.parametrize("path", ["/wps/status/..", "/wps/status/%2e%2e%2fx", "/wps/status/%00", "/wps/status/x/y"])
def test_status_documents_that_are_not_there(door: Door, path: str) -> None:
    refused(door.send(path), "1.0.0")


@pytest.mark.parametrize("kind", ["", "application/json", "text/xml; charset=nonsense", "a/b\r\nX-Evil: 1", "x" * 5000])
def test_the_content_type_of_xml_does_not_matter(door: Door, kind: str) -> None:
    got = door.send(method="POST", data=two(LITERAL_2), environ_overrides={"CONTENT_TYPE": kind})
    assert got.status == 200 and "X-Evil" not in got.response.headers


NOISE = (
    b"<",
    b">",
    b"&",
    b"\0",
    b"\xff",
    b"'",
    b'"',
    b"]]>",
    b"<!--",
    b"<![CDATA[",
    b"=",
    b"%",
    b"2.0",
    b"1.0.0",
    b"\xc3",
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    found = bytearray(body)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(found) or 1)
        kind = chance.randrange(4)
        if kind == 0:
            del found[at : at + chance.randint(1, 20)]
        elif kind == 1:
            found[at:at] = chance.choice(NOISE)
        elif kind == 2:
            found[at : at + 1] = bytes([chance.randrange(256)])
        else:
            found[at:at] = found[at : at + chance.randint(1, 40)]
    return bytes(found)


def version_of(body: bytes) -> str | None:
    """The version of a document that can be read."""
    try:
        tag = etree.fromstring(body).tag
    except (etree.XMLSyntaxError, ValueError):
        return None
    return {"{http://www.opengis.net/wps/1.0.0": "1.0.0", "{http://www.opengis.net/wps/2.0": "2.0.0"}.get(
        str(tag).rpartition("}")[0]
    )


def test_mutations_of_both_versions_are_answered_in_theirs(door: Door, witness: str) -> None:
    chance = random.Random(20)
    job = door.post(two(LITERAL_2, attributes='mode="async" response="document"')).root[0].text
    corners = "<ows:LowerCorner>1 2</ows:LowerCorner><ows:UpperCorner>3 4</ows:UpperCorner>"
    box = f"<wps:Data><ows:BoundingBox>{corners}</ows:BoundingBox></wps:Data>"
    xml = [
        two(LITERAL_2 + f'<wps:Input id="boundingboxInput">{box}</wps:Input>'),
        two(input_two(f'<wps:Reference xlink:href="{witness}/a"><wps:Body>b</wps:Body></wps:Reference>')),
        two('<wps:Input id="complexInput"><wps:Data mimeType="text/xml"><a b="c">d</a></wps:Data></wps:Input>'),
        f'<wps:GetStatus service="WPS" version="2.0.0" {TWO}><wps:JobID>{job}</wps:JobID></wps:GetStatus>',
        f'<wps:GetResult service="WPS" version="2.0.0" {TWO}><wps:JobID>{job}</wps:JobID></wps:GetResult>',
        f'<wps:DescribeProcess service="WPS" version="2.0.0" {TWO}><ows:Identifier>{ECHO}</ows:Identifier>'
        "</wps:DescribeProcess>",
        f'<wps:GetCapabilities service="WPS" {TWO}><ows:AcceptVersions><ows:Version>2.0.0</ows:Version>'
        "</ows:AcceptVersions></wps:GetCapabilities>",
        one(LITERAL_1),
    ]
    queries = [
        f"service=WPS&version=2.0.0&request=GetStatus&jobid={job}",
        f"service=WPS&version=1.0.0&request=Execute&identifier={ECHO}&datainputs=literalInput=a&rawdataoutput=literalOutput",
    ]
    for number in range(MUTATIONS):
        place = number % (len(xml) + len(queries))
        if place < len(xml):
            body = mutated(xml[place].encode(), chance)
            got, version = door.post(body), version_of(body)
        else:
            body = mutated(queries[place - len(xml)].encode(), chance)
            got, version = door.send(query_string=body.decode("latin-1")), None
        told = f"{number}: {body!r}\n{got.status} {got.text[:2000]}"
        assert got.status < 500 or got.status == 501, told
        if got.status != 200:
            assert got.root is not None and got.root.tag in REPORTS.values(), told
            assert version is None or got.root.tag == REPORTS[version], told
            assert not LEAKS.search(got.root[0].findtext("{*}ExceptionText", "")), told
