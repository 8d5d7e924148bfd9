"""WPS 1.0.0 on a real server: two web processes, a worker, files served by the API, restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from lxml import etree

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.wps.v1.conftest import NAMES
from tests.wps.validation import validate

SAY = """
cwlVersion: v1.2
class: CommandLineTool
id: say
label: Say
baseCommand: [sh, -c, 'sleep "$0"; cat "$1"']
inputs:
  seconds: {type: double, default: 0, inputBinding: {position: 1}}
  text: {type: File, format: "https://www.iana.org/assignments/media-types/text/plain", inputBinding: {position: 2}}
outputs:
  said: {type: stdout, format: "https://www.iana.org/assignments/media-types/text/plain"}
stdout: said.txt
"""
QUERY = "/wps?service=WPS&version=1.0.0&request="


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home: Path = tmp_path_factory.mktemp("wps-server")
    with LiveServer(home) as live:
        live.deploy(SAY)
        yield live


def read(address: str) -> etree._Element:
    """A document, over a connection of its own, so that any web process may answer."""
    return validate("1.0.0", requests.get(address, timeout=240).content)


def settled(address: str) -> etree._Element:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        root = read(address)
        if root.xpath("//wps:ProcessSucceeded | //wps:ProcessFailed", namespaces=NAMES):
            return root
        time.sleep(0.2)
    raise AssertionError("the job does not end")


def test_a_tool_runs_and_its_file_is_read(server: LiveServer) -> None:
    inputs = "text=hello%0Athere@mimeType=text/plain"
    root = read(f"{server.url}{QUERY}Execute&identifier=say&datainputs={inputs}")
    (value,) = root.xpath("//wps:Output//wps:ComplexData", namespaces=NAMES)
    assert (value.text, value.get("mimeType")) == ("hello\nthere", "text/plain")
    root = read(f"{server.url}{QUERY}Execute&identifier=say&datainputs={inputs}&responsedocument=said@asReference=true")
    (href,) = root.xpath("//wps:Output/wps:Reference/@href", namespaces=NAMES)
    assert requests.get(str(href), timeout=240).text == "hello\nthere"
    raw = requests.get(f"{server.url}{QUERY}Execute&identifier=say&datainputs={inputs}&rawdataoutput=said", timeout=240)
    assert (raw.headers["Content-Type"], raw.text) == ("text/plain", "hello\nthere")


def test_status_documents_survive_a_restart(server: LiveServer) -> None:
    tail = "&storeExecuteResponse=true&status=true&lineage=true"
    inputs = "seconds=3;text=late@mimeType=text/plain"
    root = read(f"{server.url}{QUERY}Execute&identifier=say&datainputs={inputs}{tail}")
    address = str(root.get("statusLocation"))
    job = address.rpartition("/")[2].partition("?")[0]
    assert requests.get(f"{server.url}/jobs/{job}?f=json", timeout=240).json()["processID"] == "say"
    before = server.url
    server.stop()
    server.start()
    done = settled(address.replace(before, server.url))
    assert done.xpath("string(//wps:Output//wps:ComplexData)", namespaces=NAMES) == "late"
    assert done.xpath("//wps:DataInputs/wps:Input", namespaces=NAMES)
    results = requests.get(f"{server.url}/jobs/{job}/results?f=json", timeout=240).json()
    assert results["said"]["href"].endswith(f"/jobs/{job}/results/said")


def test_every_web_process_sees_changes_at_once(server: LiveServer) -> None:
    def names() -> list[str]:
        root = read(f"{server.url}{QUERY}GetCapabilities")
        return [str(item.text) for item in root.xpath("//wps:Process/ows:Identifier", namespaces=NAMES)]

    before = [names() for _ in range(8)]
    assert all("fresh" not in found for found in before)
    server.deploy(SAY.replace("id: say", "id: fresh"))
    assert all("fresh" in names() for _ in range(16))
    assert requests.delete(f"{server.url}/processes/fresh", timeout=240).ok
    assert all(names() == before[0] for _ in range(16))
