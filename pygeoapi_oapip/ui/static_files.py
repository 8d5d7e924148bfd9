"""Serves the style sheet and scripts of the pages at `{base}/oapip-static/`."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory

from .pages import static_path

_MAX_AGE = 3600


def static_blueprint() -> Blueprint:
    """The static files, with `ETag`, `Last-Modified` and `Cache-Control: public, max-age=3600`.

    Register it once per prefix that the pages are served under (with `url_prefix` and, for a second
    time, `name`).
    """
    blueprint = Blueprint("oapip_static", __name__)
    blueprint.add_url_rule("/oapip-static/<path:name>", "file", _file)
    return blueprint


def _file(name: str, **_prefix: str) -> Response:
    response = send_from_directory(static_path(), name, max_age=_MAX_AGE)
    response.cache_control.public = True
    response.cache_control.no_cache = None
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
