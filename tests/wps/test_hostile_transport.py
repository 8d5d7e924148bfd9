"""Broken HTTP to a live server: bodies in pieces, without length, of another length, and headers that make no sense."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.wps.validation import validate

BODY = (
    '<wps:Execute service="WPS" version="{version}" {attributes} xmlns:wps="http://www.opengis.net/wps/{wps}"'
    ' xmlns:ows="http://www.opengis.net/ows/{ows}"><ows:Identifier>echo</ows:Identifier>{inputs}</wps:Execute>'
)
ONE = BODY.format(
    version="1.0.0",
    attributes="",
    wps="1.0.0",
    ows="1.1",
    inputs="<wps:DataInputs><wps:Input><ows:Identifier>message</ows:Identifier><wps:Data><wps:LiteralData>hello"
    "</wps:LiteralData></wps:Data></wps:Input></wps:DataInputs>",
)
TWO = BODY.format(
    version="2.0.0",
    attributes='mode="sync" response="document"',
    wps="2.0",
    ows="2.0",
    inputs='<wps:Input id="message"><wps:Data>hello</wps:Data></wps:Input><wps:Output id="message"/>',
)
VERSIONS = pytest.mark.parametrize(("version", "body"), [("1.0.0", ONE), ("2.0.0", TWO)], ids=["1", "2"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("server"), {"limits": {"body_bytes": 1_000_000}}) as live:
        yield live
        assert "Traceback" not in live.output()


def raw(server: LiveServer, head: str, body: bytes = b"", closing: bool = False) -> tuple[int, bytes]:
    """Status and body of the answer to bytes that no client library would send."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60) as connection:
        text = f"{head}\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(text.encode("latin-1") + body)
        if closing:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(1 << 16):
            received += part
    status = re.match(rb"HTTP/1\.[01] (\d{3})", received)
    return (int(status[1]) if status else 0), received.partition(b"\r\n\r\n")[2]


@VERSIONS
def test_a_body_in_pieces_is_read(server: LiveServer, version: str, body: str) -> None:
    pieces = (body[start : start + 7].encode() for start in range(0, len(body), 7))
    answer = requests.post(f"{server.url}/wps", data=pieces, headers={"Content-Type": "text/xml"}, timeout=60)
    assert answer.status_code == 200 and "hello" in answer.text
    validate(version, answer.content)


def test_a_post_without_length_has_no_body(server: LiveServer) -> None:
    status, content = raw(server, "POST /wps HTTP/1.1\r\nContent-Type: text/xml")
    assert status == 400
    validate("1.0.0", content)
    status, content = raw(server, "POST /wps HTTP/1.0\r\nContent-Type: text/xml", ONE.encode(), closing=True)
    assert status == 400
    validate("1.0.0", content)


@VERSIONS
def test_a_body_that_is_cut_is_refused(server: LiveServer, version: str, body: str) -> None:
    length = len(body) + 100
    status, content = raw(server, f"POST /wps HTTP/1.1\r\nContent-Length: {length}", body.encode()[:-5], closing=True)
    assert status in (0, 400)
    assert b"Traceback" not in content
    status, content = raw(server, f"POST /wps HTTP/1.1\r\nContent-Length: {len(body) - 30}", body.encode())
    assert status == 400
    validate(version, content)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 30, "5, 5"])
def test_lengths_that_are_none_are_refused(server: LiveServer, length: str) -> None:
    status, content = raw(server, f"POST /wps HTTP/1.1\r\nContent-Length: {length}", b"<a/>", closing=True)
    assert status in (0, 400, 413) and b"Traceback" not in content


def test_pieces_that_are_none_are_refused(server: LiveServer) -> None:
    for chunks in (b"zz\r\n<a/>\r\n0\r\n\r\n", b"5\r\n<a/>", b"-1\r\n", b"0\r\n\r\n"):
        status, content = raw(server, "POST /wps HTTP/1.1\r\nTransfer-Encoding: chunked", chunks, closing=True)
        assert status in (0, 400) and b"Traceback" not in content


@VERSIONS
def test_a_body_over_the_limit_is_refused_in_pieces_and_whole(server: LiveServer, version: str, body: str) -> None:
    large = body.replace("hello", "x" * 1_500_000).encode()
    for data in (large, (large[start : start + 100_000] for start in range(0, len(large), 100_000))):
        try:
            answer = requests.post(f"{server.url}/wps", data=data, headers={"Content-Type": "text/xml"}, timeout=60)
        except requests.ConnectionError:
            continue  # the server answered and closed before all was sent
        assert answer.status_code == 413
        assert b"ExceptionReport" in answer.content
    assert server.get("/wps?service=WPS&request=GetCapabilities").status_code == 200


def test_a_compressed_body_is_no_xml(server: LiveServer) -> None:
    answer = server.post("/wps", data=b"\x1f\x8b\x08\0\0\0\0\0", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    validate("1.0.0", answer.content)


@VERSIONS
def test_headers_that_make_no_sense_do_no_harm(server: LiveServer, version: str, body: str) -> None:
    headers = {
        "Content-Type": 'multipart/form-data; boundary="',
        "Accept": ";;q=x",
        "Prefer": "wait=-1, respond-async",
        "Range": "bytes=5-",
        "If-None-Match": "W/",
        "X-HTTP-Method-Override": "DELETE",
        "SOAPAction": '"Execute"',
    }
    answer = server.post("/wps", data=body, headers=headers)
    assert answer.status_code == 200 and "hello" in answer.text
    validate(version, answer.content)


def test_hosts_of_strangers_are_not_repeated(server: LiveServer) -> None:
    for name in ("Host", "X-Forwarded-Host", "Forwarded"):
        value = "host=evil.example" if name == "Forwarded" else "evil.example"
        answer = server.get("/wps?service=WPS&request=GetCapabilities", headers={name: value})
        assert answer.status_code == 200 and "evil.example" not in answer.text


def test_a_very_long_query_is_refused_or_answered(server: LiveServer) -> None:
    status, content = raw(server, f"GET /wps?service=WPS&request=GetCapabilities&a={'x' * 100_000} HTTP/1.1")
    assert status in (400, 414) and b"Traceback" not in content
