from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.model.execution import ExecutionRequest, Subscriber
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.store.notifications import Outcome, Subscription
from pygeoapi_oapip.testing.operations import FakeOperations

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def job(operations: FakeOperations) -> Job:
    request = ExecutionRequest({}, subscriber=Subscriber(success="https://receiver.test/"))
    job = Job.new("echo", 1, "anonymous", "local", request.to_json())
    operations.jobs_by_id[job.id] = job
    return job


def test_the_class_is_declared(client: FlaskClient) -> None:
    declared = (client.get("/conformance").json or {})["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback" in declared


@pytest.mark.parametrize("version", ["oas30", "oas31"])
def test_the_definition_tells_what_receivers_get(client: FlaskClient, version: str) -> None:
    document = client.get(f"/openapi?f={version}").json
    assert document is not None
    told = document["paths"]["/processes/{processID}/execution"]["post"]["callbacks"]
    assert set(told) == {"inProgress", "success", "failed"}
    bodies = {}
    for name, reference in told.items():
        (address, item) = next(iter(document["components"]["callbacks"][reference["$ref"].rpartition("/")[2]].items()))
        assert address == f"{{$request.body#/subscriber/{name}Uri}}"
        bodies[name] = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert bodies == {"inProgress": "statusInfo", "success": "results", "failed": "exception"}


def test_what_was_told_is_shown_with_the_job(client: FlaskClient, operations: FakeOperations, job: Job) -> None:
    row = Subscription(job.id, NOON, wants_progress=False)
    operations.subscriptions[job.id] = row
    assert client.get(f"/jobs/{job.id}").json["callbacks"] == {"state": "open"}  # type: ignore[index]
    operations.subscriptions[job.id] = replace(row, attempts=2, note="receiver.test answers 500", told=10)
    assert client.get(f"/jobs/{job.id}").json["callbacks"] == {  # type: ignore[index]
        "state": "open",
        "progress": 10,
        "attempts": 2,
        "message": "receiver.test answers 500",
        "nextAttempt": "2026-01-01T12:00:00.000Z",
    }
    operations.subscriptions[job.id] = replace(row, outcome=Outcome.DELIVERED)
    assert client.get(f"/jobs/{job.id}").json["callbacks"] == {"state": "delivered"}  # type: ignore[index]


def test_a_job_without_subscriber_shows_nothing(client: FlaskClient, operations: FakeOperations) -> None:
    job = Job.new("echo", 1, "anonymous", "local", ExecutionRequest({}).to_json())
    operations.jobs_by_id[job.id] = job
    assert "callbacks" not in client.get(f"/jobs/{job.id}").json  # type: ignore[operator]
