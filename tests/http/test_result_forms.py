"""The forms of results: raw, by reference, minimal or whole, and what is refused."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import Message
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

BASE = "https://example.org/api"

pytestmark = pytest.mark.usefixtures("results")


def sync(client: FlaskClient, body: dict[str, Any], accept: str = "*/*") -> TestResponse:
    headers = {"Prefer": "wait=5", "Accept": accept}
    return client.post("/processes/echo/execution", json=body, headers=headers)


def finished(client: FlaskClient, body: dict[str, Any]) -> str:
    return sync(client, body).headers["Location"].rpartition("/")[2]


def run(client: FlaskClient, *outputs: str) -> str:
    return finished(client, {"outputs": {name: {} for name in outputs}} if outputs else {})


def parts(response: TestResponse) -> list[Message]:
    head = f"Content-Type: {response.content_type}\r\n\r\n".encode()
    return list(message_from_bytes(head + response.data, policy=policy.HTTP).iter_parts())


@pytest.mark.requirement(
    "part1/core/job-results-async-raw-ref",
    "part1/core/job-results-async-raw-mixed-multi",
    "part1/core/job-results-async-raw-value-multi",
)
def test_asynchronous_raw_results_have_the_same_forms(client: FlaskClient) -> None:
    reference = {"transmissionMode": "reference"}
    job_id = finished(client, {"outputs": {"map": reference, "score": reference}, "response": "raw"})
    response = client.get(f"/jobs/{job_id}/results")
    assert (response.status_code, response.data, len(response.headers.getlist("Link"))) == (204, b"", 2)
    assert "Content-Type" not in response.headers
    assert any('type="image/tiff"' in link for link in response.headers.getlist("Link"))
    job_id = finished(client, {"outputs": {"map": reference, "score": {}}, "response": "raw"})
    response = client.get(f"/jobs/{job_id}/results")
    score, tiff = parts(response)
    assert tiff["Content-Location"] == f"{BASE}/jobs/{job_id}/results/map"
    assert tiff.get_content_type() == "image/tiff" and tiff.get_payload(decode=True) == b""
    assert score["Content-ID"] == "<score>" and "Content-Location" not in score


MINIMAL, WHOLE = {"Prefer": "return=minimal"}, {"Prefer": "return=representation"}


@pytest.mark.requirement("part1/core/process-execute-preference-applied", "client/rule-02")
def test_minimal_results_are_links_whatever_the_request_said(client: FlaskClient) -> None:
    by_value = {"transmissionMode": "value"}
    for response_form in ("raw", "document", None):
        body = {"outputs": {"map": by_value, "score": by_value}, "response": response_form}
        response = client.get(f"/jobs/{finished(client, body)}/results", headers=MINIMAL)
        assert response.headers["Preference-Applied"] == "return=minimal"
        assert response.json and response.json["score"] == 0.5
        assert set(response.json["map"]) == {"href", "type", "title", "length"}


@pytest.mark.requirement("part1/core/process-execute-preference-applied")
def test_whole_results_have_the_contents_except_where_a_reference_was_asked_for(client: FlaskClient) -> None:
    job_id = finished(client, {"outputs": {"texts": {}, "score": {}, "map": {"transmissionMode": "reference"}}})
    response = client.get(f"/jobs/{job_id}/results", headers=WHOLE)
    assert response.headers["Preference-Applied"] == "return=representation"
    assert response.json and response.json["texts"] == [{"value": "hello", "mediaType": "text/plain"}] * 2
    assert response.json["map"]["href"].endswith("/results/map")


@pytest.mark.requirement("part1/core/process-execute-preference-applied")
@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=5, return=minimal", "wait=5, return=minimal"),
        ("wait=5; return=representation; handling=strict", "wait=5, return=representation, handling=strict"),
        ("wait=5, return=other", "wait=5"),
    ],
)
def test_a_synchronous_answer_reports_what_it_applied(client: FlaskClient, prefer: str, applied: str) -> None:
    response = client.post(
        "/processes/echo/execution", json={"outputs": {"score": {}, "texts": {}}}, headers={"Prefer": prefer}
    )
    assert response.headers["Preference-Applied"] == applied


def test_return_has_no_effect_on_a_status_and_is_not_reported(client: FlaskClient) -> None:
    headers = {"Prefer": "respond-async, return=minimal"}
    response = client.post("/processes/echo/execution", json={}, headers=headers)
    assert response.headers["Preference-Applied"] == "respond-async"
    assert response.json and response.json["links"]


def test_strict_handling_counts_for_results_too(client: FlaskClient) -> None:
    address = f"/jobs/{run(client, 'score')}/results"
    assert client.get(address, headers={"Prefer": "handling=strict, odd"}).status_code == 400
    assert client.get(address, headers={"Prefer": "odd"}).status_code == 200


@pytest.mark.requirement(
    "part1-2.0/core/job-results-profile",
    "part1-2.0/query-param-profile/definition",
    "part1-2.0/query-param-profile/response",
)
@pytest.mark.parametrize("query", ["", "?profile=ogc-results", "?profile=a,[ogc-profile:b]", "?profile="])
def test_documents_link_their_profile(client: FlaskClient, query: str) -> None:
    profile = "http://www.opengis.net/def/profile/OGC/0/"
    for path, name in (
        (f"/jobs/{run(client)}/results", "ogc-results"),
        ("/processes", "ogc-process-list"),
        ("/processes/echo", "ogc-process-description"),
    ):
        response = client.get(path + query)
        assert response.status_code == 200
        assert f'<{profile}{name}>; rel="profile"' in response.headers.getlist("Link")


@pytest.mark.requirement("part1-2.0/core/process-execute-sync-one", "part1-2.0/core/process-execute-sync-many")
@pytest.mark.parametrize(
    ("output", "accept", "status"),
    [
        ("map", "image/png", 406),
        ("map", "text/csv, image/png;q=0.5", 406),
        ("map", "image/tiff;q=0, image/png", 406),
        ("map", "image/tiff", 200),
        ("map", "image/*", 200),
        ("map", "image/png, */*;q=0.1", 200),
        ("map", "application/json", 200),
        ("map", "text/html", 200),
        ("map", "nonsense", 200),
        ("map", "", 200),
        ("score", "text/plain", 200),
        ("score", "text/csv", 406),
        ("texts", "application/geo+json", 200),
        ("tiles", "application/zip", 200),
    ],
)
def test_only_an_accept_that_leaves_nothing_is_refused(
    client: FlaskClient, output: str, accept: str, status: int
) -> None:
    response = sync(client, {"outputs": {output: {}}}, accept)
    assert response.status_code == status
    assert any("rel=monitor" in link for link in response.headers.getlist("Link"))
    address = response.headers["Location"].removeprefix(BASE)
    assert client.get(f"{address}/results/{output}", headers={"Accept": accept}).status_code == status


def test_several_outputs_are_refused_in_2_0_and_parts_in_1_0(client: FlaskClient) -> None:
    outputs: dict[str, Any] = {"score": {}, "map": {}}
    assert sync(client, {"outputs": outputs}, "text/csv").status_code == 406
    assert sync(client, {"outputs": outputs, "response": "raw"}, "text/csv").mimetype == "multipart/related"
    assert sync(client, {"outputs": outputs, "response": "document"}, "text/csv").mimetype == "application/json"


def test_a_raw_literal_may_be_asked_for_as_text(client: FlaskClient) -> None:
    body = {"outputs": {"score": {"format": {"mediaType": "text/plain"}}}, "response": "raw"}
    response = sync(client, body)
    assert (response.content_type, response.text) == ("text/plain; charset=utf-8", "0.5")


@pytest.mark.parametrize("headers", [WHOLE, {"Accept": "multipart/related"}])
def test_a_file_that_is_gone_is_404_in_every_form(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.get(f"/jobs/{run(client, 'gone', 'score')}/results", headers=headers)
    assert (response.status_code, response.content_type) == (404, "application/json")
