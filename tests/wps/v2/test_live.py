"""WPS 2.0.0 through a real server: HTTP, several processes, and the same jobs as OGC API."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.wps.v2.conftest import ECHO, HEAD, NAMES
from tests.wps.validation import validate

CWL = """
cwlVersion: v1.2
class: CommandLineTool
id: shout
baseCommand: [tr, a-z, A-Z]
inputs:
  text: File
stdin: $(inputs.text.path)
stdout: loud.txt
outputs:
  loud: stdout
"""

KINDS = """
cwlVersion: v1.2
class: CommandLineTool
id: kinds
requirements:
  ShellCommandRequirement: {}
arguments:
  - shellQuote: false
    valueFrom: |
      mkdir d; echo in > d/a.txt; echo one > 1.txt; echo two > 2.txt; echo '<r>1</r>' > r.xml; printf 'a\\000b' > b.bin
inputs: {}
outputs:
  list: {type: "File[]", outputBinding: {glob: "[12].txt"}}
  folder: {type: Directory, outputBinding: {glob: d}}
  xml: {type: File, outputBinding: {glob: r.xml}}
  bytes: {type: File, outputBinding: {glob: b.bin}}
  nothing: {type: "File?", outputBinding: {glob: none.txt}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    manager = {"staging": {"allow_internal": True}}
    with LiveServer(tmp_path_factory.mktemp("wps2live"), manager) as live:
        live.deploy(CWL)
        live.deploy(KINDS)
        yield live


def post(server: LiveServer, body: str) -> Any:
    answer = requests.post(f"{server.url}/wps", body.encode(), headers={"Content-Type": "text/xml"}, timeout=240)
    assert answer.headers["Content-Type"].startswith("text/xml"), answer.text
    return validate("2.0.0", answer.content)


def ask(server: LiveServer, operation: str, job_id: str) -> Any:
    query = {"SERVICE": "WPS", "Version": "2.0.0", "request": operation, "JobID": job_id}
    answer = requests.get(f"{server.url}/wps", query, timeout=240)
    return validate("2.0.0", answer.content)


def execute(process: str, content: str, mode: str) -> str:
    identifier = f"<ows:Identifier>{process}</ows:Identifier>"
    return f'<wps:Execute {HEAD} mode="{mode}" response="document">{identifier}{content}</wps:Execute>'


def text(root: Any, path: str) -> str:
    found = root.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return str(found)


def poll(server: LiveServer, job_id: str) -> Any:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        root = ask(server, "GetStatus", job_id)
        if text(root, "wps:Status") not in ("Accepted", "Running"):
            return root
        time.sleep(0.2)
    raise AssertionError("the job does not end")


def test_asynchronous_execute_poll_result_dismiss(server: LiveServer) -> None:
    given = '<wps:Input id="text"><wps:Data mimeType="text/plain">hello</wps:Data></wps:Input>'
    started = post(server, execute("shout", given + '<wps:Output id="loud"/>', "async"))
    job_id = text(started, "wps:JobID")
    assert text(poll(server, job_id), "wps:Status") == "Succeeded"
    result = ask(server, "GetResult", job_id)
    assert text(result, "wps:Output/wps:Data") == "HELLO"
    job = server.get(f"/jobs/{job_id}").json()
    assert (job["processID"], job["status"]) == ("shout", "successful")
    assert server.get(f"/jobs/{job_id}/results").status_code == 200
    assert text(ask(server, "Dismiss", job_id), "wps:Status") == "Dismissed"
    assert server.get(f"/jobs/{job_id}").status_code == 404
    (gone,) = ask(server, "GetStatus", job_id).findall("ows:Exception", NAMES)
    assert gone.get("exceptionCode") == "NoSuchJob"


def test_running_job_is_dismissed(server: LiveServer) -> None:
    given = '<wps:Input id="literalInput"><wps:Data>x</wps:Data></wps:Input>'
    given += '<wps:Input id="pause"><wps:Data>300</wps:Data></wps:Input>'
    job_id = text(post(server, execute(ECHO, given, "async")), "wps:JobID")
    assert text(ask(server, "GetStatus", job_id), "wps:Status") in ("Accepted", "Running")
    assert text(ask(server, "Dismiss", job_id), "wps:Status") == "Dismissed"
    assert text(poll(server, job_id), "wps:Status") == "Dismissed"
    assert server.get(f"/jobs/{job_id}").json()["status"] == "dismissed"


def test_reference_of_an_output_is_served(server: LiveServer) -> None:
    given = '<wps:Input id="text"><wps:Data>file</wps:Data></wps:Input>'
    result = post(server, execute("shout", given + '<wps:Output id="loud" transmission="reference"/>', "sync"))
    (reference,) = result.iterfind("wps:Output/wps:Reference", NAMES)
    answer = requests.get(reference.get(f"{{{NAMES['xlink']}}}href"), timeout=240)
    assert (answer.status_code, answer.text) == (200, "FILE")


def test_raw_file_and_errors_over_http(server: LiveServer) -> None:
    given = '<wps:Input id="text"><wps:Data>raw</wps:Data></wps:Input><wps:Output id="loud"/>'
    body = execute("shout", given, "sync").replace('response="document"', 'response="raw"')
    answer = requests.post(f"{server.url}/wps", body, timeout=240)
    assert (answer.status_code, answer.text) == (200, "RAW")
    wrong = requests.post(f"{server.url}/wps", body.replace('"text"', '"other"'), timeout=240)
    report = validate("2.0.0", wrong.content)
    assert wrong.status_code == 400 and report[0].get("exceptionCode") == "NoSuchInput"


def test_job_of_a_user_context_keeps_its_prefix(server: LiveServer) -> None:
    given = '<wps:Input id="literalInput"><wps:Data>x</wps:Data></wps:Input>'
    given += '<wps:Output id="literalOutput" transmission="reference"/>'
    answer = requests.post(f"{server.url}/alice/wps", execute(ECHO, given, "sync"), timeout=240)
    (reference,) = validate("2.0.0", answer.content).iterfind("wps:Output/wps:Reference", NAMES)
    href = reference.get(f"{{{NAMES['xlink']}}}href")
    assert href.startswith(f"{server.url}/alice/ogc-api/jobs/")
    assert requests.get(href, timeout=240).text == "x"


def test_files_folders_and_lists_of_a_package(server: LiveServer) -> None:
    result = post(server, execute("kinds", "", "sync"))
    assert result.tag.endswith("}Result"), "".join(result.itertext())
    outputs = {item.get("id"): item[0] for item in result.iterfind("wps:Output", NAMES)}
    assert set(outputs) == {"list", "folder", "xml", "bytes"}, "what is null is left out"
    links = json.loads(outputs["list"].text)
    assert [requests.get(link["href"], timeout=240).text for link in links] == ["one\n", "two\n"]
    assert (outputs["folder"].get("mimeType"), outputs["folder"].get("encoding")) == ("application/zip", "base64")
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(outputs["folder"].text)))
    assert archive.read("d/a.txt") == b"in\n"
    assert outputs["xml"][0].tag == "r" and outputs["xml"][0].text == "1"
    assert base64.b64decode(outputs["bytes"].text) == b"a\0b"


class Mirror(BaseHTTPRequestHandler):
    """Answers a POST with its body, and a GET with the body of all others."""

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._answer(b"from afar")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/"
        listening.shutdown()


@pytest.mark.parametrize(
    ("body", "loud"),
    [
        ("", "FROM AFAR"),
        ("<wps:Body>text &amp; more</wps:Body>", "TEXT & MORE"),
        ("<wps:Body><q a='1'>x</q></wps:Body>", '<Q A="1">X</Q>'),
        ("<wps:BodyReference xlink:href='{mirror}'/>", "FROM AFAR"),
    ],
)
def test_references_by_get_and_post(server: LiveServer, mirror: str, body: str, loud: str) -> None:
    reference = f'<wps:Reference xlink:href="{mirror}">{body.format(mirror=mirror)}</wps:Reference>'
    given = f'<wps:Input id="text">{reference}</wps:Input><wps:Output id="loud" mimeType="text/plain"/>'
    root = post(server, execute("shout", given, "sync"))
    assert text(root, "wps:Output/wps:Data") == loud


def test_request_that_is_too_large_is_refused(server: LiveServer) -> None:
    given = f'<wps:Input id="text"><wps:Data>{"x" * (11 * 1024**2)}</wps:Data></wps:Input>'
    answer = requests.post(f"{server.url}/wps", execute("shout", given, "sync"), timeout=600)
    cut = requests.post(f"{server.url}/wps", execute("shout", "", "sync")[:-5], timeout=240)
    assert validate("2.0.0", cut.content)[0].get("exceptionCode") == "NoApplicableCode"
    report = validate("2.0.0", answer.content)
    assert answer.status_code in (400, 413) and report[0].get("exceptionCode") == "SizeExceeded"
