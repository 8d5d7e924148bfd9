"""What strangers send: entities, document types, huge and broken XML, wrong namespaces, random mutations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.wps.v1.conftest import HEAD, Door, Host, content, given, literal, make_door

MUTATIONS = 1000
NOISE = (b"<", b">", b"&", b"\0", b"\xff", b"'", b'"', b"]]>", b"<!--", b"<![CDATA[", b"=", b"%", b";", b"@", b"\xc3")
LAUGHS = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))


def execute(inputs: str, prolog: str = "") -> str:
    return (
        f"{prolog}<wps:Execute {HEAD}><ows:Identifier>echo</ows:Identifier>"
        f"<wps:DataInputs>{inputs}</wps:DataInputs></wps:Execute>"
    )


@pytest.mark.parametrize(
    ("prolog", "text"),
    [
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file://{file}'>]>", "&e;"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM '{url}/secret'>]>", "&e;"),
        ("<!DOCTYPE x SYSTEM '{url}/secret.dtd'>", "m"),
        ("<!DOCTYPE x [<!ENTITY % p SYSTEM '{url}/secret.dtd'> %p;]>", "m"),
        (f"<!DOCTYPE x [<!ENTITY a0 'ha'>{LAUGHS.replace('{', '{{').replace('}', '}}')}]>", "&a9;"),
        ("<!-- --><?p ?>\n<!DOCTYPE x><!-- -->", "m"),
    ],
)
def test_document_types_are_refused_unread(door: Door, host: Host, tmp_path: Path, prolog: str, text: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    seen = len(host.seen)
    body = execute(literal("message", text), prolog.format(file=secret, url=host.url))
    for sent in (body.encode(), b"\xff\xfe" + body.encode("utf-16-le")):
        got = door.post(sent)
        assert got.failure[:2] == (400, "NoApplicableCode")
        assert "secret" not in got.text
    assert len(host.seen) == seen


def test_nobody_follows_inclusions_and_schema_locations(door: Door, host: Host, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    seen = len(host.seen)
    inner = (
        "<x xmlns:xi='http://www.w3.org/2001/XInclude' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
        f"xsi:schemaLocation='urn:x {host.url}/secret.xsd'><xi:include href='file://{secret}' parse='text'/>"
        f"<xi:include href='{host.url}/secret'/></x>"
    )
    got = door.execute(content("document", inner, 'mimeType="application/xml"'))
    assert got.state == "ProcessSucceeded"
    assert "the secret" not in got.text
    assert len(got.output("document")[0]) == 2
    assert len(host.seen) == seen


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n ",
        b"no xml",
        b"<",
        b"<a",
        b"\0\0\0\0",
        b"\xff\xfe",
        b"<a>" * 5000,
        b"<a " + b" ".join(b"a%d='1'" % n for n in range(2000)) + b"/>",
        b"<a a='" + b"x" * 500_000 + b"'/>",
        b"<?xml version='1.0' encoding='nonsense'?><a/>",
        b"<a>&undefined;</a>",
        b"{}",
    ],
)
def test_what_is_no_xml_is_told_so(door: Door, body: bytes) -> None:
    assert door.post(body).failure[:2] == (400, "NoApplicableCode")


def test_a_body_that_is_too_large(door: Door) -> None:
    got = door.post(b"<a>" + b"x" * (51 * 1024 * 1024) + b"</a>")
    assert got.failure[:2] == (413, "FileSizeExceeded")
    text = execute(content("text", "x" * 11_000_000))
    assert door.post(text).failure[:2] == (413, "FileSizeExceeded")


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("<Execute/>", ("InvalidParameterValue", "request")),
        ("<w:Execute xmlns:w='http://www.opengis.net/wps/3.0'/>", ("InvalidParameterValue", "request")),
        ("<w:GetMap xmlns:w='http://www.opengis.net/wps/1.0.0'/>", ("OperationNotSupported", "GetMap")),
        ("<w:execute xmlns:w='http://www.opengis.net/wps/1.0.0'/>", ("OperationNotSupported", "execute")),
        (f"<wps:Execute {HEAD.replace('WPS', 'WFS', 1)}/>", ("InvalidParameterValue", "service")),
        (f"<wps:Execute {HEAD.replace('1.0.0', '3.1', 1)}/>", ("InvalidParameterValue", "version")),
        (
            execute(literal("message", "m")).replace("ows/1.1", "ows/2.0"),
            ("InvalidParameterValue", "Identifier"),
        ),
        (
            execute(
                literal("message", "m").replace("wps:Data", "x:Data").replace("<x:Data", "<x:Data xmlns:x='urn:x'")
            ),
            ("InvalidParameterValue", "message"),
        ),
        (execute(given("message", "<wps:Data/><wps:Reference/>")), ("InvalidParameterValue", "message")),
        (f"<wps:DescribeProcess {HEAD}/>", ("MissingParameterValue", "Identifier")),
        (f"<wps:Execute {HEAD}/>", ("MissingParameterValue", "Identifier")),
    ],
)
def test_wrong_namespaces_and_names(door: Door, body: str, failure: tuple[str, str]) -> None:
    assert door.post(body).failure[1:] == failure


@pytest.mark.parametrize(
    "reference",
    [
        "xlink:href='{url}/word.txt'/>",
        "xlink:href='{url}/word.txt' method='POST'><wps:Body>x</wps:Body></wps:Reference>",
        "xlink:href='{url}/word.txt'><wps:Header key='A' value='b'/></wps:Reference>",
        "xlink:href='http://localhost:{port}/word.txt' method='POST'/>",
        "xlink:href='http://[::ffff:127.0.0.1]:{port}/word.txt'/>",
        "xlink:href='http://a.example/' method='POST'><wps:BodyReference xlink:href='{url}/word.txt'/></wps:Reference>",
    ],
)
def test_addresses_inside_the_network_are_not_read(
    door: Door, host: Host, configuration: dict[str, Any], reference: str
) -> None:
    manager = {**configuration["server"]["manager"], "staging": {}}
    careful = make_door(door.service, {**configuration, "server": {**configuration["server"], "manager": manager}})
    seen = len(host.seen)
    found = reference.format(url=host.url, port=host.url.rpartition(":")[2])
    got = careful.execute(given("message", f"<wps:Reference {found}"))
    assert got.failure == (403, "InvalidParameterValue", "message")
    assert len(host.seen) == seen


def test_files_of_the_server_are_not_read(door: Door) -> None:
    got = door.execute(given("message", "<wps:Reference xlink:href='file:///etc/passwd'/>"))
    assert got.failure == (403, "InvalidParameterValue", "message")
    assert "root:" not in got.text


def test_a_response_from_elsewhere_is_only_json_or_text(door: Door) -> None:
    got = door.post(b'{"inputs": {}}', kind="application/json")
    assert got.failure[:2] == (400, "NoApplicableCode")


def _mutated(body: bytes, chance: random.Random) -> bytes:
    found = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) or 1)
        match chance.randrange(4):
            case 0:
                del found[at : at + chance.randint(1, 20)]
            case 1:
                found[at:at] = chance.choice(NOISE)
            case 2:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                end = at + chance.randint(1, 40)
                found[at:at] = found[at:end]
    return bytes(found)


def test_mutations_are_answered_with_documents(door: Door) -> None:
    chance = random.Random(4)
    inputs = literal("message", "m") + literal("pause", "0") + content("text", "t", 'mimeType="text/plain"')
    bodies = (
        execute(inputs).encode(),
        f"<wps:DescribeProcess {HEAD}><ows:Identifier>echo</ows:Identifier></wps:DescribeProcess>".encode(),
        b"service=WPS&version=1.0.0&request=Execute&identifier=echo&datainputs=message=m;number=1;flag=1@uom=x",
    )
    for number in range(MUTATIONS):
        body = _mutated(bodies[number % 3], chance)
        if number % 3 == 2:
            got = door.send(query_string=body.decode("latin-1"))
        else:
            got = door.post(body)
        assert got.status < 500 or got.status == 501, (number, body, got.text)
        assert got.root is not None, (number, body, got.text)
        if etree.QName(got.root).localname != "ExceptionReport":
            assert got.status == 200
        assert "Traceback" not in got.text and str(Path.cwd()) not in got.text
