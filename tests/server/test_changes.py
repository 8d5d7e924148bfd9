"""Part 2 on a real server while jobs run: replacing, undeploying, conditions, locks, packages of other kinds."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

CWL = {"Content-Type": "application/cwl"}
OGC = {"Content-Type": "application/ogcapppkg+json"}
SLOW = """
cwlVersion: v1.2
class: CommandLineTool
id: {id}
baseCommand: [sh, -c, 'echo {word}; sleep $0']
inputs: {{seconds: {{type: int, inputBinding: {{}}}}}}
outputs: {{said: stdout}}
"""


def put(server: LiveServer, path: str, body: str, **heads: str) -> requests.Response:
    return requests.put(server.url + path, data=body, headers={**CWL, **heads}, timeout=60)


def started(server: LiveServer, process: str) -> str:
    job = server.submit(process, {"seconds": 4})
    deadline = time.monotonic() + 60
    while server.get(f"/jobs/{job}").json()["status"] == "accepted":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job


@pytest.mark.requirement("part2/deploy-replace-undeploy/replace-put-op", "part2/deploy-replace-undeploy/replace-body")
def test_a_running_job_keeps_the_revision_that_it_was_started_with(server: LiveServer) -> None:
    first, second = SLOW.format(id="swapped", word="one"), SLOW.format(id="swapped", word="two")
    server.deploy(first)
    early = started(server, "swapped")
    assert put(server, "/processes/swapped", second).status_code == 204
    late = server.submit("swapped", {"seconds": 0})
    assert server.ended(early)["status"] == server.ended(late)["status"] == "successful"
    assert server.get(f"/jobs/{early}/results/said").text == "one\n"
    assert server.get(f"/jobs/{late}/results/said").text == "two\n"
    assert (server.get(f"/jobs/{early}/package").text, server.get(f"/jobs/{late}/package").text) == (first, second)


@pytest.mark.requirement("part2/deploy-replace-undeploy/undeploy-response")
def test_an_undeployed_process_ends_its_jobs_in_peace(server: LiveServer) -> None:
    server.deploy(SLOW.format(id="leaving", word="still here"))
    job = started(server, "leaving")
    assert requests.delete(f"{server.url}/processes/leaving", timeout=60).status_code == 204
    assert server.get("/processes/leaving").status_code == 404
    assert server.ended(job)["status"] == "successful"
    assert server.get(f"/jobs/{job}/results/said").text == "still here\n"
    assert "still here" in server.get(f"/jobs/{job}/package").text
    server.deploy(SLOW.format(id="leaving", word="back"))
    assert server.get("/processes/leaving").json()["revision"] == 2


def test_of_two_who_change_the_same_state_one_is_told(server: LiveServer) -> None:
    server.deploy(SLOW.format(id="contested", word="one"))
    etag = server.get("/processes/contested").headers["ETag"]
    answers = [
        put(server, "/processes/contested", SLOW.format(id="contested", word=word), **{"If-Match": etag}).status_code
        for word in ("two", "three")
    ]
    assert answers == [204, 412]
    gone = requests.delete(f"{server.url}/processes/contested", headers={"If-Match": etag}, timeout=60)
    assert gone.status_code == 412
    assert "two" in server.get("/processes/contested/package").text


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/static-indicator", "part2/deploy-replace-undeploy/deploy-response-immutable"
)
def test_a_process_that_was_deployed_as_immutable_stays(server: LiveServer) -> None:
    unit = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}
    body = json.dumps({"processDescription": {"id": "carved", "mutable": False}, "executionUnit": unit})
    answer = server.post("/processes", data=body, headers=OGC)
    assert (answer.status_code, answer.json()["mutable"]) == (201, False)
    refused = [
        server.post("/processes", data=body, headers=OGC),
        put(server, "/processes/carved", body, **OGC),
        requests.delete(f"{server.url}/processes/carved", timeout=60),
    ]
    assert {found.status_code for found in refused} == {403}
    assert {found.json()["type"].rpartition("/")[2] for found in refused} == {"immutable-process"}
    assert server.get("/processes/carved/package").status_code == 200
    assert all(isinstance(row["mutable"], bool) for row in server.get("/processes").json()["processes"])


TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "any-kind",
    "baseCommand": "true",
    "inputs": {},
    "outputs": {},
}


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/deploy-body",
    "part2/deploy-replace-undeploy/replace-content-type",
    "part2/cwl/replace-body",
    "part2/ogcapppkg/replace-body",
)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/cwl", SLOW.format(id="any-kind", word="x")),
        ("application/cwl+yaml", SLOW.format(id="any-kind", word="y")),
        ("application/cwl+json", json.dumps(TOOL)),
        (
            "application/ogcapppkg+json",
            json.dumps({"executionUnit": {"value": TOOL, "mediaType": "application/cwl+json"}}),
        ),
        (
            "application/ogcapppkg+json",
            json.dumps({"processDescription": {"id": "any-kind"}, "executionUnit": [{"unit": TOOL}]}),
        ),
    ],
)
def test_a_process_is_deployed_and_replaced_by_any_kind_of_package(server: LiveServer, kind: str, body: str) -> None:
    heads = {"Content-Type": kind}
    answer = server.post("/processes", data=body, headers=heads)
    assert (answer.status_code, answer.json()["id"]) == (201, "any-kind")
    replaced = requests.put(answer.headers["Location"], data=body + " ", headers=heads, timeout=60)
    assert (replaced.status_code, replaced.content) == (204, b"")
    package = server.get("/processes/any-kind/package")
    assert (package.text, package.headers["Content-Type"]) == (body + " ", kind)
    assert requests.delete(answer.headers["Location"], timeout=60).status_code == 204


def test_a_description_of_another_process_is_not_put_here(server: LiveServer) -> None:
    server.deploy(SLOW.format(id="mine", word="one"))
    unit = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}
    body = json.dumps({"processDescription": {"id": "other"}, "executionUnit": unit})
    answer = put(server, "/processes/mine", body, **OGC)
    assert answer.status_code == 400 and "'other'" in answer.json()["detail"]
    assert put(server, "/processes/mine", SLOW.format(id="inner-name", word="two")).status_code == 204
    assert server.get("/processes/mine").json()["revision"] == 2


@pytest.mark.requirement(
    "part2/docker/execution-unit",
    "part2/ogcapppkg/deploy-body",
    "part2/ogcapppkg/replace-body",
    "part2/ogcapppkg/package-response-body",
)
def test_a_container_image_is_deployed_and_refused_at_execution_where_none_can_run(server: LiveServer) -> None:
    description: dict[str, Any] = {"id": "boxed", "inputs": {"word": {"schema": {"type": "string"}}}, "outputs": {}}
    body = json.dumps(
        {"processDescription": description, "executionUnit": {"type": "docker", "image": "docker://a/b:1"}}
    )
    assert server.post("/processes", data=body, headers=OGC).status_code == 201
    assert server.post("/processes", data=body, headers=OGC).status_code == 409
    assert put(server, "/processes/boxed", body, **OGC).status_code == 204
    assert server.get("/processes/boxed/package").text == body
    answer = server.post("/processes/boxed/execution", json={"inputs": {"word": "x"}})
    if answer.status_code != 201:  # no container engine on this machine
        assert (answer.status_code, answer.json()["title"]) == (400, "This server cannot run the process")
        assert "container" in answer.json()["detail"]
    assert requests.delete(f"{server.url}/processes/boxed", timeout=60).status_code == 204


@pytest.mark.requirement("client/rule-14")
def test_a_workflow_in_several_documents_runs(server: LiveServer) -> None:
    tool = SLOW.format(id="inner", word="from a part")
    flow = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": "in-parts",
        "inputs": {"seconds": "int"},
        "outputs": {"said": {"type": "File", "outputSource": "one/said"}},
        "steps": {"one": {"run": "inner.cwl", "in": {"seconds": "seconds"}, "out": ["said"]}},
    }
    head = "--B\r\nContent-Type: application/cwl\r\n\r\n"
    body = f"{head}{tool}\r\n{head}{json.dumps(flow)}\r\n--B--\r\n"
    kind = "multipart/related; boundary=B"
    assert server.post("/processes", data=body, headers={"Content-Type": kind}).status_code == 201
    package = server.get("/processes/in-parts/package")
    assert (package.text, package.headers["Content-Type"]) == (body, kind)
    job = server.submit("in-parts", {"seconds": 0})
    assert server.ended(job)["status"] == "successful"
    assert server.get(f"/jobs/{job}/results/said").text == "from a part\n"


@pytest.mark.parametrize("heads", [{"X-Auth-Docker": "Basic dTpw"}])
def test_credentials_of_a_registry_are_not_kept(server: LiveServer, heads: dict[str, str]) -> None:
    body = SLOW.format(id="registered", word="x")
    assert server.post("/processes", data=body, headers={**CWL, **heads}).status_code == 201
    assert "dTpw" not in server.get("/processes/registered").text + server.get("/processes/registered/package").text
