"""Processes: list, description, package, history, and Part 2 deploy, replace, undeploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from ..errors import DuplicateProcess, NoSuchProcess
from ..operations import Deployment
from . import bodies, documents, failures, profiles, queries
from .door import Door, json_response
from .identifiers import checked
from .links import paging
from .packages import package_etag, package_response
from .routes import Route

_NO_REVISION = -1


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
            "numberTotal": page.total,
        }

    return profiles.linked(door.cached("processes", ("list", limit, offset), make), profiles.PROCESS_LIST)


def describe_process(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}."""
    checked(process_id, NoSuchProcess)
    return _description(door, process_id)


def _description(door: Door, process_id: str, form: str = "") -> Response:
    links = door.links

    def make() -> Mapping[str, Any]:
        return documents.description(door.operations.process(door.principal, process_id), links)

    return profiles.linked(door.cached("process", (process_id,), make, form), profiles.PROCESS)


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
    """GET /processes/{processID}/package: what was deployed, byte for byte, or in the form that is asked for."""
    checked(process_id, NoSuchProcess)
    package = door.operations.package(door.principal, process_id)
    links = door.links

    def describe() -> Mapping[str, Any]:
        return documents.description(door.operations.process(door.principal, process_id), links)

    return package_response(door, package, describe, process_id)


def deploy_process(door: Door) -> Response:
    """POST /processes."""
    links = door.links
    try:
        process = door.operations.deploy(door.principal, _deployment())
    except DuplicateProcess as error:
        taken = error.members.get("processID")
        return failures.answer(door, error, (("Location", links.process(str(taken))),) if taken else ())
    address = links.process(process.id)
    return json_response(documents.summary(process, links), 201, [("Location", address)])


def replace_process(door: Door, process_id: str) -> Response:
    """PUT /processes/{processID}; `If-Match` names the representation that is replaced."""
    checked(process_id, NoSuchProcess)
    door.operations.replace(door.principal, process_id, _deployment(), _expected(door, process_id))
    return Response(status=204)


def undeploy_process(door: Door, process_id: str) -> Response:
    """DELETE /processes/{processID}; `If-Match` as in PUT."""
    checked(process_id, NoSuchProcess)
    door.operations.undeploy(door.principal, process_id, _expected(door, process_id))
    return Response(status=204)


def _deployment() -> Deployment:
    content_type = request.headers.get("Content-Type", "")
    return Deployment(bodies.read_bytes(), bodies.media_type(), request.args.get("w") or None, content_type)


def _expected(door: Door, process_id: str) -> int | None:
    """The revision that `If-Match` names by the validator of its description or package; None where there is no such
    header, _NO_REVISION where it names none."""
    if "If-Match" not in request.headers:
        return None
    try:
        process = door.operations.process(door.principal, process_id)
    except NoSuchProcess:
        return None  # the operation says so itself, after it has looked at the media type
    wanted = request.if_match
    if wanted.star_tag:
        return process.revision
    known = [_description(door, process_id, form).headers["ETag"] for form in ("json", "html")]
    if process.package is not None:
        known.append(package_etag(process.package))
    return process.revision if any(wanted.contains(etag.strip('"')) for etag in known) else _NO_REVISION


ROUTES = (
    Route("/processes", "GET", list_processes),
    Route("/processes", "POST", deploy_process),
    Route("/processes/<process_id>", "GET", describe_process),
    Route("/processes/<process_id>", "PUT", replace_process),
    Route("/processes/<process_id>", "DELETE", undeploy_process),
    Route("/processes/<process_id>/package", "GET", process_package),
    Route("/processes/<process_id>/history", "GET", process_history),
)
