"""Serves the style sheet and scripts of the pages at `{base}/oapip-static/`."""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from .pages import static_path

_MAX_AGE = 3600
_TEXT = frozenset({".js", ".css", ".json", ".svg"})
_WORTH_IT = 1000
"""Bytes from which on a file is compressed."""


def static_blueprint() -> Blueprint:
    """The static files, with `ETag`, `Last-Modified` and `Cache-Control: public, max-age=3600`; texts are compressed
    for clients that take gzip.

    Register it once per prefix that the pages are served under (with `url_prefix` and, for a second
    time, `name`).
    """
    blueprint = Blueprint("oapip_static", __name__)
    blueprint.add_url_rule("/oapip-static/<path:name>", "file", _file)
    return blueprint


def _file(name: str, **_prefix: str) -> Response:
    response = send_from_directory(static_path(), name, max_age=_MAX_AGE)
    if Path(name).suffix in _TEXT:
        response.vary.add("Accept-Encoding")
        if response.status_code == 200 and request.accept_encodings["gzip"] > 0 and "Range" not in request.headers:
            response = _compressed(name, response)
    response.cache_control.public = True
    response.cache_control.no_cache = None
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _compressed(name: str, response: Response) -> Response:
    content = _gzip(static_path() / name, response.get_etag()[0] or "")
    if content is None:
        return response
    response.close()
    response.direct_passthrough = False
    # the tag stays, as a weak one: it stands for the same file, and If-None-Match compares weakly
    response.set_etag(response.get_etag()[0] or "", weak=True)
    response.set_data(content)
    response.content_encoding = "gzip"
    response.headers.pop("Accept-Ranges", None)
    return response


@lru_cache(maxsize=100)
def _gzip(path: Path, _tag: str) -> bytes | None:
    """The file, compressed; None where that does not pay. `_tag` makes a changed file another one."""
    content = path.read_bytes()
    return gzip.compress(content, mtime=0) if len(content) >= _WORTH_IT else None
