"""The Flask application of OGC API - Processes."""

from __future__ import annotations

from functools import partial
from typing import cast

from flask import Flask, Response, request

from ..auth.middleware import REFUSAL_KEY
from ..operations import Operations
from ..ui.static_files import static_blueprint
from . import (
    adhoc_views,
    definition_views,
    execution_views,
    failures,
    job_management_views,
    job_views,
    process_views,
    result_views,
    service_views,
    sharing_views,
)
from .door import Door, DoorOptions

_NAME = "oapip"
_EXPOSED = "Location, Link, Preference-Applied, ETag, Content-Disposition, Content-Range, Retry-After"
_ALLOWED = "Authorization, Content-Type, Content-Schema, Accept, Prefer, If-None-Match, Range"


class _Answer(Response):
    default_mimetype = "application/json"


def create_app(operations: Operations, options: DoorOptions) -> Flask:
    """The door: every route of docs/http-api.md, over the given operations.

    Args:
        operations: the service.
        options: what the administrator decides.

    Returns:
        A WSGI application. It reads the path prefix of its links from the WSGI environment (`door.PREFIX_KEY`).
    """
    app = Flask(__name__, static_folder=None)
    app.response_class = _Answer
    app.config["MAX_CONTENT_LENGTH"] = options.body_bytes
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    door = app.extensions[_NAME] = Door(operations, options)
    for module in (
        adhoc_views,
        service_views,
        definition_views,
        process_views,
        execution_views,
        job_views,
        job_management_views,
        result_views,
        sharing_views,
    ):
        for route in module.ROUTES:
            app.add_url_rule(route.rule, route.view.__name__, partial(route.view, door), methods=[route.method])
    app.register_blueprint(static_blueprint())
    failures.register(app, door)
    app.before_request(_refuse)
    if options.cors:
        app.after_request(allow_all_origins)
    return app


def _refuse() -> None:
    """Answer with what the middleware found wrong with the credentials, whatever the path."""
    refusal = request.environ.get(REFUSAL_KEY)
    if refusal is not None:
        raise refusal


def door_of(app: Flask) -> Door:
    """The door of an application that `create_app` made."""
    return cast(Door, app.extensions[_NAME])


def allow_all_origins(response: Response) -> Response:
    """Let scripts of any web page read this response (`server.cors`)."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, HEAD, OPTIONS")
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED
        response.headers["Access-Control-Max-Age"] = "3600"
    return response
