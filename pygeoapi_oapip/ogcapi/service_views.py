"""Landing page, conformance and health of the whole server, merged with pygeoapi's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from .door import Door
from .links import HTML_TYPE, JSON_TYPE, OGC_REL, OPENAPI31_TYPE, OPENAPI_TYPE, Link, link
from .routes import Route

_PART1 = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
_PART1_DRAFT = "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/"
_PART2 = "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/"
_PART3 = "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/"
_PART4 = "http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"

CONFORMANCE = (
    *(_COMMON + name for name in ("core", "landing-page", "json", "html", "oas30")),
    *(_PART1 + name for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss")),
    _PART1 + "callback",
    *(_PART1_DRAFT + name for name in ("kvp-execute", "oas30", "oas31")),
    *(_PART2 + name for name in ("deploy-replace-undeploy", "ogcapppkg", "cwl", "docker")),
    _PART3 + "nested-processes",
    *(_PART4 + name for name in ("job-management", "ogcapi-processes", "provenance")),
)
"""The classes that this door implements; other parts add theirs through `DoorOptions.conformance`."""

_OURS = "http://www.opengis.net/spec/ogcapi-processes-"


def landing(door: Door) -> Response:
    """GET /."""
    options = door.options
    own = _landing_links(door)
    taken = {str(item["rel"]) for item in own}
    host = [_here(door, item) for item in options.host.landing().get("links", ()) if item.get("rel") not in taken]
    document = {"title": options.title, "description": options.description, "links": [*own, *host]}
    return door.document("landing", document)


def _here(door: Door, item: Mapping[str, Any]) -> dict[str, Any]:
    """A link of pygeoapi, below the prefix of the present request."""
    base, address = door.options.base_url.rstrip("/"), str(item.get("href", ""))
    inside = address == base or address.startswith((f"{base}/", f"{base}?"))
    return {**item, "href": door.links.base + address[len(base) :]} if inside else dict(item)


def _landing_links(door: Door) -> list[Link]:
    links = door.links
    base = links.base
    short_and_full = [
        link(address, rel, JSON_TYPE, title)
        for name, address, title in (
            ("conformance", f"{base}/conformance", "Conformance classes"),
            ("processes", links.processes(), "Processes"),
            ("job-list", links.jobs(), "Jobs"),
        )
        for rel in (OGC_REL + name, name)
    ]
    return [
        *links.pair(links.root(), "This document", door.media_type()),
        link(f"{base}/openapi?f=json", "service-desc", OPENAPI_TYPE, "API definition"),
        link(f"{base}/openapi?f=oas31", "service-desc", OPENAPI31_TYPE, "API definition in OpenAPI 3.1"),
        link(f"{base}/openapi?f=html", "service-doc", HTML_TYPE, "API documentation"),
        *short_and_full,
        link(f"{base}/health", "status", JSON_TYPE, "Health of this server"),
    ]


def conformance(door: Door) -> Response:
    """GET /conformance."""
    host = [uri for uri in door.options.host.conformance() if not uri.startswith(_OURS)]
    found = sorted({*CONFORMANCE, *door.options.conformance, *host})
    return door.document("conformance", {"conformsTo": found})


def health(door: Door) -> Response:
    """GET /health: 503 if the server itself does not work; an engine that does not work makes it `degraded` only."""
    found = door.operations.health()
    status = "ok" if found.ok and not found.degraded else "degraded"
    response = door.document("health", {"status": status, "parts": found.parts})
    response.status_code = 200 if found.ok else 503
    return response


ROUTES = (
    Route("/", "GET", landing),
    Route("/conformance", "GET", conformance),
    Route("/health", "GET", health),
)
