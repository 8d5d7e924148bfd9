"""Part 1 execution: modes, preferences, bodies and the 201."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
EXECUTION = "/processes/echo/execution"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(nulls(item) for item in value.values())
    return any(nulls(item) for item in value) if isinstance(value, list) else value is None


@pytest.mark.requirement(
    "part1/core/process-execute-op",
    "part1/core/process-execute-success-async",
    "part1-2.0/core/process-execute-success-async",
    "client/rule-03",
    "client/rule-04",
)
def test_without_a_preference_the_answer_is_a_full_status(client: FlaskClient) -> None:
    response = client.post(EXECUTION, json={"inputs": {"message": "x"}})
    assert response.status_code == 201
    status = response.json
    assert status is not None
    assert response.headers["Location"] == f"{BASE}/jobs/{status['jobID']}"
    assert status["id"] == status["jobID"]
    assert (status["processID"], status["type"], status["status"]) == ("echo", "process", "accepted")
    assert status["processingEntityType"] == "ogc-api-processes"
    assert type(status["progress"]) is int
    assert RFC3339.fullmatch(status["created"]) and RFC3339.fullmatch(status["updated"])
    assert not nulls(status)
    assert "Preference-Applied" not in response.headers
    rels = {link["rel"] for link in status["links"]}
    assert {"self", "monitor"} <= rels and not any("results" in rel for rel in rels)


@pytest.mark.requirement(
    "part1/core/process-execute-honor-prefer", "part1/core/process-execute-preference-applied", "client/rule-02"
)
@pytest.mark.parametrize(
    ("prefer", "passed_on", "status", "applied"),
    [
        ("respond-async", Preference(True), 201, "respond-async"),
        ("respond-async, wait=10", Preference(True, 10.0), 201, "respond-async"),
        ("respond-async;return=representation", Preference(True), 201, "respond-async"),
        ("wait=5", Preference(False, 5.0), 200, "wait=5"),
        ("respond-sync", Preference(), 201, None),
        ("wait=500", Preference(False, 500.0), 200, "wait=30"),
        ("wait=5; handling=lenient, foo", Preference(False, 5.0), 200, "wait=5, handling=lenient"),
        ("handling=strict, respond-async", Preference(True, None, True), 201, "respond-async, handling=strict"),
    ],
)
def test_preferences_are_passed_on_and_reported(
    client: FlaskClient,
    operations: FakeOperations,
    prefer: str,
    passed_on: Preference,
    status: int,
    applied: str | None,
) -> None:
    response = client.post(EXECUTION, json={}, headers={"Prefer": prefer})
    assert response.status_code == status
    assert response.headers.get("Preference-Applied") == applied
    assert operations.preferences == [passed_on]


@pytest.mark.parametrize(
    ("mode", "prefer", "respond_async", "wait"),
    [
        ("async", None, True, None),
        ("sync", None, False, 30.0),
        ("auto", None, False, None),
        ("sync", "respond-async", True, None),
        ("async", "wait=3", False, 3.0),
        (7, None, False, None),
    ],
)
def test_the_old_mode_member_counts_where_no_preference_is_given(
    client: FlaskClient,
    operations: FakeOperations,
    mode: object,
    prefer: str | None,
    respond_async: bool,
    wait: float | None,
) -> None:
    client.post(EXECUTION, json={"mode": mode}, headers={"Prefer": prefer} if prefer else {})
    preference = operations.preferences[0]
    assert (preference.respond_async, preference.wait) == (respond_async, wait)


@pytest.mark.requirement("client/rule-07")
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", None, "{}"])
def test_the_content_type_does_not_matter(client: FlaskClient, operations: FakeOperations, kind: str | None) -> None:
    response = client.post(EXECUTION, data='{"inputs": {"message": "x"}}', content_type=kind)
    assert response.status_code == 201
    assert operations.bodies == [{"inputs": {"message": "x"}}]


@pytest.mark.requirement("client/rule-07")
@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_body_is_an_empty_object(client: FlaskClient, operations: FakeOperations, body: bytes) -> None:
    assert client.post(EXECUTION, data=body).status_code == 201
    assert operations.bodies == [{}]


@pytest.mark.requirement("part1/core/process-execute-request", "client/rule-06")
@pytest.mark.parametrize("body", ["[]", '"x"', "1", "true", "null", "{", "NaN", '{"a":1,"a":2}', "[" * 5000])
def test_a_body_that_is_not_an_object_is_400(client: FlaskClient, operations: FakeOperations, body: str) -> None:
    response = client.post(EXECUTION, data=body)
    assert response.status_code == 400
    assert response.content_type == "application/json"
    assert response.json and response.json["status"] == 400 and response.json["detail"]
    assert operations.bodies == []


def test_a_body_over_the_limit_is_413(client: FlaskClient) -> None:
    response = client.post(EXECUTION, data=b" " * 10_001)
    assert response.status_code == 413
    assert response.json and "10000 bytes" in response.json["detail"]


def test_a_body_that_only_claims_to_be_large_is_413_before_it_is_read(client: FlaskClient) -> None:
    class Unread:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    environ = {"wsgi.input": Unread(), "CONTENT_LENGTH": "999999999"}
    assert client.post(EXECUTION, environ_overrides=environ).status_code == 413


@pytest.mark.requirement("part1/core/process-exception/no-such-process")
def test_an_unknown_process_is_404(client: FlaskClient) -> None:
    response = client.post("/processes/none/execution", json={})
    assert response.status_code == 404
    assert response.json and response.json["type"].endswith("/no-such-process")


@pytest.mark.requirement("part1/core/job-results-success-sync", "part1/core/process-execute-sync-raw-value-one")
def test_a_synchronous_answer_links_its_job(client: FlaskClient) -> None:
    response = client.post(EXECUTION, json={}, headers={"Prefer": "wait=5"})
    assert (response.status_code, response.json) == (200, "hello")
    assert re.match(rf"<{BASE}/jobs/[^>]+>; rel=monitor", response.headers["Link"])
    assert re.fullmatch(rf"{BASE}/jobs/[^/]+", response.headers["Location"])


@pytest.mark.requirement("part1/core/job-results-failed")
@pytest.mark.parametrize(
    ("problem", "status"),
    [
        ({"type": "about:blank", "detail": "step x exited with 3", "status": 500}, 500),
        ({"type": "http://e.org/gone", "title": "Gone", "detail": "inputs.a: gone", "status": 400, "errors": [1]}, 400),
        ({"detail": "no address", "status": 403}, 403),
        ({"detail": "too much", "status": 413}, 413),
        ({"detail": "the store was away", "status": 503}, 500),
        ({"detail": "odd", "status": "400"}, 500),
        ({"detail": "odd", "status": 200}, 500),
        ({}, 500),
    ],
)
def test_a_failure_has_the_status_and_type_of_its_cause(
    client: FlaskClient, operations: FakeOperations, problem: dict[str, Any], status: int
) -> None:
    operations.problem = problem
    response = client.post(EXECUTION, json={}, headers={"Prefer": "wait=5"})
    again = client.get(response.headers["Location"].removeprefix(BASE) + "/results")
    for answer in (response, again):
        assert (answer.status_code, answer.content_type) == (status, "application/json")
        assert answer.json is not None
        assert answer.json["type"] == problem.get("type", "about:blank")
        assert answer.json["detail"] == problem.get("detail", "")
        assert answer.json["status"] == status
        assert answer.json.get("errors") == problem.get("errors")
    assert "rel=monitor" in response.headers["Link"]


@pytest.mark.requirement(
    "part1-2.0/core/process-execute-empty-outputs", "part1-2.0/core/job-results-exception/results-not-available"
)
def test_no_wanted_output_is_204_and_nothing_to_fetch(client: FlaskClient) -> None:
    response = client.post(EXECUTION, json={"outputs": {}}, headers={"Prefer": "wait=5"})
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    for path in ("/results", "/results/message"):
        missing = client.get(response.headers["Location"].removeprefix(BASE) + path)
        assert missing.status_code == 404
        assert missing.json and missing.json["type"].endswith("/result-not-available")


@pytest.mark.parametrize(
    ("prefer", "named"), [("handling=strict, respond-sync", "respond-sync"), ("handling=strict; wait=soon", "wait")]
)
def test_strict_handling_refuses_before_a_job_exists(
    client: FlaskClient, operations: FakeOperations, prefer: str, named: str
) -> None:
    response = client.post(EXECUTION, json={}, headers={"Prefer": prefer})
    assert response.status_code == 400
    assert response.json and f"Prefer: {named}" in response.json["detail"]
    assert operations.bodies == []


@pytest.mark.requirement("part1/core/process-execute-input-validation", "part1-2.0/core/process-execute-request")
def test_all_violations_are_told_together(client: FlaskClient, operations: FakeOperations) -> None:
    operations.validates = True
    body = {
        "process": "https://example.org/api/processes/other",
        "inputs": {"many": [1, "two"], "odd": 1},
        "outputs": {"message": {"transmissionMode": "carrier pigeon"}, "none": {}},
        "response": "both",
    }
    response = client.post(EXECUTION, json=body)
    assert response.status_code == 400
    assert response.json is not None
    rows = {row["location"]: row["rule"] for row in response.json["errors"]}
    assert rows == {
        "process": "process",
        "inputs.odd": "unknown",
        "inputs.message": "required",
        "inputs.many[1]": "type",
        "outputs.message.transmissionMode": "enum",
        "outputs.none": "unknown",
        "response": "enum",
    }
    for row in response.json["errors"]:
        assert f"{row['location']}: {row['detail']}" in response.json["detail"]
    assert not operations.jobs_by_id


@pytest.mark.requirement("part1-2.0/core/process-execute-request")
@pytest.mark.parametrize(
    "named", ["echo", "/processes/echo", "https://example.org/api/processes/echo", "../processes/echo/", None]
)
def test_the_process_of_the_body_may_be_that_of_the_address(
    client: FlaskClient, operations: FakeOperations, named: str | None
) -> None:
    operations.validates = True
    body = {"process": named, "inputs": {"message": "x"}}
    assert client.post(EXECUTION, json=body).status_code == 201
