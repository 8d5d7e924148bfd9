"""Errors of the service in the forms that pygeoapi answers with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import NoReturn

import flask
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError, ProcessorExecuteError
from werkzeug.exceptions import HTTPException

from ..errors import NoSuchJob, OapipError


class ExecuteError(ProcessorExecuteError):  # type: ignore[misc]  # pygeoapi has no types
    """An error of the service in the form that pygeoapi answers with."""

    def __init__(self, error: OapipError) -> None:
        super().__init__(error.detail, user_msg=error.detail)
        self.http_status_code = HTTPStatus(error.status)
        self.ogc_exception_code = error.code


@contextmanager
def answered() -> Iterator[None]:
    """Errors of the service as pygeoapi knows them; others end the request with their own status."""
    try:
        yield
    except NoSuchJob as error:
        raise JobNotFoundError(error.detail) from error
    except OapipError as error:
        _answer(error)


def _answer(error: OapipError) -> NoReturn:
    if flask.has_request_context():
        response = flask.Response(json.dumps(error.problem()), error.status, content_type="application/problem+json")
        raise HTTPException(response=response) from error
    raise JobResultNotFoundError(error.detail) from error
