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


@pytest.mark.parametrize(
    ("prefer", "passed_on", "status", "applied"),
    [
        ("respond-async", Preference(True), 201, "respond-async"),
        ("respond-async, wait=10", Preference(True, 10.0), 201, "respond-async"),
        ("respond-async;return=representation", Preference(True), 201, "respond-async"),
        ("wait=5", Preference(False, 5.0), 200, "wait=5"),
        ("respond-sync", Preference(), 201, None),
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


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "text/plain", None, "{}"])
def test_the_content_type_does_not_matter(client: FlaskClient, operations: FakeOperations, kind: str | None) -> None:
    response = client.post(EXECUTION, data='{"inputs": {"message": "x"}}', content_type=kind)
    assert response.status_code == 201
    assert operations.bodies == [{"inputs": {"message": "x"}}]


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_body_is_an_empty_object(client: FlaskClient, operations: FakeOperations, body: bytes) -> None:
    assert client.post(EXECUTION, data=body).status_code == 201
    assert operations.bodies == [{}]


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


def test_an_unknown_process_is_404(client: FlaskClient) -> None:
    response = client.post("/processes/none/execution", json={})
    assert response.status_code == 404
    assert response.json and response.json["type"].endswith("/no-such-process")


def test_a_synchronous_answer_links_its_job(client: FlaskClient) -> None:
    response = client.post(EXECUTION, json={}, headers={"Prefer": "wait=5"})
    assert (response.status_code, response.json) == (200, "hello")
    assert re.match(rf"<{BASE}/jobs/[^>]+>; rel=monitor", response.headers["Link"])


def test_a_synchronous_failure_tells_the_cause(client: FlaskClient, operations: FakeOperations) -> None:
    operations.problem = {"type": "about:blank", "detail": "step x exited with 3", "status": 500}
    response = client.post(EXECUTION, json={}, headers={"Prefer": "wait=5"})
    assert response.status_code == 500
    assert response.json and response.json["detail"] == "step x exited with 3"


def test_no_wanted_output_is_204(client: FlaskClient) -> None:
    response = client.post(EXECUTION, json={"outputs": {}}, headers={"Prefer": "wait=5"})
    assert (response.status_code, response.data) == (204, b"")
