"""The built-in process over HTTP: what people learn the API with (docs/echo.md)."""

from __future__ import annotations

import base64
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "echo.md"
TIFF = b"II*\x00\x08\x00\x00\x00"


def execute(server: LiveServer, prefer: str = "", **body: Any) -> requests.Response:
    return server.post("/processes/echo/execution", json=body, headers={"Prefer": prefer} if prefer else {})


@pytest.mark.requirement("part1/core/test-process")
def test_it_is_there_and_immutable(server: LiveServer) -> None:
    summaries = {row["id"]: row for row in server.get("/processes").json()["processes"]}
    assert summaries["echo"]["mutable"] is False
    assert summaries["echo"]["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    for method, path in (("GET", "/package"), ("DELETE", ""), ("PUT", "")):
        headers = {"Content-Type": "application/cwl+json"}
        answer = requests.request(method, f"{server.url}/processes/echo{path}", data="{}", headers=headers, timeout=60)
        assert answer.status_code == 403 and answer.json()["type"].endswith("/immutable-process"), method


def test_deploying_its_id_is_refused(server: LiveServer) -> None:
    package = {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "echo", "inputs": {}, "outputs": {}}
    package["baseCommand"] = "true"
    answer = server.post("/processes", json=package, headers={"Content-Type": "application/cwl+json"})
    assert answer.status_code == 403 and answer.json()["type"].endswith("/immutable-process")


@pytest.mark.requirement(
    "part1/core/process-execute-inputs",
    "part1/core/process-execute-input-inline-object",
    "part1/core/process-execute-input-inline-bbox",
    "part1/core/process-execute-input-array",
)
def test_every_example_of_the_description_comes_back(server: LiveServer) -> None:
    described = server.get("/processes/echo").json()["inputs"]
    examples = {key: item["schema"]["example"] for key, item in described.items() if "example" in item["schema"]}
    given = {**examples, "names": ["a", "b"], "text": "words", "pause": 0}
    answer = execute(server, inputs=given, response="document")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == set(given) - {"pause"}
    for key in ("message", "number", "cloudCover", "flag", "resolution", "band", "time", "numbers", "names", "bbox"):
        assert found[key] == given[key], key
    assert found["measure"]["value"] == given["measure"]
    for key in ("geometry", "feature"):
        assert found[key]["type"] == "application/geo+json"
        assert requests.get(found[key]["href"], timeout=60).json() == given[key]


@pytest.mark.requirement("part1/core/process-execute-input-inline-binary")
def test_binary_by_value_and_by_reference_comes_back_byte_for_byte(server: LiveServer, data: Path) -> None:
    (data / "scene.tif").write_bytes(TIFF)
    inline = {"value": base64.b64encode(TIFF).decode(), "mediaType": "image/tiff"}
    nested = {"value": inline["value"], "format": {"mediaType": "image/tiff", "encoding": "base64"}}
    for image in (inline, nested, {"href": (data / "scene.tif").as_uri(), "type": "image/tiff"}):
        answer = execute(server, inputs={"image": image}, outputs={"image": {"transmissionMode": "value"}})
        assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/tiff", TIFF)


def test_value_behind_a_reference_counts_as_the_value(server: LiveServer, data: Path) -> None:
    (data / "number.json").write_text("42")
    (data / "message.txt").write_text("grüße")
    inputs = {
        name: {"href": (data / file).as_uri()} for name, file in (("number", "number.json"), ("message", "message.txt"))
    }
    assert execute(server, inputs=inputs, response="document").json() == {"number": 42, "message": "grüße"}


@pytest.mark.parametrize("body", [{}, {"inputs": {}}, {"inputs": {"pause": 1}}, {"invalid-execute-request": "true"}])
def test_request_with_nothing_to_echo_is_refused(server: LiveServer, body: dict[str, Any]) -> None:
    answer = execute(server, **body)
    assert answer.status_code == 400 and "nothing to echo" in answer.json()["detail"]


def test_progress_grows_during_a_pause(server: LiveServer) -> None:
    # longer pauses where the machine is too busy to look often enough
    for pause in (3, 12, 48):
        job = execute(server, "respond-async", inputs={"message": "x", "pause": pause}).json()["jobID"]
        seen = []
        while (status := server.get(f"/jobs/{job}").json())["status"] not in ("successful", "failed"):
            seen.append(status["progress"])
            time.sleep(0.1)
        assert status["status"] == "successful" and seen == sorted(seen)
        assert '"x"' in server.get(f"/jobs/{job}/results").text
        assert f"a pause of {pause} s" in server.get(f"/jobs/{job}/logs?f=text").text
        if len(set(seen)) > 2:
            break
    assert len(set(seen)) > 2


def test_there_are_no_results_during_a_pause(server: LiveServer) -> None:
    job = execute(server, "respond-async", inputs={"message": "x", "pause": 300}).json()["jobID"]
    assert server.get(f"/jobs/{job}/results").status_code == 404
    server.dismiss(job)


def test_long_pause_of_a_synchronous_request_becomes_a_job(server: LiveServer) -> None:
    answer = execute(server, "wait=1", inputs={"message": "x", "pause": 120})
    assert answer.status_code == 201
    assert server.dismiss(answer.json()["jobID"]).json()["status"] == "dismissed"
    assert server.ended(answer.json()["jobID"])["status"] == "dismissed"


def test_failure_can_be_asked_for(server: LiveServer) -> None:
    job = execute(server, "respond-async", inputs={"message": "x", "fail": True}).json()["jobID"]
    assert server.ended(job)["status"] == "failed"
    assert "`fail`" in server.get(f"/jobs/{job}").json()["message"]
    answer = execute(server, inputs={"message": "x", "fail": True})
    assert answer.status_code >= 400 and "`fail`" in answer.json()["detail"]


def suite_requests(described: Any) -> dict[str, dict[str, Any]]:
    """The bodies that the OGC suite for Part 1 makes of the description, by the test that sends them."""
    plain = {"message": "teststring", "names": "teststring", "measure": {"value": "teststring"}}
    given = {**plain, "geometry": {"value": "teststring"}}
    every = {name: {"transmissionMode": "value"} for name in described["outputs"]}
    box = {"bbox": [51.9, 7, 52, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    image = {"value": base64.b64encode(TIFF).decode(), "format": {"mediaType": "image/tiff", "encoding": "base64"}}
    one = {"message": {"transmissionMode": "value"}}
    return {
        "InputInline": {"inputs": given, "outputs": every},
        "DefaultOutputs": {"inputs": given},
        "InputArray": {"inputs": {**given, "numbers": [1, 2, 3]}, "outputs": {"numbers": every["numbers"]}},
        "InputArray of older suites": {"inputs": {"numbers": [1, 2, 3]}, "outputs": {"numbers": every["numbers"]}},
        "InlineBbox": {"inputs": {"bbox": box}, "outputs": {"bbox": every["bbox"]}},
        "InlineBinary": {"inputs": {**given, "image": image}, "outputs": every},
        "SyncDocument": {"inputs": given, "outputs": every, "response": "document"},
        "SyncRawValueMulti": {"inputs": given, "outputs": every, "response": "raw"},
        "SyncRawValueOne": {"inputs": {"message": "teststring"}, "outputs": one, "response": "raw"},
        "ResultsNotReady": {"inputs": {"message": "teststring", "pause": 5}, "outputs": one, "response": "raw"},
    }


@pytest.mark.requirement("part1/core/process-execute-op", "part1/core/process-execute-request")
@pytest.mark.parametrize("prefer", ["", "respond-async "])
def test_requests_of_the_ogc_suite_are_executed(server: LiveServer, prefer: str) -> None:
    for name, body in suite_requests(server.get("/processes/echo").json()).items():
        answer = execute(server, prefer, **body)
        assert answer.status_code == (201 if prefer else 200), f"{name}: {answer.text}"
        if prefer:
            assert answer.headers["Location"] and None not in answer.json().values()
        elif "Bbox" not in name and "Array" not in name:
            assert "teststring" in answer.text, name
        assert "Link" not in answer.headers or prefer or "rel=" in answer.headers["Link"]


def test_wrong_formats_of_the_ogc_suite_are_refused(server: LiveServer) -> None:
    wrong = {name: {"type": "wrong/type_9b2e"} for name in ("text", "document", "image", "geometry")}
    answer = execute(server, inputs={"message": "teststring", **wrong})
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    for name in wrong:
        alone = execute(server, inputs={name: wrong[name]})
        assert alone.status_code == 400 and f"inputs.{name}" in alone.json()["detail"]


def examples() -> list[tuple[str, str]]:
    """The commands of docs/echo.md with the output that stands below each."""
    text = DOCUMENTATION.read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```\n(?:\n```(?:json|text)\n(.*?)```)?", text, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), examples())
def test_commands_of_the_documentation_print_what_it_says(server: LiveServer, command: str, output: str) -> None:
    command = command.replace("http://localhost:5000", server.url)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.replace(server.url, "http://localhost:5000").replace("\r", "")
    shown = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", shown)
    for line in filter(None, (line.strip() for line in output.splitlines())):
        assert line in shown or line == "…", f"{line!r} is not in\n{shown}"
