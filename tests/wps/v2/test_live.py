"""WPS 2.0.0 through a real server: HTTP, several processes, and the same jobs as OGC API."""

from __future__ import annotations

import time
from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("wps2live")) as live:
        live.deploy(CWL)
        yield live


def post(server: LiveServer, body: str) -> Any:
    answer = requests.post(f"{server.url}/wps", body.encode(), headers={"Content-Type": "text/xml"}, timeout=60)
    assert answer.headers["Content-Type"].startswith("text/xml"), answer.text
    return validate("2.0.0", answer.content)


def ask(server: LiveServer, operation: str, job_id: str) -> Any:
    query = {"SERVICE": "WPS", "Version": "2.0.0", "request": operation, "JobID": job_id}
    answer = requests.get(f"{server.url}/wps", query, timeout=60)
    return validate("2.0.0", answer.content)


def execute(process: str, content: str, mode: str) -> str:
    identifier = f"<ows:Identifier>{process}</ows:Identifier>"
    return f'<wps:Execute {HEAD} mode="{mode}" response="document">{identifier}{content}</wps:Execute>'


def text(root: Any, path: str) -> str:
    found = root.findtext(path, namespaces=NAMES)
    assert found is not None, path
    return str(found)


def poll(server: LiveServer, job_id: str) -> Any:
    deadline = time.monotonic() + 120
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
    answer = requests.get(reference.get(f"{{{NAMES['xlink']}}}href"), timeout=60)
    assert (answer.status_code, answer.text) == (200, "FILE")


def test_raw_file_and_errors_over_http(server: LiveServer) -> None:
    given = '<wps:Input id="text"><wps:Data>raw</wps:Data></wps:Input><wps:Output id="loud"/>'
    body = execute("shout", given, "sync").replace('response="document"', 'response="raw"')
    answer = requests.post(f"{server.url}/wps", body, timeout=60)
    assert (answer.status_code, answer.text) == (200, "RAW")
    wrong = requests.post(f"{server.url}/wps", body.replace('"text"', '"other"'), timeout=60)
    report = validate("2.0.0", wrong.content)
    assert wrong.status_code == 400 and report[0].get("exceptionCode") == "NoSuchInput"


def test_job_of_a_user_context_keeps_its_prefix(server: LiveServer) -> None:
    given = '<wps:Input id="literalInput"><wps:Data>x</wps:Data></wps:Input>'
    given += '<wps:Output id="literalOutput" transmission="reference"/>'
    answer = requests.post(f"{server.url}/alice/wps", execute(ECHO, given, "sync"), timeout=60)
    (reference,) = validate("2.0.0", answer.content).iterfind("wps:Output/wps:Reference", NAMES)
    href = reference.get(f"{{{NAMES['xlink']}}}href")
    assert href.startswith(f"{server.url}/alice/ogc-api/jobs/")
    assert requests.get(href, timeout=60).text == "x"
