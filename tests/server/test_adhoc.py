"""Ad-hoc executions on a real server: CWL that comes with the request (docs/adhoc-cwl.md)."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import pytest
import requests
import yaml

from pygeoapi_oapip.testing.live_server import LiveServer

SAY = """
cwlVersion: v1.2
class: CommandLineTool
id: shout
baseCommand: echo
inputs: {message: {type: string, default: by default, inputBinding: {}}}
outputs: {said: stdout}
"""
COUNT: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "count",
    "baseCommand": ["wc", "-c"],
    "inputs": {"text": {"type": "File"}},
    "stdin": "$(inputs.text.path)",
    "outputs": {"said": "stdout"},
}
FLOW: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "inputs": {"message": "string"},
    "outputs": {"said": {"type": "File", "outputSource": "two/said"}},
    "steps": {
        "one": {"run": "shout.cwl", "in": {"message": "message"}, "out": ["said"]},
        "two": {"run": "count.cwl", "in": {"text": "one/said"}, "out": ["said"]},
    },
}
WAIT = {"Prefer": "wait=100"}
PATH = "/processes/CWL/execution"


def run(server: LiveServer, **request: Any) -> requests.Response:
    request["headers"] = {**WAIT, **request.get("headers", {})}
    answer = server.post(PATH, **request)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.requirement("part3/cwl-workflows/adhoc-cwl-execution")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (SAY, "application/cwl"),
        (SAY, "application/cwl+yaml"),
        (json.dumps(yaml.safe_load(SAY)), "application/cwl+json"),
        (json.dumps(yaml.safe_load(SAY)), "application/json"),
    ],
)
def test_bare_cwl_runs_with_its_defaults_or_the_query(server: LiveServer, body: str, kind: str) -> None:
    heads = {"Content-Type": kind}
    assert run(server, data=body, headers=heads).text == "by default\n"
    assert run(server, data=body, headers=heads, params={"inputs": '{"message": "ASKED"}'}).text == "ASKED\n"


@pytest.mark.parametrize("member", ["executionUnit", "process", "cwl"])
def test_an_execute_request_may_hold_the_cwl(server: LiveServer, member: str) -> None:
    cwl = yaml.safe_load(SAY)
    held = {"value": cwl, "mediaType": "application/cwl+json"} if member == "executionUnit" else cwl
    body = {member: held, "inputs": {"message": "HELD"}, "outputs": {"said": {"transmissionMode": "value"}}}
    assert run(server, json={**body, "response": "document"}).json()["said"]["value"] == "HELD\n"


def test_form_fields_and_files_are_read_as_wes_has_them(server: LiveServer) -> None:
    inputs = {"text": {"class": "File", "location": "data.txt"}}
    files = {
        "cwl": ("count.cwl", json.dumps(COUNT)),
        "inputs": ("job.json", json.dumps(inputs)),
        "any": ("data.txt", b"\x00\xff1234", "text/plain"),
    }
    assert run(server, files=files).text.strip() == "6"


def test_parts_are_read_as_the_draft_has_them(server: LiveServer) -> None:
    profile = "<https://www.opengis.net/def/profile/OGC/0/ogc-execute-request>"
    execute = {"inputs": {"message": "12345"}, "response": "raw"}
    parts = [
        ("Content-Type: application/cwl+yaml\r\nContent-ID: <shout>", SAY),
        ("Content-Type: application/cwl+json\r\nContent-ID: <flow>", json.dumps(FLOW)),
        ("Content-Type: application/cwl+json", json.dumps(COUNT)),
        (f"Content-Type: application/json\r\nContent-Profile: {profile}", json.dumps(execute)),
    ]
    body = "".join(f"--B\r\n{head}\r\n\r\n{text}\r\n" for head, text in parts) + "--B--\r\n"
    heads = {"Content-Type": 'multipart/related; boundary=B; start="<flow>"'}
    assert run(server, data=body, headers=heads).text.strip() == "6"


def test_the_job_keeps_its_package_and_nothing_is_deployed(server: LiveServer) -> None:
    before = server.get("/processes").json()["numberMatched"]
    answer = server.post(PATH, data=SAY, headers={"Content-Type": "application/cwl+yaml", "Prefer": "respond-async"})
    assert answer.status_code == 201
    job = answer.json()["jobID"]
    assert server.ended(job)["processID"] == "CWL"
    assert server.get(f"/jobs/{job}/package").text == SAY
    assert server.get(f"/jobs/{job}/results/said").text == "by default\n"
    assert "echo" in server.get(f"/jobs/{job}/logs?f=text").text
    assert job in [row["jobID"] for row in server.get("/jobs?processID=CWL&limit=100").json()["jobs"]]
    assert server.get("/processes").json()["numberMatched"] == before
    assert server.get("/processes/CWL").json()["mutable"] is False
    assert server.get("/processes/shout").status_code == 404


def test_the_id_is_reserved(server: LiveServer) -> None:
    body = SAY.replace("id: shout", "id: CWL")
    assert server.post("/processes", data=body, headers={"Content-Type": "application/cwl"}).status_code == 403
    assert requests.delete(f"{server.url}/processes/CWL", timeout=60).status_code == 403


def test_a_removed_job_leaves_nothing(server: LiveServer) -> None:
    def rows() -> int:
        with sqlite3.connect(server.home / "oapip.db") as database:
            tables = ("jobs", "processes", "process_revisions")
            found = sum(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        database.close()
        return int(found)

    folders = {path.name for path in (server.home / "jobs").iterdir()}
    before = rows()
    for _ in range(5):
        job = run(server, data=SAY, headers={"Content-Type": "application/cwl"}).headers["Link"]
        address = job.partition("<")[2].partition(">")[0]
        assert requests.delete(address, timeout=60).status_code == 200
        assert requests.get(f"{address}/package", timeout=60).status_code == 404
    assert rows() == before
    assert {path.name for path in (server.home / "jobs").iterdir()} == folders


HEAD = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\noutputs: {}\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (HEAD + "inputs: {}\ndoc: {$include: 'file:///etc/passwd'}\n", (400, 403)),
        (HEAD + "inputs: {}\ndoc: {$include: 'http://127.0.0.1:1/x'}\n", (403,)),
        (HEAD + "inputs: {f: {type: File, default: {class: File, location: /etc/passwd}}}\n", (400, 403)),
        (HEAD + BOMB, (400,)),
        (HEAD + "inputs: {a: {type: strin}}\n", (400,)),
        (HEAD + "inputs: {a: int}\n", (400,)),
        ("a: [\n", (400,)),
        ("[]", (400,)),
        ("", (400,)),
    ],
)
def test_hostile_cwl_is_refused_before_a_job_exists(server: LiveServer, body: str, status: tuple[int, ...]) -> None:
    newest = server.get("/jobs?limit=1").json()["jobs"][0]["jobID"]
    start = time.monotonic()
    answer = server.post(PATH, data=body, headers={"Content-Type": "application/cwl"})
    assert answer.status_code in status, answer.text
    assert "root:" not in answer.text and "Traceback" not in answer.text
    assert time.monotonic() - start < 60
    assert server.get("/jobs?limit=1").json()["jobs"][0]["jobID"] == newest


def test_the_endpoint_is_described_and_runs_nothing_by_itself(server: LiveServer) -> None:
    description = server.get("/processes/CWL").json()
    for link in description["links"]:
        if link["href"].startswith(server.url) and link["rel"] != "http://www.opengis.net/def/rel/ogc/1.0/execute":
            assert requests.get(link["href"], timeout=60).status_code == 200, link
    defined = server.post("/jobs", json={"process": f"{server.url}/processes/CWL", "inputs": {}}).json()["jobID"]
    nested = {"inputs": {"message": {"process": f"{server.url}/processes/CWL", "inputs": {}}}}
    refused = [
        server.get(PATH),
        server.post(f"/jobs/{defined}/results"),
        server.post("/processes/say/execution", json=nested),
    ]
    assert {answer.status_code for answer in refused} <= {400, 405}, [answer.text for answer in refused]
    requests.delete(f"{server.url}/jobs/{defined}", timeout=60)
