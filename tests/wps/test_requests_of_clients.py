"""Requests as other people's clients send them (`requests/`), to a live server; every answer is valid."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from lxml import etree

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.web_folder import web_folder
from tests.wps.validation import validate

HERE = Path(__file__).parent
ECHO = "org.n52.javaps.test.EchoProcess"
NAMES = {
    "wps": "http://www.opengis.net/wps/1.0.0",
    "ows": "http://www.opengis.net/ows/1.1",
    "wps2": "http://www.opengis.net/wps/2.0",
    "ows2": "http://www.opengis.net/ows/2.0",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("host")
    (folder / "lines.txt").write_text("one\ntwo\nthree\n")
    with web_folder(folder) as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    manager = {"staging": {"allow_internal": True}, "packages": [str(HERE / "packages")]}
    with LiveServer(tmp_path_factory.mktemp("server"), manager) as live:
        yield live


Send = Callable[..., requests.Response]


@pytest.fixture
def send(server: LiveServer, host: str) -> Send:
    """Posts a stored request, with `job` in it."""

    def post(name: str, job: str = "", query: str = "") -> requests.Response:
        text = (HERE / "requests" / f"{name}.xml").read_text(encoding="utf-8")
        body = text.replace("{host}", host).replace("{job}", job).encode()
        return server.post(f"/wps{query}", data=body, headers={"Content-Type": "text/xml"})

    return post


def one(root: etree._Element, path: str) -> etree._Element:
    found = root.xpath(path, namespaces=NAMES)
    assert len(found) == 1, etree.tostring(root).decode()
    return found[0]


def document(version: str, answer: requests.Response) -> etree._Element:
    assert answer.status_code == 200, answer.text
    assert "xml" in answer.headers["Content-Type"]
    return validate(version, answer.content)


def ended(server: LiveServer, answer: requests.Response) -> etree._Element:
    """The status document of WPS 1.0.0 when the job has ended."""
    location = str(document("1.0.0", answer).get("statusLocation"))
    deadline = time.monotonic() + 240
    while True:
        root = document("1.0.0", requests.get(location, timeout=240))
        if root.xpath("//wps:ProcessSucceeded | //wps:ProcessFailed", namespaces=NAMES):
            return root
        assert time.monotonic() < deadline, etree.tostring(root).decode()
        time.sleep(0.1)


def literal(root: etree._Element, output: str) -> str:
    return str(one(root, f'//wps:Output[ows:Identifier="{output}"]/wps:Data/wps:LiteralData').text)


def test_ows4r_gets_the_output_that_it_asks_for(send: Send) -> None:
    root = document("1.0.0", send("ows4r-execute", query="?service=WPS"))
    assert float(literal(root, "mean")) == 5.0
    assert len(root.xpath("//wps:ProcessOutputs/wps:Output", namespaces=NAMES)) == 1


def test_ows4r_follows_a_job(send: Send, server: LiveServer) -> None:
    root = ended(server, send("ows4r-execute-async", query="?service=WPS"))
    assert literal(root, "lines") == "2"
    assert one(root, "//wps:DataInputs/wps:Input/wps:Data/wps:ComplexData").text == "a\nb"
    assert one(root, "//wps:OutputDefinitions/wps:Output/ows:Identifier").text == "lines"


def test_ows4r_reads_the_names_of_operations_and_the_version_with_its_prefix(server: LiveServer) -> None:
    answer = server.get("/wps?service=WPS&version=1.0.0&request=GetCapabilities")
    root = document("1.0.0", answer)
    assert set(root.xpath("//ows:Operation/@name", namespaces=NAMES)) == {
        "GetCapabilities",
        "DescribeProcess",
        "Execute",
    }
    assert 'wps:processVersion="' in answer.text


def test_qgis_gets_all_outputs_where_it_names_none(send: Send, server: LiveServer) -> None:
    root = ended(server, send("qgis-execute"))
    names = root.xpath("//wps:ProcessOutputs/wps:Output/ows:Identifier/text()", namespaces=NAMES)
    assert set(names) == {"lines", "mean", "said", "names", "table", "map"}
    assert literal(root, "lines") == "2"
    image = one(root, '//wps:Output[ows:Identifier="map"]/wps:Data/wps:ComplexData')
    assert image.get("encoding") == "base64" and base64.b64decode(image.text).startswith(b"II*\0")


def test_qgis_finds_an_abstract_at_every_process(server: LiveServer) -> None:
    root = document("1.0.0", server.get("/wps?service=WPS&version=1.0.0&request=GetCapabilities"))
    processes = root.xpath("//wps:Process", namespaces=NAMES)
    assert processes and all(one(item, "ows:Abstract").text.strip() for item in processes)
    described = document("1.0.0", server.get("/wps?service=WPS&version=1.0.0&request=DescribeProcess&identifier=all"))
    assert len(described) == len(processes)
    assert all(one(item, "ows:Abstract").text.strip() for item in described)


def test_qgis_sends_boxes_without_crs_geotiff_in_base64_and_gml(send: Send) -> None:
    root = document("1.0.0", send("qgis-sourcepole-execute"))
    reference = one(root, '//wps:Output[ows:Identifier="image"]/wps:Reference')
    assert reference.get("mimeType") == "image/tiff; subtype=geotiff"
    assert requests.get(reference.get("href"), timeout=240).content == base64.b64decode("SUkqAAgAAAA=")
    box = one(root, '//wps:Output[ows:Identifier="bbox"]/wps:Data/wps:BoundingBoxData')
    assert [float(part) for part in one(box, "ows:LowerCorner").text.split()] == [11.0, 46.2]


def job_of(answer: requests.Response) -> str:
    return str(one(document("2.0.0", answer), "/wps2:StatusInfo/wps2:JobID").text)


def result(server: LiveServer, job: str) -> requests.Response:
    server.ended(job)
    return server.get(f"/wps?service=WPS&version=2.0.0&request=GetResult&jobId={job}")


def test_wps_js_asks_for_status_and_result_of_a_job(send: Send, server: LiveServer) -> None:
    job = job_of(send("wps-js-execute"))
    status = document("2.0.0", server.get(f"/wps?service=WPS&version=2.0.0&request=GetStatus&jobId={job}"))
    assert one(status, "wps2:Status").text in ("Accepted", "Running", "Succeeded")
    root = document("2.0.0", result(server, job))
    assert one(root, 'wps2:Output[@id="lines"]/wps2:Data/wps2:LiteralValue').text == "3"
    href = one(root, 'wps2:Output[@id="table"]/wps2:Reference').get("{http://www.w3.org/1999/xlink}href")
    assert requests.get(href, timeout=240).text == "1,one\n2,two\n3,three\n"


@pytest.mark.parametrize(
    "query",
    [
        "Service=WPS&Version=2.0.0&Request={}",
        "SERVICE=WPS&VERSION=2.0.0&REQUEST={}",
        "service=WPS&version=2.0.0&request={}",
    ],
)
def test_the_suite_asks_in_any_case(server: LiveServer, query: str) -> None:
    capabilities = document("2.0.0", server.get("/wps?" + query.format("GetCapabilities")))
    assert capabilities.tag == "{http://www.opengis.net/wps/2.0}Capabilities"
    described = document("2.0.0", server.get(f"/wps?{query.format('DescribeProcess')}&Identifier={ECHO}"))
    for kind in ("LiteralData", "ComplexData", "BoundingBoxData"):
        assert described.xpath(f"//wps2:Input/wps2:{kind}", namespaces=NAMES)
    every = document("2.0.0", server.get(f"/wps?{query.format('DescribeProcess')}&Identifier=ALL"))
    names = every.xpath("//wps2:Process/ows2:Identifier/text()", namespaces=NAMES)
    assert ECHO in names and len(names) == len(set(names))


def test_the_suite_asks_by_post(send: Send) -> None:
    assert document("2.0.0", send("ogc-suite-capabilities")).tag == "{http://www.opengis.net/wps/2.0}Capabilities"
    assert document("2.0.0", send("ogc-suite-describe")).tag == "{http://www.opengis.net/wps/2.0}ProcessOfferings"


@pytest.mark.parametrize("query", ["Service=WMS&Version=2.0.0", "Service=WPS&Version=3.0.0"])
def test_the_suite_wants_other_services_and_versions_refused(server: LiveServer, query: str) -> None:
    answer = server.get(f"/wps?{query}&Request=GetCapabilities")
    assert answer.status_code == 400 and b"ExceptionReport" in answer.content


def test_the_suite_gets_its_echo_raw(send: Send) -> None:
    assert "hello_literal" in send("ogc-suite-echo-literal").text
    root = etree.fromstring(send("ogc-suite-echo-complex").content)
    assert root.tag == "testElement" and root.text == "hello_complex"


def test_the_suite_gets_documents(send: Send) -> None:
    for name in ("sync", "input-reference"):
        assert one(document("2.0.0", send(f"ogc-suite-{name}")), "/wps2:Result/wps2:Output/wps2:Data") is not None
    root = document("2.0.0", send("ogc-suite-output-reference"))
    href = one(root, "/wps2:Result/wps2:Output/wps2:Reference").get("{http://www.w3.org/1999/xlink}href")
    assert "hello_complex" in requests.get(href, timeout=240).text
    assert document("2.0.0", send("ogc-suite-auto")).tag.endswith(("}Result", "}StatusInfo"))


def at_once(send: Send, name: str) -> tuple[str, requests.Response]:
    """A job, and the answer to GetResult straight after its start; of several, as a busy machine may be too late."""
    for _ in range(10):
        job = job_of(send(name))
        answer = send("ogc-suite-GetResult", job)
        if answer.ok:
            break
    return job, answer


def test_the_suite_asks_for_a_result_at_once(send: Send) -> None:
    """It does not poll: a short job has ended when its StatusInfo is answered, or GetResult waits for it."""
    job, answer = at_once(send, "ogc-suite-async")
    assert one(document("2.0.0", answer), "/wps2:Result/wps2:Output/wps2:Data") is not None
    assert one(document("2.0.0", send("ogc-suite-GetStatus", job)), "wps2:Status").text == "Succeeded"


def test_the_suite_reads_a_raw_result_of_a_job_as_xml(send: Send) -> None:
    _, answer = at_once(send, "ogc-suite-async-raw")
    root = etree.fromstring(answer.content)
    assert root.xpath("descendant-or-self::wps2:LiteralValue", namespaces=NAMES)


def test_jobs_of_the_suite_have_ids_of_their_own(send: Send) -> None:
    ids = [job_of(send("ogc-suite-async")) for _ in range(10)]
    assert len(set(ids)) == 10 and all(re.fullmatch(r"[0-9a-f-]{36}", job) for job in ids)
