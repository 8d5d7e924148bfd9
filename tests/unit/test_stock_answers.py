"""Stored results by the route of stock pygeoapi."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import flask
import pytest
from werkzeug.exceptions import HTTPException

from pygeoapi_oapip.model.identity import ANONYMOUS_NAME, Principal
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.operations import Operations, ServedFile
from pygeoapi_oapip.stock.answers import Answers


@dataclass(frozen=True)
class Stored:
    body: bytes
    size: int | None
    etag: str = "tag"
    modified: None = None

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        yield self.body[start:] if length is None else self.body[start : start + length]


class Service:
    """Has one result."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored

    def result_file(self, principal: Principal, job_id: str, output_id: str, path: str) -> ServedFile:
        return ServedFile(None, "a.txt", "text/plain", self.stored)


JOB = Job.new("p", 1, ANONYMOUS_NAME, "local", {})


def answers(stored: Stored) -> Answers:
    return Answers(cast(Operations, Service(stored)), Principal(ANONYMOUS_NAME))


def streamed(stored: Stored, **headers: str) -> flask.Response:
    given: Any = list(headers.items())
    with flask.Flask("x").test_request_context("/jobs/j/results?output=o", headers=given):
        with pytest.raises(HTTPException) as caught:
            answers(stored).file(JOB, "o", "")
    assert isinstance(caught.value.response, flask.Response)
    return caught.value.response


def test_one_output_is_streamed_with_ranges() -> None:
    response = streamed(Stored(b"0123456789", 10), Range="bytes=2-4")
    assert (response.status_code, response.get_data()) == (206, b"234")
    assert response.headers["Content-Security-Policy"] == "sandbox"


def test_length_that_is_not_known_is_streamed() -> None:
    response = streamed(Stored(b"zip", None))
    assert (response.status_code, response.get_data()) == (200, b"zip")
    assert "Content-Length" not in response.headers


def test_small_result_is_given_to_pygeoapi_as_bytes() -> None:
    assert answers(Stored(b"abc", 3)).file(JOB, "o", "") == ("text/plain", b"abc")
    with flask.Flask("x").test_request_context("/jobs/j/results"):
        assert answers(Stored(b"abc", 3)).file(JOB, "o", "") == ("text/plain", b"abc")
