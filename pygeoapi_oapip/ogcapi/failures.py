"""Errors as answers: problem details in JSON, or a page for browsers; never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from ..errors import (
    BadRequest,
    Internal,
    InvalidQuery,
    MethodNotAllowed,
    NotFound,
    OapipError,
    TooLarge,
    Unavailable,
)
from .door import Door, html_response, json_response

_LOG = logging.getLogger(__name__)

RETRY_AFTER = 5
"""Seconds that a client should wait after a 503."""


def register(app: Flask, door: Door) -> None:
    """Make every failure of this application an answer of ours."""
    app.register_error_handler(OapipError, lambda error: answer(door, error))
    app.register_error_handler(HTTPException, lambda error: _from_werkzeug(door, error))
    app.register_error_handler(Exception, lambda error: _unexpected(door, error))


def register_host(app: Flask, door: Door) -> None:
    """Make the failures that Flask itself finds in pygeoapi's application (404, 405) answers of ours."""
    app.register_error_handler(HTTPException, lambda error: _from_werkzeug(door, error))


def answer(door: Door, error: OapipError, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """The response for an error.

    The media type is application/json, which the CITE suite demands; the members are those of RFC 9457.
    """
    problem = error.problem() | {"instance": door.links.base + request.path}
    if isinstance(error, Unavailable):
        headers = (*headers, ("Retry-After", str(RETRY_AFTER)))
    response = json_response(problem, error.status)
    if _wants_page(door):
        response = html_response(door.page("error", problem), error.status)
    response.headers.extend((*headers, *error.headers))
    return response


def _wants_page(door: Door) -> bool:
    try:
        return door.wanted() == "html"
    except InvalidQuery:
        return False


_BY_STATUS: dict[int, Callable[[str], OapipError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}

_TEXTS = {
    404: "there is nothing at this address",
    405: "this resource does not have the method {method}",
    413: "the body is larger than this server accepts ({limit} bytes)",
}


def _from_werkzeug(door: Door, error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500 and status != 503:
        return _unexpected(door, error)
    values: dict[str, Any] = {"method": request.method, "limit": door.options.body_bytes}
    text = _TEXTS.get(status, "").format(**values) or f"the request cannot be understood: {error.description}"
    allow = getattr(error, "valid_methods", None)
    headers = (("Allow", ", ".join(sorted(allow))),) if allow else ()
    return answer(door, _BY_STATUS.get(status, BadRequest)(text), headers)


def _unexpected(door: Door, error: Exception) -> Response:
    reference = uuid4().hex[:12]
    _LOG.error("error %s at %s %s", reference, request.method[:20], quote(request.path), exc_info=error)
    phrase = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
    return answer(door, Internal(f"{phrase}: the log of the server has more under {reference}", reference=reference))
