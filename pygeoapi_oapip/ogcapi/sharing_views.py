"""With whom a process or a job is shared: `/processes/{processID}/sharing` and `/jobs/{jobID}/sharing`."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from ..errors import BadRequest, NoSuchJob, NoSuchProcess
from ..model.identity import PRIVATE, Sharing, is_name
from ..model.json import JSONObject
from . import bodies
from .door import Door
from .identifiers import checked
from .links import JSON_TYPE, link
from .routes import Route

_MEMBERS = frozenset({"public", "groups", "links"})
MOST_GROUPS = 100
"""Groups that one thing is shared with."""


def process_sharing(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}/sharing."""
    found = door.operations.process_sharing(door.principal, checked(process_id, NoSuchProcess))
    return _answer(door, found, door.links.process(process_id))


def share_process(door: Door, process_id: str) -> Response:
    """PUT /processes/{processID}/sharing: what the body does not say is private."""
    return _share_process(door, process_id, PRIVATE)


def change_process_sharing(door: Door, process_id: str) -> Response:
    """PATCH /processes/{processID}/sharing: what the body does not say stays."""
    before = door.operations.process_sharing(door.principal, checked(process_id, NoSuchProcess))
    return _share_process(door, process_id, before)


def _share_process(door: Door, process_id: str, before: Sharing) -> Response:
    wanted = _read(bodies.read_object(needed=True), before)
    found = door.operations.share_process(door.principal, checked(process_id, NoSuchProcess), wanted)
    return _answer(door, found, door.links.process(process_id))


def job_sharing(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/sharing."""
    found = door.operations.job_sharing(door.principal, checked(job_id, NoSuchJob))
    return _answer(door, found, door.links.job(job_id))


def share_job(door: Door, job_id: str) -> Response:
    """PUT /jobs/{jobID}/sharing: what the body does not say is private."""
    return _share_job(door, job_id, PRIVATE)


def change_job_sharing(door: Door, job_id: str) -> Response:
    """PATCH /jobs/{jobID}/sharing: what the body does not say stays."""
    return _share_job(door, job_id, door.operations.job_sharing(door.principal, checked(job_id, NoSuchJob)))


def _share_job(door: Door, job_id: str, before: Sharing) -> Response:
    wanted = _read(bodies.read_object(needed=True), before)
    found = door.operations.share_job(door.principal, checked(job_id, NoSuchJob), wanted)
    return _answer(door, found, door.links.job(job_id))


def _answer(door: Door, sharing: Sharing, address: str) -> Response:
    links = [
        link(f"{address}/sharing", "self", JSON_TYPE, "Sharing"),
        link(address, "up", JSON_TYPE, "What is shared"),
    ]
    document = {"public": sharing.public, "groups": sorted(sharing.groups), "links": links}
    return door.document("document", document, title="Sharing")


def _read(body: Mapping[str, object] | JSONObject, before: Sharing) -> Sharing:
    """Raises BadRequest."""
    if unknown := sorted(set(body) - _MEMBERS):
        raise BadRequest(f"{unknown[0]}: unknown member (possible: public, groups)", location=unknown[0])
    public, groups = body.get("public", before.public), body.get("groups", sorted(before.groups))
    if not isinstance(public, bool):
        raise BadRequest("public: must be true or false", location="public")
    if not isinstance(groups, list) or not all(isinstance(name, str) and is_name(name) for name in groups):
        raise BadRequest("groups: must be a list of the names of groups", location="groups")
    if len(groups) > MOST_GROUPS:
        raise BadRequest(f"groups: at most {MOST_GROUPS}", location="groups")
    if not isinstance(body.get("links", []), list):
        raise BadRequest("links: must be a list", location="links")
    return Sharing(public, frozenset(str(name) for name in groups))


ROUTES = (
    Route("/processes/<process_id>/sharing", "GET", process_sharing),
    Route("/processes/<process_id>/sharing", "PUT", share_process),
    Route("/processes/<process_id>/sharing", "PATCH", change_process_sharing),
    Route("/jobs/<job_id>/sharing", "GET", job_sharing),
    Route("/jobs/<job_id>/sharing", "PUT", share_job),
    Route("/jobs/<job_id>/sharing", "PATCH", change_job_sharing),
)
