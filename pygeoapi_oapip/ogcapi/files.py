"""Files of results over HTTP: ranges, validators, a name, and no way to run as a page of this site."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.utils import send_file

from ..errors import NoSuchOutput
from ..operations import ServedFile
from ..streaming import streamed

_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=([\w!#$&^.+-]+|\"[^\"\\\x00-\x1f]*\"))*", re.ASCII
)
_ONE_RANGE = re.compile(r"bytes=(?=.*\d)([0-9]{0,18})-([0-9]{0,18})")
_ACTIVE = re.compile(
    r"(text/html|application/xhtml|image/svg|text/xml|application/xml|text/xsl|\S+\+xml)", re.IGNORECASE
)

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Content-Security-Policy of results that a browser would run: they are data of users, on our origin."""


def safe_media_type(text: str) -> str:
    """The media type, if it can stand in a header, else application/octet-stream."""
    return text if _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"


def send(served: ServedFile) -> Response:
    """The file with Content-Length, strong ETag, Last-Modified and Content-Disposition (RFC 6266); answers Range
    with 206 or 416 and If-None-Match with 304.

    Raises:
        NoSuchOutput: the file is gone (retention).
    """
    environ = dict(request.environ)
    if not _understood(environ.get("HTTP_RANGE", "")):
        environ.pop("HTTP_RANGE", None)
    kind = safe_media_type(served.media_type)
    if served.content is not None:
        return _guarded(streamed(served.content, environ, Response, _headers(kind, served.name)), kind)
    assert served.path is not None
    try:
        response = send_file(
            served.path,
            environ,
            mimetype=kind,
            download_name=_name(served.name),
            conditional=True,
            response_class=Response,
        )
    except FileNotFoundError:
        raise NoSuchOutput("this result is not there any more") from None
    except RequestedRangeNotSatisfiable:
        size = served.path.stat().st_size
        return Response(status=416, headers=[("Content-Range", f"bytes */{size}"), ("Accept-Ranges", "bytes")])
    response.headers["Accept-Ranges"] = "bytes"
    return _guarded(cast(Response, response), kind)


def _guarded(response: Response, kind: str) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    if _ACTIVE.match(kind):
        response.headers["Content-Security-Policy"] = SANDBOX
    return response


def _headers(kind: str, name: str) -> Mapping[str, str]:
    charset = "; charset=utf-8" if kind.startswith("text/") and "charset" not in kind else ""
    safe = _name(name)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"%' else "_" for c in safe)
    named = f'inline; filename="{plain}"'
    if plain != safe:
        named += f"; filename*=UTF-8''{quote(safe, safe='')}"
    return {"Content-Type": kind + charset, "Content-Disposition": named}


def _understood(value: str) -> bool:
    """True for one range of bytes. RFC 9110 section 14.2: others are ignored, and several ranges may be."""
    match = _ONE_RANGE.fullmatch(value)
    return match is not None and (not match[2] or not match[1] or int(match[1]) <= int(match[2]))


def _name(name: str) -> str:
    """What a client may call the file: no path, nothing that shows it as another name, and what UTF-8 can hold."""
    return re.sub(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "_", name) or "result"
