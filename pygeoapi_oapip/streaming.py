"""Results that are not on this machine over HTTP (RFC 9110): validators, one range of bytes, no byte kept here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from werkzeug.http import parse_if_range_header
from werkzeug.wrappers import Response

from .staging.base import Content

_ONE_RANGE = re.compile(r"bytes=(?=.*\d)([0-9]{0,18})-([0-9]{0,18})")

_Made = TypeVar("_Made", bound=Response)


def streamed(content: Content, environ: Mapping[str, Any], kind: type[_Made], headers: Mapping[str, str]) -> _Made:
    """The answer to GET or HEAD.

    Args:
        content: what is sent.
        environ: the WSGI environment of the request.
        kind: class of the response.
        headers: of the whole content, Content-Type among them.

    Returns:
        200; 206 or 416 for a range, where the length is known; 304 where the client has it.

    Raises:
        ResultNotAvailable, StorageUnavailable: before anything is sent.
    """
    response = kind(status=200, headers=dict(headers))
    if content.etag:
        response.set_etag(content.etag)
    response.last_modified = content.modified
    whole = {key: value for key, value in environ.items() if key != "HTTP_RANGE"}
    response.make_conditional(whole)
    if response.status_code == 304:
        return response
    # make_conditional took the empty body for the whole
    response.headers.remove("Content-Length")
    if content.size is None:
        return _with_body(response, content.pieces(), environ)
    response.headers["Accept-Ranges"] = "bytes"
    start, end = 0, content.size
    if (asked := _range(content, response, environ)) is not None:
        start, end = _span(*asked, content.size)
        if start >= end:
            refused = {"Content-Range": f"bytes */{content.size}", "Accept-Ranges": "bytes"}
            return kind(status=416, headers=refused)
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    _with_body(response, content.pieces(start, end - start), environ)
    response.content_length = end - start
    return response


def _with_body(response: _Made, pieces: Iterator[bytes], environ: Mapping[str, Any]) -> _Made:
    """The first piece is read here: so what cannot be read at all is an error, and no broken answer."""
    if environ.get("REQUEST_METHOD") != "HEAD":
        response.response = chain((next(pieces, b""),), pieces)
    return response


def _range(content: Content, response: Response, environ: Mapping[str, Any]) -> tuple[str, str] | None:
    """The one range of bytes that is asked for, if `If-Range` allows one; others are ignored (section 14.2)."""
    condition = parse_if_range_header(environ.get("HTTP_IF_RANGE"))
    if condition.etag is not None and condition.etag != content.etag:
        return None
    if condition.date is not None and condition.date != response.last_modified:
        return None
    match = _ONE_RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if match is None or (match[1] and match[2] and int(match[2]) < int(match[1])):
        return None
    return match[1], match[2]


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """The first byte and the one after the last; nothing between them where the range cannot be satisfied."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)
