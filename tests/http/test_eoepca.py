"""What the notebooks of EOEPCA rely on (`compat: {eoepca: true}`): each behaviour by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.app import compose
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import DoorOptions
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://zoo.example.org"
ROOT = "/alice/ogc-api"
ASYNC = {"Prefer": "respond-async"}
RESERVED = frozenset({"processes", "jobs", "openapi", "conformance", "health"})


def client(operations: FakeOperations, eoepca: bool) -> Client:
    app = create_app(operations, DoorOptions(BASE, eoepca=eoepca))
    return Client(compose(app, app, frozenset(), "", RESERVED))


@pytest.fixture
def notebook(operations: FakeOperations) -> Iterator[Client]:
    yield client(operations, True)


def started(notebook: Client) -> TestResponse:
    body = {"inputs": {"message": "x"}}
    return notebook.post(f"{ROOT}/processes/echo/execution", json=body, headers=ASYNC, buffered=True)


def status_of(answer: TestResponse) -> str:
    return str(answer.json["status"])  # type: ignore[index]


def test_job_is_running_from_the_first_answer_on(notebook: Client) -> None:
    """The loop of the notebook is `while status == "running"`: `accepted` would end it."""
    made = started(notebook)
    assert status_of(made) == "running"
    job = made.headers["Location"].removeprefix(BASE)
    assert status_of(notebook.get(job)) == "running"
    listed: Any = notebook.get(f"{ROOT}/jobs").json
    assert [row["status"] for row in listed["jobs"]] == ["running"]
    assert "accepted" not in notebook.get(f"{ROOT}/jobs", headers={"Accept": "text/html"}).text.partition("<table")[2]


def test_filter_by_status_finds_what_it_shows(notebook: Client) -> None:
    started(notebook)
    found: Any = notebook.get(f"{ROOT}/jobs?status=running").json
    assert len(found["jobs"]) == 1


def test_without_the_setting_a_job_that_waits_is_accepted(operations: FakeOperations) -> None:
    plain = client(operations, False)
    assert status_of(started(plain)) == "accepted"
    assert plain.get(f"{ROOT}/jobs?status=running").json["jobs"] == []  # type: ignore[index]


def test_answer_of_an_execution_has_the_id_and_an_absolute_location_with_the_user(notebook: Client) -> None:
    made = started(notebook)
    document: Any = made.json
    assert made.status_code == 201 and document["jobID"] == document["id"] and len(document["jobID"]) == 36
    assert made.headers["Location"] == f"{BASE}{ROOT}/jobs/{document['jobID']}"
    assert made.headers["Preference-Applied"] == "respond-async"


def test_results_are_json_with_200(notebook: Client, operations: FakeOperations) -> None:
    made = started(notebook)
    job: Any = made.json
    operations.jobs_by_id[job["id"]] = operations.finish(operations.jobs_by_id[job["id"]])
    assert status_of(notebook.get(f"{ROOT}/jobs/{job['id']}")) == "successful"
    results = notebook.get(f"{ROOT}/jobs/{job['id']}/results")
    assert results.status_code == 200 and isinstance(results.json, dict)


def test_deployment_and_undeployment_have_their_statuses(notebook: Client) -> None:
    unit = {"executionUnit": {"href": "https://example.org/convert-url.cwl", "type": "application/cwl"}}
    made = notebook.post(f"{ROOT}/processes?w=convert-url", json=unit)
    assert made.status_code == 201 and made.headers["Location"].startswith(f"{BASE}{ROOT}/processes/")
    gone = notebook.delete(f"{ROOT}/processes/echo")
    assert gone.status_code == 204 and gone.data == b""


def test_list_of_processes_is_json_for_whoever_asks_for_it(notebook: Client) -> None:
    found: Any = notebook.get(f"{ROOT}/processes", headers={"Accept": "application/json"}).json
    assert "echo" in [row["id"] for row in found["processes"]]
    assert notebook.get(f"{ROOT}/").status_code == 200
