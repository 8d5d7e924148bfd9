"""The API definition: OpenAPI 3.0 and 3.1 from the live processes, and Swagger UI on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from . import negotiation
from .definition import document
from .definition.schemas31 import upgraded
from .door import DOCUMENT_HEADERS, Door
from .links import OPENAPI31_TYPE, OPENAPI_TYPE
from .routes import Route

_OFFERED = ("openapi", "json", "html", "oas30", "oas31")
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src {static}/ data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Swagger UI sets style attributes and has its icons in the style sheet; nothing comes from another host. It takes the
descriptions of users for Markdown, so that what pictures may ask for has bounds."""


def openapi(door: Door) -> Response:
    """GET /openapi: `f=html` for Swagger UI, `f=oas31` or `Accept: ...;version=3.1` for OpenAPI 3.1, else 3.0."""
    form = door.wanted(_OFFERED)
    if form == "html":
        return _page(door)
    newer = form == "oas31" or (form == "openapi" and _wants_newer())

    def make() -> Mapping[str, Any]:
        found = document.build(door)
        return upgraded(found) if newer else found

    response = door.cached("openapi", (newer,), make, "json")
    if response.status_code == 200:
        response.headers["Content-Type"] = OPENAPI31_TYPE if newer else OPENAPI_TYPE
    return response


def _wants_newer() -> bool:
    return negotiation.parameter(request.headers.get("Accept"), "openapi", "version").startswith("3.1")


def swagger_ui(door: Door) -> Response:
    """GET /swagger-ui/oapip/: Swagger UI at the address that EOEPCA gives it."""
    return _page(door)


def _page(door: Door) -> Response:
    text = door.page("openapi", {"info": {"title": door.options.title}})
    policy = _POLICY.format(static=f"{door.links.base}/oapip-static")
    headers = [*DOCUMENT_HEADERS, ("Content-Security-Policy", policy)]
    return Response(text, 200, headers, content_type="text/html; charset=utf-8")


ROUTES = (
    Route("/openapi", "GET", openapi),
    Route("/swagger-ui/oapip/", "GET", swagger_ui),
)
