from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.errors import PART4
from pygeoapi_oapip.testing.operations import FakeOperations

from .conftest import BASE

ECHO = {"process": "echo", "inputs": {"message": "x"}}


def created(client: FlaskClient, definition: Any = None) -> str:
    answer = client.post("/jobs", json=definition or ECHO)
    assert answer.status_code == 201
    return str(answer.get_json()["id"])


@pytest.mark.parametrize("name", ["job-management", "ogcapi-processes", "provenance"])
def test_the_classes_are_declared(client: FlaskClient, name: str) -> None:
    declared = (client.get("/conformance").json or {})["conformsTo"]
    assert f"http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/{name}" in declared


def test_a_created_job_is_told_with_its_place(client: FlaskClient) -> None:
    answer = client.post("/jobs", data=json.dumps(ECHO), content_type="application/json; charset=utf-8")
    assert answer.status_code == 201
    assert answer.get_json()["status"] == "created"
    assert answer.headers["Location"] == f"{BASE}/jobs/{answer.get_json()['jobID']}"


def test_a_missing_media_type_is_taken_for_json(client: FlaskClient) -> None:
    answer = client.post("/jobs", data=json.dumps(ECHO))
    assert answer.status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/cwl+json", "json"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/jobs"), ("PATCH", "/jobs/unknown")])
def test_other_media_types_are_refused_first(client: FlaskClient, kind: str, method: str, path: str) -> None:
    answer = client.open(path, method=method, data="{", content_type=kind)
    assert (answer.status_code, answer.get_json()["type"]) == (415, PART4 + "unsupported-media-type")


@pytest.mark.parametrize("schema", ["https://openeo.org/process-graph.json", "", "execute.yaml", "execute.yamlx"])
def test_only_the_schema_of_execute_requests_is_supported(client: FlaskClient, schema: str) -> None:
    answer = client.post("/jobs", json=ECHO, headers={"Content-Schema": schema})
    if schema in ("", "execute.yaml"):
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.get_json()["type"]) == (422, PART4 + "unsupported-schema")


@pytest.mark.parametrize(
    ("headers", "members", "status"),
    [
        ({}, {}, "created"),
        ({"Prefer": "respond-sync"}, {}, "created"),
        ({"Prefer": "respond-async"}, {}, "accepted"),
        ({}, {"mode": "async"}, "accepted"),
        ({}, {"mode": "auto"}, "created"),
        ({"Prefer": "respond-async, status=created"}, {}, "created"),
        ({"Prefer": 'status="created"; respond-async'}, {}, "created"),
        ({"Prefer": "respond-async"}, {"status": "create"}, "created"),
        ({"Prefer": "respond-async"}, {"status": "started"}, "accepted"),
    ],
)
def test_what_the_client_says_of_execution_decides(
    client: FlaskClient, headers: dict[str, str], members: dict[str, str], status: str
) -> None:
    answer = client.post("/jobs", json={**ECHO, **members}, headers=headers)
    assert (answer.status_code, answer.get_json()["status"]) == (201, status)


def test_a_wait_at_creation_gives_the_results(client: FlaskClient, operations: FakeOperations) -> None:
    answer = client.post("/jobs", json={**ECHO, "process": f"{BASE}/processes/echo"}, headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.text) == (200, '"hello"')
    assert operations.preferences[-1].wait == 5


def test_a_change_merges_members_and_null_removes_one(client: FlaskClient) -> None:
    job = created(client, {**ECHO, "response": "raw", "x": 1})
    answer = client.patch(f"/jobs/{job}", json={"inputs": {"many": [1]}, "response": None})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "created")
    assert client.get(f"/jobs/{job}/definition").json == {"process": "echo", "inputs": {"many": [1]}, "x": 1}
    assert (client.get(f"/jobs/{job}/inputs").json or {})["inputs"] == {"many": [1]}


def test_a_change_needs_a_body(client: FlaskClient) -> None:
    job = created(client)
    assert client.patch(f"/jobs/{job}").status_code == 400
    assert client.patch(f"/jobs/{job}", json={}).status_code == 200


def test_a_started_job_is_locked(client: FlaskClient) -> None:
    job = created(client)
    started = client.post(f"/jobs/{job}/results", headers={"Prefer": "respond-async"})
    assert (started.status_code, started.get_json()["status"]) == (200, "accepted")
    assert started.headers["Preference-Applied"] == "respond-async"
    for answer in (client.patch(f"/jobs/{job}", json={}), client.post(f"/jobs/{job}/results")):
        assert (answer.status_code, answer.get_json()["type"]) == (423, PART4 + "locked")
        assert "accepted" in answer.get_json()["detail"]


def test_a_definition_is_made_for_a_job_that_was_executed(client: FlaskClient) -> None:
    body = {
        "inputs": {"message": "x", "many": [1, 2]},
        "outputs": {"message": {"transmissionMode": "value"}},
        "response": "document",
        "subscriber": {"successUri": "https://receiver.test/"},
        "mode": "async",
    }
    job = client.post("/processes/echo/execution", json=body).get_json()["jobID"]
    definition = client.get(f"/jobs/{job}/definition").json or {}
    assert definition["process"] == f"{BASE}/processes/echo"
    assert definition["inputs"]["message"] == "x"
    assert created(client, definition)


@pytest.mark.parametrize("path", ["/jobs/x/definition", "/jobs/x/prov"])
def test_errors_are_json_also_for_unknown_jobs(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (404, "no-such-job")


@pytest.mark.parametrize("body", ["[]", "7", '"x"', "null", "{", '{"process": "echo", "process": "echo"}', "\xff"])
def test_what_is_no_object_is_refused(client: FlaskClient, body: str) -> None:
    job = created(client)
    for path, method in (("/jobs", "POST"), (f"/jobs/{job}", "PATCH")):
        answer = client.open(path, method=method, data=body.encode("latin-1"), content_type="application/json")
        assert answer.status_code == 400
        assert answer.is_json


def test_provenance_is_json(client: FlaskClient) -> None:
    answer = client.get(f"/jobs/{created(client)}/prov")
    assert answer.status_code == 200
    assert answer.is_json


def test_created_jobs_are_listed_only_where_they_are_asked_for(client: FlaskClient) -> None:
    job = created(client)
    assert client.get("/jobs").get_json()["jobs"] == []
    assert [row["jobID"] for row in client.get("/jobs?status=created").get_json()["jobs"]] == [job]
    assert [row["jobID"] for row in client.get("/jobs?status=accepted,created").get_json()["jobs"]] == [job]
