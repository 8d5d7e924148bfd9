"""Part 4 on a real server."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.receiver import Receiver

X4 = "http://www.opengis.net/def/exceptions/ogcapi-processes-4/1.0/"
HELLO = {"process": "configured", "inputs": {"message": "hello"}}


def create(server: LiveServer, definition: Any = None, **headers: str) -> requests.Response:
    return server.post("/jobs", json=HELLO if definition is None else definition, headers=headers)


def created(server: LiveServer, definition: Any = None) -> str:
    answer = create(server, definition)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def patch(server: LiveServer, job: str, changes: Any, **headers: str) -> requests.Response:
    return requests.patch(f"{server.url}/jobs/{job}", json=changes, headers=headers, timeout=60)


@pytest.mark.requirement(
    "part4/job-management/create-post-op",
    "part4/job-management/create-body",
    "part4/job-management/create-content-type",
    "part4/job-management/create-response-success",
    "part4/job-management/create-response-jobid",
    "part4/job-management/create-response-body",
    "part4/ogcapi-processes/schema",
    "part4/ogcapi-processes/create-body",
)
def test_a_job_is_created_and_does_nothing(server: LiveServer) -> None:
    answer = create(server, {**HELLO, "jobID": "mine", "id": "mine"})
    status = answer.json()
    assert answer.status_code == 201
    assert (status["status"], status["processID"], status["type"]) == ("created", "configured", "process")
    assert status["id"] == status["jobID"] != "mine"
    assert answer.headers["Location"] == f"{server.url}/jobs/{status['id']}"
    time.sleep(1)
    again = requests.get(answer.headers["Location"], timeout=60).json()
    assert (again["status"], again["progress"]) == ("created", 0)
    assert "started" not in again
    listed = server.get("/jobs?status=created&limit=1000").json()["jobs"]
    assert status["id"] in [job["id"] for job in listed]
    assert server.get(f"/jobs/{status['id']}/results").json()["type"].endswith("/result-not-ready")


@pytest.mark.requirement("part4/job-management/start-post-op", "part4/job-management/start-response")
def test_it_is_started_and_makes_its_results(server: LiveServer) -> None:
    job = created(server, {**HELLO, "process": f"{server.url}/processes/configured", "response": "document"})
    answer = server.post(f"/jobs/{job}/results")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["type"]) == (job, "process")
    assert answer.json()["status"] in ("accepted", "running", "successful")
    assert server.ended(job)["status"] == "successful"
    said = server.get(f"/jobs/{job}/results?f=json").json()["said"]
    assert requests.get(said["href"], timeout=60).text == "hello\n"


def test_a_start_may_wait_for_the_end(server: LiveServer) -> None:
    job = created(server)
    answer = server.post(f"/jobs/{job}/results", headers={"Prefer": "wait=100"})
    assert (answer.status_code, answer.json()["status"]) == (200, "successful")
    assert answer.headers["Preference-Applied"] == "wait=100"


@pytest.mark.requirement(
    "part4/job-management/update-patch-op",
    "part4/job-management/update-content-type",
    "part4/job-management/update-body",
    "part4/job-management/update-response",
    "part4/ogcapi-processes/update-body",
    "part4/job-management/definition-get-op",
    "part4/job-management/definition-response-success",
    "part4/job-management/definition-response-body",
    "part4/ogcapi-processes/definition-response-body",
)
@pytest.mark.parametrize("kind", ["application/json", "application/ogcapi-processes+json"])
def test_what_it_does_can_be_changed_before_its_start(server: LiveServer, kind: str) -> None:
    job = created(server, {"process": "echo", "inputs": {}, "response": "document"})
    changes = {"process": "configured", "inputs": {"message": "changed"}, "response": None}
    answer = patch(server, job, changes, **{"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["processID"]) == ("created", "configured")
    definition = server.get(f"/jobs/{job}/definition")
    assert definition.status_code == 200
    assert definition.json() == {"process": "configured", "inputs": {"message": "changed"}}
    assert server.get(f"/jobs/{job}/inputs").json()["inputs"] == {"message": "changed"}
    server.post(f"/jobs/{job}/results", headers={"Prefer": "wait=100"})
    assert server.get(f"/jobs/{job}/results/said").text == "changed\n"
    assert server.get(f"/jobs/{job}/definition").json() == definition.json()


@pytest.mark.requirement("part4/job-management/update-response-locked")
def test_a_started_job_is_locked(server: LiveServer) -> None:
    job = created(server, {"process": "pause", "inputs": {"seconds": 300}})
    assert server.post(f"/jobs/{job}/results").status_code == 200
    answers = [patch(server, job, {"inputs": {"seconds": 1}}), server.post(f"/jobs/{job}/results")]
    server.dismiss(job)
    answers += [patch(server, job, {"inputs": {"seconds": 1}}), server.post(f"/jobs/{job}/results")]
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [(423, X4 + "locked")] * 4
    assert server.get(f"/jobs/{job}/definition").json()["inputs"] == {"seconds": 300}


def test_an_executed_job_is_locked_and_has_a_definition_too(server: LiveServer) -> None:
    job = server.submit("pause", {"seconds": 0})
    assert patch(server, job, {}).status_code == 423
    assert server.post(f"/jobs/{job}/results").status_code == 423
    definition = server.get(f"/jobs/{job}/definition").json()
    assert definition == {"process": f"{server.url}/processes/pause", "inputs": {"seconds": 0}}
    assert create(server, definition).status_code == 201


@pytest.mark.requirement("part4/job-management/create-unsupported-media-type")
@pytest.mark.parametrize("body", ["", "{}", "not json"])
def test_the_media_type_comes_before_all_else(server: LiveServer, body: str) -> None:
    headers = {"Content-Type": "text/plain", "Content-Schema": "unknown"}
    answers = [
        server.post("/jobs", data=body, headers=headers),
        requests.patch(f"{server.url}/jobs/unknown", data=body, headers=headers, timeout=60),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (415, X4 + "unsupported-media-type")


@pytest.mark.requirement("part4/job-management/create-unsupported-schema")
def test_an_unknown_schema_is_refused(server: LiveServer) -> None:
    known = "https://schemas.opengis.net/ogcapi/processes/part4/1.0/openapi/schemas/execute-workflows.yaml"
    assert create(server, **{"Content-Schema": known}).status_code == 201
    for schema in ("https://example.org/process-graph.json", "x"):
        answer = create(server, **{"Content-Schema": schema})
        assert (answer.status_code, answer.json()["type"]) == (422, X4 + "unsupported-schema")


@pytest.mark.parametrize(
    ("definition", "status", "text"),
    [
        ({}, 400, "process: "),
        ({"process": 7}, 400, "process: "),
        ({"process": ""}, 400, "process: "),
        ({"process": "https://elsewhere.example/processes/echo"}, 400, "process: must be an address of a process of"),
        ({"process": "file:///processes/echo"}, 400, "process: "),
        ({"process": "unknown"}, 404, "unknown"),
        ({"process": "configured", "inputs": []}, 400, "inputs: must be an object"),
        ({"process": "configured", "inputs": {"message": 7}}, 400, "inputs.message: "),
        ({"process": "configured", "inputs": {"other": "x"}}, 400, "inputs.other: "),
        ({"process": "configured", "outputs": {"other": {}}}, 400, "outputs.other"),
        ({"process": "configured", "subscriber": {"successUri": "http://10.1.1.1/"}}, 403, "subscriber.successUri: "),
        ([], 400, "an object is needed"),
    ],
)
def test_a_wrong_definition_makes_no_job_and_no_change(
    server: LiveServer, definition: Any, status: int, text: str
) -> None:
    job = created(server)
    before = server.get("/jobs?limit=1&status=created").json()["jobs"]
    answers = [create(server, definition)]
    if definition != {}:
        answers.append(patch(server, job, definition))
    for answer in answers:
        assert answer.status_code == status, answer.text
        assert text in answer.json()["detail"]
    assert server.get("/jobs?limit=1&status=created").json()["jobs"][0]["id"] == before[0]["id"] == job
    assert server.get(f"/jobs/{job}/definition").json() == HELLO


def test_an_input_may_be_missing_until_the_start(server: LiveServer) -> None:
    job = created(server, {"process": "configured"})
    answer = server.post(f"/jobs/{job}/results")
    assert answer.status_code == 400
    assert "inputs.message: is required" in answer.json()["detail"]
    assert server.get(f"/jobs/{job}").json()["status"] == "created"
    assert patch(server, job, {"inputs": {"message": "late"}}).status_code == 200
    assert server.post(f"/jobs/{job}/results").status_code == 200


def test_a_created_job_is_dismissed_and_then_removed(server: LiveServer) -> None:
    job = created(server)
    first = server.dismiss(job)
    assert (first.status_code, first.json()["status"]) == (200, "dismissed")
    assert server.post(f"/jobs/{job}/results").status_code == 423
    deadline = time.monotonic() + 60
    while "finished" not in server.get(f"/jobs/{job}").json():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server.dismiss(job).status_code == 200
    assert server.get(f"/jobs/{job}").status_code == 404


@pytest.mark.parametrize("how", [{"Prefer": "respond-async"}, {"Prefer": "wait=100"}])
def test_a_client_that_says_how_to_execute_gets_an_execution(server: LiveServer, how: dict[str, str]) -> None:
    answer = create(server, **how)
    if how["Prefer"] == "respond-async":
        assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
        assert server.ended(answer.json()["jobID"])["status"] == "successful"
    else:
        assert (answer.status_code, answer.text) == (200, "hello\n")
    waits = create(server, **{"Prefer": how["Prefer"] + ', status="created"'})
    assert (waits.status_code, waits.json()["status"]) == (201, "created")
    weaver = create(server, {**HELLO, "status": "create", "mode": "async"}, **how)
    assert (weaver.status_code, weaver.json()["status"]) == (201, "created")


def test_the_subscriber_of_a_created_job_is_told_after_its_start(server: LiveServer) -> None:
    with Receiver() as receiver:
        job = created(server, {**HELLO, "subscriber": receiver.subscriber()})
        assert "callbacks" not in server.get(f"/jobs/{job}").json()
        server.post(f"/jobs/{job}/results")
        receiver.wait(lambda r: bool(r.accepted("success")))
        assert [one.path for one in receiver.accepted()] == ["inProgress", "success"]


@pytest.mark.requirement(
    "part4/provenance/inputs-get-op",
    "part4/provenance/inputs-response",
    "part4/provenance/prov-get-op",
    "part4/provenance/prov-response",
)
def test_inputs_and_provenance_of_a_job(server: LiveServer) -> None:
    job = created(server, {**HELLO, "outputs": {"said": {"transmissionMode": "reference"}}})
    server.post(f"/jobs/{job}/results", headers={"Prefer": "wait=100"})
    answer = server.get(f"/jobs/{job}/inputs")
    assert answer.status_code == 200
    assert answer.json()["inputs"] == {"message": "hello"}
    assert answer.json()["outputs"] == {"said": {"transmissionMode": "reference"}}
    answer = server.get(f"/jobs/{job}/prov")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    document = answer.json()
    assert document["prefix"]["job"] == f"{server.url}/jobs/{job}/"
    assert document["used"] == {
        "_:used-message": {"prov:activity": "job:activity", "prov:entity": "job:inputs/message"}
    }
    assert document["wasGeneratedBy"]["_:made-said"]["prov:entity"] == "job:results/said"
    made = document["entity"]["job:results/said"]["prov:location"]["$"]
    assert requests.get(made, timeout=60).text == "hello\n"


@pytest.mark.parametrize("path", ["definition", "prov", "inputs"])
def test_a_job_that_is_not_there_has_none(server: LiveServer, path: str) -> None:
    answer = server.get(f"/jobs/unknown/{path}")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "no-such-job")
    assert server.post("/jobs/unknown/results").status_code == 404
    assert patch(server, "unknown", {}).status_code == 404
