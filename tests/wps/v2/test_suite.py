"""What the OGC suite for WPS 2.0 (ets-wps20) sends, and what it looks at in the answers (reference: standards 2.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.wps.v2.conftest import ECHO, NAMES, Client, Got

HEAD = (
    'xmlns:wps="http://www.opengis.net/wps/2.0" xmlns:ows="http://www.opengis.net/ows/2.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.aw3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.opengis.net/wps/2.0 ../wps.xsd" service="WPS"'
)
CASES = [str.upper, str.lower, str.title]


def execute(content: str, mode: str = "sync", response: str = "document", output: str = "literalOutput") -> str:
    attributes = f'{HEAD} version="2.0.0" response="{response}" mode="{mode}"'
    identifier = f"<ows:Identifier>{ECHO}</ows:Identifier>"
    return f'<wps:Execute {attributes}>\n  {identifier}\n  {content}\n  <wps:Output id="{output}"/>\n</wps:Execute>'


HELLO = (
    '<wps:Input id="literalInput">\n <wps:Data>\n  <wps:LiteralValue>hello_literal</wps:LiteralValue>\n </wps:Data>\n'
    "</wps:Input>"
)
COMPLEX = (
    '<wps:Input id="complexInput">\n <wps:Data>\n  <wps:ComplexData>\n   <testElement>hello_complex</testElement>\n'
    "  </wps:ComplexData>\n </wps:Data>\n</wps:Input>"
)


def last(root: Any, kind: str, data: str) -> str:
    """The id of the last input or output of this kind, as the suite chooses it."""
    found = [item for item in root.iter(f"{{{NAMES['wps']}}}{kind}") if item.find(f"wps:{data}", NAMES) is not None]
    if data == "LiteralData":
        found = [item for item in found if item.findtext(".//ows:DataType", namespaces=NAMES) == "string"]
    return str(found[-1].findtext("ows:Identifier", namespaces=NAMES))


def test_description_leads_the_suite_to_its_inputs(wps: Client) -> None:
    root = wps.get(request="DescribeProcess", identifier=ECHO).root
    assert (last(root, "Input", "LiteralData"), last(root, "Output", "LiteralData")) == (
        "literalInput",
        "literalOutput",
    )
    assert (last(root, "Input", "ComplexData"), last(root, "Output", "ComplexData")) == (
        "complexInput",
        "complexOutput",
    )
    assert list(root.iter(f"{{{NAMES['wps']}}}BoundingBoxData"))


def test_valid_echo_process(wps: Client) -> None:
    assert b"hello_literal" in wps.post(execute(HELLO, response="raw")).content
    raw = wps.post(execute(COMPLEX, response="raw", output="complexOutput"))
    assert etree.fromstring(raw.content).tag == "testElement"
    assert etree.fromstring(raw.content).text == "hello_complex"


@pytest.mark.parametrize("transmission", ["value", "reference"])
def test_output_transmission(wps: Client, transmission: str) -> None:
    body = execute(HELLO).replace('"literalOutput"', f'"literalOutput" transmission="{transmission}"')
    element = {"value": "Data", "reference": "Reference"}[transmission]
    assert wps.post(body).texts(f"wps:Output/wps:{element}/@mimeType")


def test_literal_input_by_reference(wps: Client, files: Path) -> None:
    (files / "vehicle.txt").write_text("vehicle")
    href = (files / "vehicle.txt").as_uri()
    content = f'<wps:Input id="literalInput"><wps:Reference mimeType="text/plain" xlink:href="{href}"/></wps:Input>'
    for transmission, found in (("value", "vehicle"), ("reference", None)):
        body = execute(content).replace('"literalOutput"', f'"literalOutput" transmission="{transmission}"')
        got = wps.post(body)
        assert got.name == "Result"
        assert got.root.findtext("wps:Output/wps:Data/wps:LiteralValue", namespaces=NAMES) == found


def test_unique_identifiers_of_processes_and_jobs(wps: Client) -> None:
    names = wps.get(request="DescribeProcess", identifier="ALL").texts("wps:ProcessOffering/wps:Process/ows:Identifier")
    assert len(set(names)) == len(names) >= 2
    jobs = [wps.post(execute(HELLO, mode="async")).text("wps:JobID") for _ in range(5)]
    assert len(set(jobs)) == 5


def test_capabilities_and_descriptions(wps: Client) -> None:
    assert wps.post(f"<wps:GetCapabilities {HEAD}>\n</wps:GetCapabilities>").name == "Capabilities"
    described = (
        f'<wps:DescribeProcess {HEAD} version="2.0.0"><ows:Identifier>{ECHO}</ows:Identifier></wps:DescribeProcess>'
    )
    assert wps.post(described).name == "ProcessOfferings"
    for case in CASES:
        query = f"{case('service')}=WPS&{case('version')}=2.0.0&{case('request')}="
        assert wps.get(f"{query}GetCapabilities").name == "Capabilities"
        assert wps.get(f"{query}DescribeProcess&{case('identifier')}={ECHO}").name == "ProcessOfferings"


@pytest.mark.parametrize("mode", ["sync", "async", "auto"])
@pytest.mark.parametrize("response", ["document", "raw"])
def test_each_mode_and_response(wps: Client, mode: str, response: str) -> None:
    got = wps.post(execute(HELLO, mode, response))
    assert got.status == 200
    wanted = {"document": "Result", "raw": "LiteralValue"}[response]
    assert got.name == ("StatusInfo" if mode == "async" else wanted)


def test_status_by_xml_and_by_parameters(wps: Client) -> None:
    job_id = wps.post(execute(HELLO, "async")).text("wps:JobID")
    body = f'<wps:GetStatus {HEAD} version="2.0.0"><wps:JobID>{job_id}</wps:JobID></wps:GetStatus>'
    answers = [wps.post(body)]
    answers += [
        wps.get(f"{case('service')}=WPS&{case('version')}=2.0.0&{case('request')}=GetStatus&{case('jobid')}={job_id}")
        for case in CASES
    ]
    assert all(got.text("wps:JobID") == job_id and got.text("wps:Status") for got in answers)


@pytest.mark.parametrize(("response", "element"), [("document", "wps:Output"), ("raw", "self::wps:LiteralValue")])
@pytest.mark.parametrize("by_xml", [True, False])
def test_result_straight_after_the_start(wps: Client, response: str, element: str, by_xml: bool) -> None:
    job_id = wps.post(execute(HELLO, "async", response)).text("wps:JobID")
    if by_xml:
        body = f'<wps:GetResult {HEAD} version="2.0.0"><wps:JobID>{job_id}</wps:JobID></wps:GetResult>'
        got = _at_last(lambda: wps.post(body))
    else:
        wps.wait(job_id)
        got = wps.get(request="GetResult", jobid=job_id)
    assert got.root.xpath(element, namespaces=NAMES) and b"LiteralValue" in got.content


def _at_last(ask: Any) -> Got:
    """The suite asks once; a machine that is busy may need more than the half second that is waited for."""
    for _ in range(60):
        got: Got = ask()
        if got.name != "ExceptionReport":
            return got
        assert got.failure[1] == "ResultNotReady"
    raise AssertionError("there is no result")
