"""GET /processes/{processID}/execution (2.0 kvp-execute)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.testing.operations import FakeOperations

EXECUTION = "/processes/echo/execution"


@pytest.mark.requirement("part1-2.0/kvp-execute/process-execute-op")
def test_a_query_executes_as_a_body_does(client: FlaskClient, operations: FakeOperations) -> None:
    operations.validates = True
    response = client.get(f"{EXECUTION}?Message=hi&many=1,2&message[include]=true&nothing=known")
    assert response.status_code == 201
    assert response.headers["Location"].endswith(response.json["jobID"])  # type: ignore[index]
    assert response.headers["Cache-Control"] == "no-store"
    assert operations.bodies == [{"inputs": {"message": "hi", "many": [1, 2]}, "outputs": {"message": {}}}]


@pytest.mark.requirement("part1-2.0/kvp-execute/prefer-response", "part1-2.0/kvp-execute/f-response")
def test_response_parameters_act_as_headers(client: FlaskClient, operations: FakeOperations) -> None:
    query = f"{EXECUTION}?message=hi&response[prefer]=wait%3D7"
    response = client.get(query, headers={"Prefer": "respond-async"})
    assert (response.status_code, response.json) == (200, "hello")
    assert response.headers["Preference-Applied"] == "wait=7"
    assert operations.preferences == [Preference(False, 7.0)]
    assert "rel=monitor" in response.headers["Link"]
    assert client.get(f"{query}&response[f]=json").json == {"message": "hello"}
    assert client.get(f"{query}&response[f]=text/plain").text == "hello"
    assert client.get(f"{query}&response[f]=text/html").content_type.startswith("text/html")
    assert client.get(f"{query}&response[f]=multipart/related&response=raw").mimetype == "application/json"


def test_headers_count_where_the_query_says_nothing(client: FlaskClient) -> None:
    response = client.get(f"{EXECUTION}?message=hi", headers={"Prefer": "wait=7", "Accept": "text/plain"})
    assert response.text == "hello"


@pytest.mark.parametrize(
    ("query", "status", "location"),
    [
        ("many=1", 400, "inputs.message"),
        ("message=a&many=1,b", 400, "inputs.many[1]"),
        ("message=a&message=b", 400, ""),
        ("message=a&message[include]=perhaps", 400, ""),
        ("message=a&response[f]=zip&response[prefer]=wait=1", 400, ""),
        ("message=a&response[prefer]=handling=strict,odd", 400, ""),
        ("message=a&response=both", 400, "response"),
    ],
)
def test_what_is_wrong_is_refused(
    client: FlaskClient, operations: FakeOperations, query: str, status: int, location: str
) -> None:
    operations.validates = True
    response = client.get(f"{EXECUTION}?{query}")
    assert (response.status_code, response.content_type) == (status, "application/json")
    assert response.json is not None
    assert [row["location"] for row in response.json.get("errors", [])] == ([location] if location else [])


def test_head_does_not_execute(client: FlaskClient, operations: FakeOperations) -> None:
    assert client.head(f"{EXECUTION}?message=hi").status_code == 405
    assert operations.bodies == []


def test_an_unknown_process_is_404(client: FlaskClient) -> None:
    response = client.get("/processes/none/execution?x=1")
    assert response.status_code == 404
    assert response.json and response.json["type"].endswith("/no-such-process")
