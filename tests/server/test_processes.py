"""Deployment on a real server: from HTTP, folder and configuration, in every web process at once."""

from __future__ import annotations

import json
import time

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
id: {id}
label: {label}
baseCommand: echo
inputs: {{message: {{type: string, inputBinding: {{}}}}}}
outputs: {{said: stdout}}
"""


def tool(process_id: str, label: str = "One") -> str:
    return TOOL.format(id=process_id, label=label)


def everywhere(server: LiveServer, path: str) -> set[tuple[int, str]]:
    """Answers on many new connections, so that each web process gets some."""
    return {
        (answer.status_code, answer.json().get("title", ""))
        for answer in (requests.get(server.url + path, timeout=60) for _ in range(24))
    }


def test_deployed_process_is_live_in_every_web_process_at_once(server: LiveServer) -> None:
    server.deploy(tool("live"))
    assert everywhere(server, "/processes/live") == {(200, "One")}
    put = requests.put(
        f"{server.url}/processes/live",
        data=tool("live", "Two"),
        headers={"Content-Type": "application/cwl"},
        timeout=240,
    )
    assert put.status_code == 204
    assert everywhere(server, "/processes/live") == {(200, "Two")}
    assert requests.delete(f"{server.url}/processes/live", timeout=60).status_code == 204
    assert {status for status, _ in everywhere(server, "/processes/live")} == {404}


def test_package_is_what_was_deployed_byte_for_byte(server: LiveServer) -> None:
    text = "# a comment\n" + tool("exact")
    server.deploy(text)
    answer = server.get("/processes/exact/package")
    assert (answer.text, answer.headers["Content-Type"]) == (text, "application/cwl+yaml")


def test_ogc_application_package_is_deployed(server: LiveServer) -> None:
    unit = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "inner",
        "baseCommand": "true",
        "inputs": {},
        "outputs": {},
    }
    package = {
        "processDescription": {"id": "outer", "title": "Outer", "version": "2.1"},
        "executionUnit": [{"unit": unit}],
    }
    assert server.deploy(json.dumps(package), "application/ogcapppkg+json") == "outer"
    description = server.get("/processes/outer").json()
    assert (description["title"], description["version"]) == ("Outer", "2.1")


def test_second_deployment_and_immutable_ones_are_refused(server: LiveServer) -> None:
    headers = {"Content-Type": "application/cwl"}
    assert server.post("/processes", data=tool("say"), headers=headers).status_code == 409
    answer = server.post("/processes", data=tool("configured"), headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("immutable-process")
    assert requests.delete(f"{server.url}/processes/configured", timeout=60).status_code == 403


def test_folder_is_watched(server: LiveServer) -> None:
    path = server.home / "packages" / "watched.cwl"
    path.write_text(tool("watched"))
    deadline = time.monotonic() + 180
    while server.get("/processes/watched").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (server.home / "packages" / "broken.cwl").write_text("class: Nothing\n")
    while "broken.cwl" not in server.get("/health").text:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert server.get("/processes/watched").status_code == 200
    (server.home / "packages" / "broken.cwl").unlink()
    path.unlink()
    while server.get("/processes/watched").status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_history_tells_every_revision(server: LiveServer) -> None:
    server.deploy(tool("aged"))
    requests.put(
        f"{server.url}/processes/aged",
        data=tool("aged", "Two"),
        headers={"Content-Type": "application/cwl"},
        timeout=240,
    )
    assert len(server.get("/processes/aged/history").json()["revisions"]) == 2


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)
QUICK = 20.0
"""Seconds, a hundred times what it takes; a package whose aliases were written out would never end."""
HEAD = "cwlVersion: v1.2\nclass: CommandLineTool\nid: bad\nbaseCommand: echo\noutputs: {}\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (HEAD + "inputs: {}\ndoc: {$include: 'file:///etc/passwd'}\n", (400, 403)),
        (HEAD + "inputs: {}\ndoc: {$include: 'http://127.0.0.1:1/x'}\n", (403,)),
        (HEAD + "inputs: {$import: '../../etc/passwd'}\n", (400, 403)),
        (HEAD + "inputs: {}\nhints: [{class: 'ex:Foo'}]\n$namespaces: {ex: 'http://ex.invalid/'}\n", (201, 400)),
        (HEAD + BOMB, (400,)),
        (HEAD + "inputs: {a: {type: strin}}\n", (400,)),
        ("a: [\n", (400,)),
        ("[]", (400,)),
        ("\xff\xfe", (400,)),
        ("", (400,)),
    ],
)
def test_bad_package_is_refused_clearly_and_at_once(server: LiveServer, body: str, status: tuple[int, ...]) -> None:
    server.post("/processes", data="cwlVersion: v1.2", headers={"Content-Type": "application/cwl"})
    spans = []
    for _ in range(3):  # the best of three: a machine may stall for a moment, the server may not
        start = time.monotonic()
        answer = server.post("/processes", data=body.encode("latin-1"), headers={"Content-Type": "application/cwl"})
        spans.append(time.monotonic() - start)
        if spans[-1] < QUICK or answer.status_code == 201:
            break
    assert answer.status_code in status, answer.text
    assert "root:" not in answer.text
    assert "Traceback" not in answer.text
    assert min(spans) < QUICK
    requests.delete(f"{server.url}/processes/bad", timeout=60)


def test_body_of_fifty_megabytes_is_refused_at_once(server: LiveServer) -> None:
    spans = []
    for _ in range(3):
        start = time.monotonic()
        answer = server.post("/processes", data=b"#" * 51 * 2**20, headers={"Content-Type": "application/cwl"})
        spans.append(time.monotonic() - start)
        assert answer.status_code == 413
    assert min(spans) < QUICK


def test_unknown_media_type_comes_before_everything_else(server: LiveServer) -> None:
    answer = requests.put(f"{server.url}/processes/none", data="x", headers={"Content-Type": "text/plain"}, timeout=60)
    assert answer.status_code == 415
    assert answer.json()["type"].endswith("unsupported-media-type")


def test_everything_is_there_after_a_restart(server: LiveServer) -> None:
    server.deploy(tool("kept"))
    job = server.submit("kept", {"message": "before"})
    server.ended(job)
    running = server.submit("pause", {"seconds": 3})
    time.sleep(0.5)
    assert server.stop() == 0
    server.start()
    assert server.get("/processes/kept").status_code == 200
    assert server.get(f"/jobs/{job}/results/said").text == "before\n"
    assert server.ended(running)["status"] == "successful"
