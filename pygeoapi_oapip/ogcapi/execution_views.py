"""Execution of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Response, request

from ..errors import NoSuchProcess
from ..model.json import JSONObject
from ..operations import Execution, Preference
from . import bodies, documents, preferences
from .door import Door, json_response
from .identifiers import checked
from .links import JSON_TYPE
from .result_views import synchronous
from .routes import Route


def execute_process(door: Door, process_id: str) -> Response:
    """POST /processes/{processID}/execution."""
    checked(process_id, NoSuchProcess)
    body = bodies.read_object()
    return run(door, body, lambda preference: door.operations.execute(door.principal, process_id, body, preference))


def run(door: Door, body: JSONObject, start: Callable[[Preference], Execution]) -> Response:
    """The answer to an execution of any kind.

    Args:
        door: the door.
        body: the execute request.
        start: starts the job with what the Prefer header (or `mode`) asks for.
    """
    prefer = preferences.parse(request.headers.get("Prefer"))
    execution = start(_with_mode(prefer.execution, body, door.options.max_wait))
    applied = prefer.applied(asynchronous=not execution.finished_in_time)
    response = _started(door, execution)
    if applied:
        response.headers["Preference-Applied"] = applied
    return response


def _started(door: Door, execution: Execution) -> Response:
    links = door.links
    address = links.job(execution.job.id)
    if execution.finished_in_time:
        response = synchronous(door, execution.job.id)
        response.headers.add("Link", f'<{address}>; rel=monitor; type="{JSON_TYPE}"')
        return response
    return json_response(documents.status(execution.job, links), 201, [("Location", address)])


def _with_mode(preference: Preference, body: JSONObject, longest: float) -> Preference:
    """The `mode` member of older drafts counts where the Prefer header says nothing."""
    if preference.respond_async or preference.wait is not None:
        return preference
    mode = body.get("mode")
    if mode == "async":
        return replace(preference, respond_async=True)
    return replace(preference, wait=longest) if mode == "sync" else preference


ROUTES = (Route("/processes/<process_id>/execution", "POST", execute_process),)
