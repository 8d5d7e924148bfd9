"""Requests that are wrong on purpose: never a 5xx, never HTML to a program, never the inside of the server."""

from __future__ import annotations

import random

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pygeoapi_oapip.testing.operations import FakeOperations

PATHS = [
    "/processes/{}",
    "/processes/{}/execution",
    "/processes/{}/package",
    "/processes/{}/history",
    "/jobs/{}",
    "/jobs/{}/results",
    "/jobs/{}/results/x",
    "/jobs/{}/logs",
    "/jobs/x/results/{}",
    "/jobs/x/results/x/{}",
    "/{}",
]
IDENTIFIERS = [
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "..",
    ".",
    "%00",
    "a%00b",
    "%0d%0aX-Evil:%201",
    "%ff%fe",
    "%",
    "%zz",
    "x" * 10_000,
    "%F0%9F%98%80",
    "'; DROP TABLE jobs; --",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "${jndi:x}",
    "a%20b",
    "con",
    "/",
    "//",
    "%ED%A0%80",
    "\u202e",
]
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def assert_sound(response: TestResponse) -> None:
    assert response.status_code < 500
    assert "html" not in response.content_type
    assert "X-Evil" not in response.headers
    assert b"Traceback" not in response.data


@pytest.mark.parametrize("path", PATHS)
def test_identifiers_that_nothing_has_are_404(client: FlaskClient, path: str) -> None:
    for identifier in IDENTIFIERS:
        response = client.get(path.format(identifier))
        assert_sound(response)
        assert response.status_code == 404 or identifier in (".", "/", "//", ".."), identifier


def test_processes_that_nothing_is_called_are_not_executed(client: FlaskClient, operations: FakeOperations) -> None:
    for identifier in IDENTIFIERS:
        response = client.post(f"/processes/{identifier}/execution", json={"inputs": {}})
        assert_sound(response)
        assert response.status_code in (404, 405), identifier
    assert operations.bodies == []


@pytest.mark.parametrize("name", ["Prefer", "Accept", "Content-Type", "X-Any"])
def test_headers_with_line_ends_are_not_repeated(client: FlaskClient, name: str) -> None:
    environ = {"HTTP_" + name.upper().replace("-", "_"): "wait=1\r\nX-Evil: 1", "CONTENT_TYPE": "a/b\r\nX-Evil: 1"}
    assert_sound(client.post("/processes/echo/execution", data="{}", environ_overrides=environ))


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "GET\t", "x" * 200]
)
@pytest.mark.parametrize(
    "path", ["/", "/processes", "/processes/fixed", "/jobs", "/jobs/x", "/openapi", "/jobs/x/results"]
)
def test_methods_that_are_not_there_are_refused(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method)
    assert_sound(response)
    assert response.status_code in (400, 403, 404, 405, 415)


@pytest.mark.parametrize(
    "name", ["Accept", "Prefer", "If-None-Match", "Range", "Content-Type", "Cookie", "Accept-Language"]
)
@pytest.mark.parametrize(
    "value", ["", ",", ";;==", "q=", '"', "\x7f", "*/*;q=1e999", "a/b;q=nan", "x" * 20_000, "ÿ" * 50, "W/"]
)
def test_headers_that_make_no_sense_do_no_harm(client: FlaskClient, name: str, value: str) -> None:
    environ = {"HTTP_" + name.upper().replace("-", "_"): value, "CONTENT_TYPE": value}
    for path in ("/processes", "/processes/echo", "/jobs", "/"):
        response = client.get(path, environ_overrides=environ)
        assert_sound(response)
        assert response.status_code in (200, 304)
    assert_sound(client.post("/processes/echo/execution", data="{}", environ_overrides=environ))


@pytest.mark.parametrize("length", ["-1", "abc", "1e9", "", "9" * 400, "0x10"])
def test_lengths_that_are_none_do_no_harm(client: FlaskClient, length: str) -> None:
    response = client.post("/processes/echo/execution", data=b"{}", environ_overrides={"CONTENT_LENGTH": length})
    assert_sound(response)


@SETTINGS
@given(body=st.binary(max_size=200))
def test_bodies_of_any_bytes_are_answered(client: FlaskClient, body: bytes) -> None:
    response = client.post("/processes/echo/execution", data=body)
    assert_sound(response)
    assert response.status_code in (201, 400)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@SETTINGS
@given(body=st.fixed_dictionaries({}, optional=dict.fromkeys(("inputs", "outputs", "response", "mode"), JSON_VALUES)))
def test_json_of_any_shape_is_answered(client: FlaskClient, body: dict[str, object]) -> None:
    response = client.post("/processes/echo/execution", json=body)
    assert_sound(response)
    assert response.status_code in (201, 400)


@SETTINGS
@given(
    name=st.sampled_from(["limit", "offset", "page", "status", "datetime", "minDuration", "f", "type"]), text=st.text()
)
def test_parameters_of_any_text_are_answered(client: FlaskClient, name: str, text: str) -> None:
    for path in ("/jobs", "/processes"):
        response = client.get(path, query_string={name: text}, headers={"Accept": "application/json"})
        assert response.status_code in (200, 400)
        assert text == "html" or "html" not in response.content_type


@SETTINGS
@given(accept=st.text(alphabet='abhjlmnopst/*;,=q.01 "+', max_size=60))
def test_any_accept_header_is_answered(client: FlaskClient, accept: str) -> None:
    assert client.get("/processes", headers={"Accept": accept}).status_code == 200


def test_a_page_shows_hostile_names_as_text(client: FlaskClient) -> None:
    response = client.get("/processes/%3Cscript%3Ealert(1)%3C%2Fscript%3E?f=html")
    assert response.status_code == 404 and "<script>alert(1)" not in response.text


def test_truncated_requests_are_answered(client: FlaskClient) -> None:
    body = b'{"inputs": {"message": "' + "ä€😀".encode() * 5 + b'"}, "outputs": {}}'
    generator = random.Random(7)
    for end in generator.sample(range(1, len(body)), 40):
        response = client.post("/processes/echo/execution", data=body[:end])
        assert response.status_code == 400
        assert_sound(response)
