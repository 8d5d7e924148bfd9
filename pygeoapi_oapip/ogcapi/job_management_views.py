"""Part 4: create, change and start a job; its definition and its provenance."""

from __future__ import annotations

import re

from flask import Response, request

from ..errors import BadRequest, NoSuchJob, UnsupportedJobMediaType, UnsupportedSchema
from ..job_management import definition_of
from ..model.json import JSONObject
from ..provenance import provenance
from . import bodies, documents, execution_views, preferences
from .door import Door, json_response
from .identifiers import checked
from .preferences import Prefer
from .routes import Route

MEDIA_TYPES = ("application/json", "application/ogcapi-processes+json", "application/merge-patch+json")
"""Of a definition; none at all is taken for JSON."""

_SCHEMA = re.compile(r"(?:.*/)?execute(?:-workflows)?\.(?:yaml|json)")
_AT_ONCE = ("sync", "async")


def create_job(door: Door) -> Response:
    """POST /jobs: a job that waits to be started; or one that is started at once, where the client asks how it is to
    be executed (`Prefer: respond-async` or `wait=N`, the member `mode`) and not for the status `created`."""
    definition = _definition()
    prefer = preferences.parse(request.headers.get("Prefer"))
    if not _at_once(prefer, definition):
        job = door.operations.create_job(door.principal, definition)
        return json_response(door.status(job), 201, [("Location", door.links.job(job.id))])
    process_id = door.operations.defined_process(definition)
    return execution_views.run(
        door,
        definition,
        lambda preference: door.operations.execute(door.principal, process_id, definition, preference),
    )


def _at_once(prefer: Prefer, definition: JSONObject) -> bool:
    if dict(prefer.tokens).get("status") == "created" or definition.get("status") in ("create", "created"):
        return False
    how = prefer.execution
    return how.respond_async or how.wait is not None or definition.get("mode") in _AT_ONCE


def update_job(door: Door, job_id: str) -> Response:
    """PATCH /jobs/{jobID}."""
    changes = _definition()
    if not changes and not request.content_length:
        raise BadRequest("the body is empty; it must be a JSON object with what is to be changed")
    job = door.operations.update_job(door.principal, checked(job_id, NoSuchJob), changes)
    return json_response(door.status(job))


def start_job(door: Door, job_id: str) -> Response:
    """POST /jobs/{jobID}/results: the status at once, or after `Prefer: wait=N` seconds or the end of the job."""
    prefer = preferences.parse(request.headers.get("Prefer"))
    job = door.operations.start_job(door.principal, checked(job_id, NoSuchJob), prefer.execution)
    applied = prefer.applied(prefer.wait is None, door.options.max_wait)
    headers = [("Location", door.links.job(job.id)), *([("Preference-Applied", applied)] if applied else [])]
    return json_response(door.status(job), 200, headers)


def job_definition(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/definition: the body that the job was created or last changed with; for a job that came by
    another way, the execute request that makes the same job."""
    job = door.operations.job_request(door.principal, checked(job_id, NoSuchJob))
    document = definition_of(job) or documents.definition(job, door.links)
    return door.document("document", document, title="Definition", job_id=job.id)


def job_provenance(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/prov: PROV-JSON."""
    job = door.operations.job_request(door.principal, checked(job_id, NoSuchJob))
    links = door.links
    document = provenance(job, links.job(job.id), links.process(job.process_id))
    return door.document("document", document, title="Provenance", job_id=job.id)


def _definition() -> JSONObject:
    """The body, after what the headers say of it: the standard asks for 415 and 422 whatever it holds.

    Raises:
        UnsupportedJobMediaType, UnsupportedSchema, BadRequest.
    """
    kind = bodies.media_type()
    if kind and kind not in MEDIA_TYPES:
        raise UnsupportedJobMediaType(f"a job is defined as {MEDIA_TYPES[0]}, not as {kind[:100]}")
    schema = request.headers.get("Content-Schema", "").strip(' <>"')
    if schema and not _SCHEMA.fullmatch(schema):
        raise UnsupportedSchema(
            f"Content-Schema: a job is defined by execute-workflows.yaml, not by {schema[:200]}",
            location="Content-Schema",
        )
    return bodies.read_object()


ROUTES = (
    Route("/jobs", "POST", create_job),
    Route("/jobs/<job_id>", "PATCH", update_job),
    Route("/jobs/<job_id>/results", "POST", start_job),
    Route("/jobs/<job_id>/definition", "GET", job_definition),
    Route("/jobs/<job_id>/prov", "GET", job_provenance),
)
