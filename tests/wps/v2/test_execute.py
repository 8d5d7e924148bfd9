"""Execute of 2.0.0: what goes in comes out, in the form that was asked for. Every document is validated."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from pygeoapi_oapip.engines.builtin.wps_echo import DESCRIPTION
from pygeoapi_oapip.model.identity import ANONYMOUS
from pygeoapi_oapip.model.process import JobControl, Process
from pygeoapi_oapip.wiring import Wired
from tests.wps.v2.conftest import BASE, ECHO, HEAD, NAMES, Client, Got

XML = '<a:scene xmlns:a="urn:a" id="&lt;1&gt;"><a:name>M\u00fcnchen &amp; co</a:name></a:scene>'
TIFF = b"II*\x00\x08\x00\x00\x00\xff\xfe\x00"


def data(name: str, content: str, attributes: str = "") -> str:
    return f'<wps:Input id="{name}"><wps:Data {attributes}>{content}</wps:Data></wps:Input>'


def wanted(name: str, attributes: str = "") -> str:
    return f'<wps:Output id="{name}" {attributes}/>'


def literal(text: str = "hello") -> str:
    return data("literalInput", f"<wps:LiteralValue>{text}</wps:LiteralValue>")


OUTPUT = "wps:Output[@id='{}']"
LITERAL = "wps:Output[@id='literalOutput']/wps:Data/wps:LiteralValue"


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("<wps:LiteralValue>hello</wps:LiteralValue>", "hello"),
        ("hello", "hello"),
        ("<![CDATA[a < b & c]]>", "a < b & c"),
        ("<wps:LiteralValue>a &lt; b</wps:LiteralValue>", "a < b"),
        ("<wps:LiteralValue> two  spaces </wps:LiteralValue>", " two  spaces "),
        (
            '<wps:LiteralValue dataType="xs:string">\u6771\u4eac \U0001f6f0</wps:LiteralValue>',
            "\u6771\u4eac \U0001f6f0",
        ),
        ("one<!-- a comment -->two", "onetwo"),
    ],
)
def test_literals(wps: Client, given: str, made: str) -> None:
    got = wps.execute(data("literalInput", given) + wanted("literalOutput"))
    assert (got.status, got.name, got.text(LITERAL)) == (200, "Result", made)
    assert got.texts(f"{LITERAL}/@dataType") == ["http://www.w3.org/2001/XMLSchema#string"]


def test_types_of_literals_come_back(wps: Client) -> None:
    texts = {"number": "0.1", "cloudCover": "20", "flag": "true", "band": "nir", "time": "2024-06-21T10:30:00Z"}
    content = "".join(data(name, text) for name, text in texts.items())
    got = wps.execute(content + "".join(wanted(name) for name in texts), "echo")
    made = {name: got.text(f"wps:Output[@id='{name}']/wps:Data/wps:LiteralValue") for name in texts}
    assert made == texts


def test_repeated_inputs_are_an_array(wps: Client) -> None:
    content = data("names", "a") + data("message", "between") + data("names", "b, c")
    got = wps.execute(content + wanted("names"), "echo")
    assert json.loads(got.text("wps:Output/wps:Data[@mimeType='application/json']")) == ["a", "b, c"]


def test_json_input_is_a_json_output(wps: Client) -> None:
    given = {"value": 281.4, "unit": "K"}
    content = data("measure", json.dumps(given), 'mimeType="application/json"') + data("numbers", "[1, 2, 3]")
    got = wps.execute(content + wanted("measure") + wanted("numbers"), "echo")
    assert json.loads(got.text("wps:Output[@id='measure']/wps:Data")) == given
    assert json.loads(got.text("wps:Output[@id='numbers']/wps:Data")) == [1, 2, 3]


@pytest.mark.parametrize(
    "given", [XML, f"<wps:ComplexData>{XML}</wps:ComplexData>", f"\n  {XML}\n  ", f"<!-- before -->{XML}"]
)
def test_xml_stays_xml(wps: Client, given: str) -> None:
    got = wps.execute(data("complexInput", given) + wanted("complexOutput"))
    scene = got.root.find("wps:Output/wps:Data/{urn:a}scene", NAMES)
    assert (scene.get("id"), scene.findtext("{urn:a}name")) == ("<1>", "M\u00fcnchen & co")
    assert got.texts("wps:Output/wps:Data/@mimeType") == ["application/xml"]


def test_xml_takes_along_the_prefixes_that_its_values_may_use(wps: Client) -> None:
    head = HEAD.replace("xmlns:wps", 'xmlns:gml="urn:gml" xmlns:wps', 1)
    body = f'<wps:Execute {head} mode="sync" response="raw"><ows:Identifier>{ECHO}</ows:Identifier>'
    body += data("complexInput", '<a type="gml:Point"/>') + wanted("complexOutput") + "</wps:Execute>"
    assert wps.post(body).content == b'<a xmlns:gml="urn:gml" type="gml:Point"/>'
    given = data("complexInput", "<a><ows:Title/></a>") + wanted("complexOutput")
    made = wps.execute(given, response="raw").content
    assert made == b'<a xmlns:ows="http://www.opengis.net/ows/2.0"><ows:Title/></a>'


def test_plain_text_as_complex_data(wps: Client) -> None:
    content = data("complexInput", "1 &lt; 2", 'mimeType="text/plain"')
    got = wps.execute(content + wanted("complexOutput", 'mimeType="text/plain"'))
    assert got.text("wps:Output/wps:Data[@mimeType='text/plain']") == "1 < 2"


def test_bytes_travel_in_base64(wps: Client) -> None:
    encoded = base64.b64encode(TIFF).decode()
    content = data("image", encoded, 'mimeType="image/tiff" encoding="base64"')
    got = wps.execute(content + wanted("image"), "echo")
    made = got.text("wps:Output/wps:Data[@encoding='base64' and @mimeType='image/tiff']")
    assert base64.b64decode(made) == TIFF
    raw = wps.execute(content + wanted("image"), "echo", response="raw")
    assert (raw.content, raw.answer.media_type, raw.root) == (TIFF, "image/tiff", None)


def test_text_in_base64_where_it_is_asked_for(wps: Client) -> None:
    content = data("text", "plain text") + wanted("text", 'encoding="base64"')
    made = wps.execute(content, "echo").text("wps:Output/wps:Data[@encoding='base64']")
    assert base64.b64decode(made) == b"plain text"


@pytest.mark.parametrize(
    "crs", ["", ' crs="urn:ogc:def:crs:OGC:1.3:CRS84"', ' crs="EPSG:4326"', ' crs="urn:ogc:def:crs:EPSG::32632"']
)
def test_bounding_boxes(wps: Client, crs: str) -> None:
    box = f'<ows:BoundingBox{crs} dimensions="2"><ows:LowerCorner>11 46.2</ows:LowerCorner>'
    box += "<ows:UpperCorner>11.6 46.6</ows:UpperCorner></ows:BoundingBox>"
    got = wps.execute(data("boundingboxInput", box) + wanted("boundingboxOutput"))
    made = "wps:Output/wps:Data/ows:BoundingBox"
    assert got.text(f"{made}/ows:LowerCorner").split() == ["11.0", "46.2"]
    assert got.text(f"{made}/ows:UpperCorner").split() == ["11.6", "46.6"]
    (name,) = got.texts(f"{made}/@crs")
    assert name.rpartition(":")[2] == (crs.rstrip('"').rpartition(":")[2] or "CRS84")
    raw = wps.execute(data("boundingboxInput", box) + wanted("boundingboxOutput"), response="raw")
    assert etree.fromstring(raw.content).tag == f"{{{NAMES['ows']}}}BoundingBox"


def test_only_outputs_that_are_asked_for(wps: Client) -> None:
    both = literal() + data("complexInput", XML)
    got = wps.execute(both + wanted("complexOutput"))
    assert got.texts("wps:Output/@id") == ["complexOutput"]
    assert wps.execute(both).texts("wps:Output/@id") == ["literalOutput", "complexOutput"]


def test_result_names_a_job_of_ogc_api(wps: Client, wired: Wired) -> None:
    got = wps.execute(literal() + wanted("literalOutput"))
    job = wired.service.job(ANONYMOUS, got.text("wps:JobID"))
    assert (job.process_id, job.status) == (ECHO, "successful")
    assert dict(got.answer.headers)["Link"].startswith(f"<{BASE}/jobs/{job.id}>")
    assert got.text("wps:ExpirationDate") > "2026"
    again = wps.get(request="GetResult", jobid=job.id)
    assert etree.tostring(again.root) == etree.tostring(got.root)


def test_outputs_by_reference(wps: Client) -> None:
    both = literal() + data("complexInput", XML)
    asked = wanted("literalOutput", 'transmission="reference"') + wanted("complexOutput", 'transmission="reference"')
    got = wps.execute(both + asked)
    job_id = got.text("wps:JobID")
    assert got.texts("wps:Output[@id='complexOutput']/wps:Reference/@xlink:href") == [
        f"{BASE}/jobs/{job_id}/results/complexOutput"
    ]
    assert got.texts("wps:Output/wps:Reference/@mimeType") == ["text/plain", "application/xml"]
    one = wps.execute(both + wanted("complexOutput") + wanted("literalOutput", 'wps:transmission="reference"'))
    assert (
        len(one.texts("wps:Output/wps:Reference/@xlink:href")) == len(one.texts("wps:Output/wps:Data/@mimeType")) == 1
    )


@pytest.mark.parametrize("transmission", ["value", "reference"])
def test_raw_is_the_data_itself(wps: Client, transmission: str) -> None:
    asked = f'transmission="{transmission}"'
    got = wps.execute(literal("a &amp; b") + wanted("literalOutput", asked), response="raw")
    assert (got.name, got.root.text, got.answer.media_type) == ("LiteralValue", "a & b", "text/xml; charset=utf-8")
    text = wps.execute(literal("a &amp; b") + wanted("literalOutput", f'mimeType="text/plain" {asked}'), response="raw")
    assert (text.content, text.answer.media_type) == (b"a & b", "text/plain; charset=utf-8")
    xml = wps.execute(data("complexInput", XML) + wanted("complexOutput", asked), response="raw")
    assert etree.fromstring(xml.content).get("id") == "<1>"
    assert xml.answer.media_type == "application/xml"


def test_literal_as_plain_text_in_a_document(wps: Client) -> None:
    got = wps.execute(literal("text") + wanted("literalOutput", 'mimeType="text/plain"'))
    assert got.text("wps:Output/wps:Data[@mimeType='text/plain']") == "text"


def test_inputs_by_reference(wps: Client, files: Path) -> None:
    (files / "text.txt").write_text("by reference\n")
    (files / "scene.xml").write_text(XML)

    def reference(name: str, file: str, attributes: str = "") -> str:
        href = (files / file).as_uri()
        return f'<wps:Input id="{name}"><wps:Reference xlink:href="{href}" {attributes}/></wps:Input>'

    content = reference("literalInput", "text.txt", 'mimeType="text/plain"') + reference("complexInput", "scene.xml")
    got = wps.execute(content + wanted("literalOutput") + wanted("complexOutput"))
    assert got.text(LITERAL) == "by reference"
    assert got.root.find("wps:Output/wps:Data/{urn:a}scene", NAMES) is not None


def test_asynchronous_job_from_start_to_end(wps: Client, wired: Wired) -> None:
    started = wps.execute(literal() + wanted("literalOutput"), mode="async")
    job_id = started.text("wps:JobID")
    assert (started.name, started.text("wps:Status")) == ("StatusInfo", "Accepted")
    assert started.text("wps:NextPoll")
    assert wired.service.job(ANONYMOUS, job_id).id == job_id
    ended = wps.wait(job_id)
    assert (ended.text("wps:Status"), ended.text("wps:PercentCompleted")) == ("Succeeded", "100")
    assert ended.texts("wps:NextPoll") == [] and ended.text("wps:ExpirationDate")
    body = f"<wps:GetResult {HEAD}><wps:JobID>{job_id}</wps:JobID></wps:GetResult>"
    for got in (wps.get(request="GetResult", jobid=job_id), wps.post(body)):
        assert (got.name, got.text(LITERAL)) == ("Result", "hello")


def test_asynchronous_job_that_runs_has_no_result_yet(wps: Client) -> None:
    job_id = wps.execute(literal() + data("pause", "300"), mode="async").text("wps:JobID")
    assert wps.get(request="GetResult", jobid=job_id).failure[:2] == (404, "ResultNotReady")
    running = wps.get(request="GetStatus", jobid=job_id)
    assert running.text("wps:Status") in ("Accepted", "Running")
    assert 0 <= int(running.text("wps:PercentCompleted")) < 100
    wps.get(request="Dismiss", jobid=job_id)


def test_auto_is_what_the_process_prefers(wps: Client) -> None:
    assert wps.execute(literal() + wanted("literalOutput"), mode="auto").name == "Result"


def test_result_of_an_asynchronous_raw_job_is_raw(wps: Client) -> None:
    started = wps.execute(literal() + wanted("literalOutput"), mode="async", response="raw")
    job_id = started.text("wps:JobID")
    wps.wait(job_id)
    got = wps.get(request="GetResult", jobid=job_id)
    assert (got.name, got.root.text) == ("LiteralValue", "hello")


def test_formats_of_an_asynchronous_job_are_those_that_were_asked_for(wps: Client) -> None:
    asked = literal() + wanted("literalOutput", 'mimeType="text/plain"')
    job_id = wps.execute(asked, mode="async", response="raw").text("wps:JobID")
    wps.wait(job_id)
    assert wps.get(request="GetResult", jobid=job_id).content == b"hello"
    asked = data("complexInput", XML) + wanted("complexOutput", 'mimeType="text/xml" encoding="base64"')
    job_id = wps.execute(asked, mode="async").text("wps:JobID")
    wps.wait(job_id)
    made = wps.get(request="GetResult", jobid=job_id).text("wps:Output/wps:Data[@encoding='base64']")
    assert base64.b64decode(made).startswith(b"<a:scene")


def test_job_that_takes_longer_than_a_request_may_goes_on(wps: Client) -> None:
    hasty = Client(wps.service, replace(wps.options, max_wait=0.3))
    got = hasty.execute(literal() + data("pause", "300"))
    assert got.failure[1] == "NoApplicableCode"
    (job_id,) = re.findall(r"job ([0-9a-f-]{36})", got.text("ows:Exception/ows:ExceptionText"))
    assert wps.get(request="GetStatus", jobid=job_id).text("wps:Status") in ("Accepted", "Running")
    assert wps.get(request="Dismiss", jobid=job_id).text("wps:Status") == "Dismissed"


def test_mode_that_the_process_does_not_have(wps: Client) -> None:
    class OnlySynchronous:
        def process(self, principal: object, process_id: str) -> Process:
            return replace(DESCRIPTION, job_control=(JobControl.SYNC,))

    service: Any = OnlySynchronous()
    got = Client(service, wps.options).execute(literal(), mode="async")
    assert got.failure == (400, "NoSuchMode", "async")


def test_dismissed_job(wps: Client) -> None:
    job_id = wps.execute(literal() + data("pause", "300"), mode="async").text("wps:JobID")
    body = f"<wps:Dismiss {HEAD}><wps:JobID>{job_id}</wps:JobID></wps:Dismiss>"
    got = wps.post(body)
    assert (got.name, got.text("wps:JobID"), got.text("wps:Status")) == ("StatusInfo", job_id, "Dismissed")
    assert wps.wait(job_id).text("wps:Status") == "Dismissed"
    assert wps.get(request="GetResult", jobid=job_id).name == "ExceptionReport"
    ended = wps.execute(literal()).text("wps:JobID")
    assert wps.get(request="Dismiss", jobid=ended).text("wps:Status") == "Dismissed"
    assert wps.get(request="GetStatus", jobid=ended).failure == (404, "NoSuchJob", "jobID")


def test_failed_job_says_why(wps: Client) -> None:
    content = data("message", "x") + data("fail", "true")
    failed = wps.execute(content, "echo")
    assert failed.failure[1] == "NoApplicableCode"
    assert "fails as it was asked to" in failed.text("ows:Exception/ows:ExceptionText")
    job_id = wps.execute(content, "echo", mode="async").text("wps:JobID")
    assert wps.wait(job_id).text("wps:Status") == "Failed"
    assert wps.get(request="GetResult", jobid=job_id).failure == failed.failure


def test_job_of_ogc_api_has_a_status_and_a_result(wps: Client, wired: Wired) -> None:
    from pygeoapi_oapip.operations import Preference

    body: Any = {"inputs": {"message": "by OGC API", "number": 1}}
    done = wired.service.execute(ANONYMOUS, "echo", body, Preference(wait=30))
    assert wps.wait(done.job.id).text("wps:Status") == "Succeeded"
    got: Got = wps.get(request="GetResult", jobid=done.job.id)
    assert got.texts("wps:Output/wps:Data/wps:LiteralValue") == ["by OGC API", "1"]
