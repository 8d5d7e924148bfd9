"""Processes: list, description, package, history, and Part 2 deploy, replace, undeploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from ..errors import NoSuchProcess
from ..model.process import Package
from ..operations import Deployment
from . import bodies, documents, queries
from .door import Door, html_response, json_response
from .identifiers import checked
from .links import paging
from .routes import Route

SHOWN_BYTES = 1024**2
"""Of a package on its page."""


def list_processes(door: Door) -> Response:
    """GET /processes."""
    limit, offset = queries.window(request.args, door.options.page, door.options.max_page)
    links = door.links

    def make() -> Mapping[str, Any]:
        page = door.operations.processes(door.principal, limit, offset)
        further = [
            *links.pair(links.processes(), "Process list", door.media_type()),
            *paging(links.processes(), [], limit, offset, page.more),
        ]
        return documents.processes(page.processes, links, further) | {
            "numberMatched": page.total,
            "numberReturned": len(page.processes),
        }

    return door.cached("processes", ("list", limit, offset), make)


def describe_process(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}."""
    checked(process_id, NoSuchProcess)
    links = door.links

    def make() -> Mapping[str, Any]:
        return documents.description(door.operations.process(door.principal, process_id), links)

    return door.cached("process", (process_id,), make)


def process_history(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}/history: all revisions, newest first."""
    checked(process_id, NoSuchProcess)
    links = door.links
    rows = door.operations.history(door.principal, process_id)
    document = {
        "processID": process_id,
        "revisions": [documents.revision_row(row) for row in rows],
        "links": links.pair(f"{links.process(process_id)}/history", "Revisions", door.media_type()),
    }
    return door.document("history", document, process_id=process_id)


def process_package(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}/package: what was deployed, byte for byte."""
    checked(process_id, NoSuchProcess)
    package = door.operations.package(door.principal, process_id)
    if door.wanted(("cwl", "html", "json")) == "html":
        return html_response(door.page("package", _shown(package), process_id=process_id))
    headers = [("X-Content-Type-Options", "nosniff")]
    return Response(package.source, 200, headers, content_type=package.media_type)


def _shown(package: Package) -> Mapping[str, Any]:
    source = package.source
    text = source[:SHOWN_BYTES].decode("utf-8", "replace") + ("\n…" if len(source) > SHOWN_BYTES else "")
    return {"mediaType": package.media_type, "size": len(source), "source": text}


def deploy_process(door: Door) -> Response:
    """POST /processes."""
    process = door.operations.deploy(door.principal, _deployment())
    links = door.links
    address = links.process(process.id)
    return json_response(documents.summary(process, links), 201, [("Location", address)])


def replace_process(door: Door, process_id: str) -> Response:
    """PUT /processes/{processID}."""
    door.operations.replace(door.principal, checked(process_id, NoSuchProcess), _deployment())
    return Response(status=204)


def undeploy_process(door: Door, process_id: str) -> Response:
    """DELETE /processes/{processID}."""
    door.operations.undeploy(door.principal, checked(process_id, NoSuchProcess))
    return Response(status=204)


def _deployment() -> Deployment:
    return Deployment(bodies.read_bytes(), bodies.media_type(), request.args.get("w") or None)


ROUTES = (
    Route("/processes", "GET", list_processes),
    Route("/processes", "POST", deploy_process),
    Route("/processes/<process_id>", "GET", describe_process),
    Route("/processes/<process_id>", "PUT", replace_process),
    Route("/processes/<process_id>", "DELETE", undeploy_process),
    Route("/processes/<process_id>/package", "GET", process_package),
    Route("/processes/<process_id>/history", "GET", process_history),
)
