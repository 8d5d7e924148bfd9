"""The validator itself: what it takes, what it refuses, and that it stays in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from tests.wps import validation
from tests.wps.validation import NotValid, validate

ONE = 'xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"'
TWO = 'xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0"'
STATUS = """<wps:ExecuteResponse {ns} service="WPS" version="1.0.0" xml:lang="en" serviceInstance="http://h/wps">
  <wps:Process wps:processVersion="1.0.0"><ows:Identifier>a</ows:Identifier><ows:Title>A</ows:Title></wps:Process>
  <wps:Status creationTime="2026-01-01T00:00:00Z">{status}</wps:Status></wps:ExecuteResponse>"""
DESCRIPTION = """<wps:ProcessOfferings {ns}>
  <wps:ProcessOffering jobControlOptions="sync-execute" outputTransmission="value reference" processVersion="1.0.0">
    <wps:Process><ows:Title>A</ows:Title><ows:Identifier>a</ows:Identifier>
      <wps:Output><ows:Title>O</ows:Title><ows:Identifier>o</ows:Identifier><wps:LiteralData>
        <wps:Format mimeType="text/plain" default="true"/>
        <{prefix}LiteralDataDomain><ows:AnyValue/></{prefix}LiteralDataDomain>
      </wps:LiteralData></wps:Output></wps:Process></wps:ProcessOffering></wps:ProcessOfferings>"""


def exceptions(version: str, namespace: str) -> bytes:
    return f"""<ows:ExceptionReport xmlns:ows="{namespace}" version="{version}">
      <ows:Exception exceptionCode="NoSuchProcess" locator="identifier"/></ows:ExceptionReport>""".encode()


def test_messages_of_both_versions_are_taken() -> None:
    validate("1.0.0", STATUS.format(ns=ONE, status='<wps:ProcessStarted percentCompleted="50"/>').encode())
    validate("2.0.0", DESCRIPTION.format(ns=TWO, prefix="").encode())
    validate("1.0.0", exceptions("1.0.0", "http://www.opengis.net/ows/1.1"))
    validate("2.0.0", exceptions("2.0.0", "http://www.opengis.net/ows/2.0"))


@pytest.mark.parametrize(
    ("version", "message", "said"),
    [
        ("1.0.0", STATUS.format(ns=ONE, status='<wps:ProcessStarted percentCompleted="100"/>'), "percentCompleted"),
        ("1.0.0", STATUS.format(ns=ONE, status="<wps:Running/>"), "Running"),
        ("1.0.0", STATUS.format(ns=ONE, status="<wps:ProcessAccepted/>").replace(' xml:lang="en"', ""), "lang"),
        ("2.0.0", DESCRIPTION.format(ns=TWO, prefix="wps:"), "LiteralDataDomain"),
        (
            "2.0.0",
            f"<wps:StatusInfo {TWO}><wps:JobID>a</wps:JobID><wps:Status>Done</wps:Status></wps:StatusInfo>",
            "Do",
        ),
        ("2.0.0", f'<wps:Execute {TWO} service="WPS" version="1.0.0" mode="sync" response="raw"/>', "2.0.0"),
        ("2.0.0", exceptions("1.0.0", "http://www.opengis.net/ows/1.1").decode(), "No matching global"),
        ("1.0.0", "<html><body>Internal Server Error</body></html>", "html"),
        ("1.0.0", '{"type": "about:blank"}', "not XML"),
    ],
)
def test_what_is_wrong_is_refused_and_named(version: str, message: str, said: str) -> None:
    with pytest.raises(NotValid, match=said):
        validate(version, message.encode())


def test_the_schemas_are_read_from_their_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "wps").mkdir()
    schema = '<schema xmlns="http://www.w3.org/2001/XMLSchema"><include schemaLocation="{}"/></schema>'
    for address in ("https://example.org/a.xsd", f"file://{__file__}", "../../../etc/passwd"):
        (tmp_path / "wps" / "a.xsd").write_text(schema.format(address))
        with pytest.raises(etree.LxmlError):
            validation._load(tmp_path, "wps/a.xsd")


def test_entities_of_an_answer_are_not_read() -> None:
    secret = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    with pytest.raises(NotValid):
        validate("1.0.0", secret.encode())
