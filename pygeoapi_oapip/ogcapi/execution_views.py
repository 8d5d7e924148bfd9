"""Execution of a process, by body (Part 1) and by query (2.0 kvp-execute)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Response, request

from ..errors import MethodNotAllowed, NoSuchProcess, OapipError
from ..model.json import JSONObject
from ..operations import Execution, Preference
from . import asked, bodies, failures, kvp, preferences
from .asked import Asked
from .door import Door, json_response
from .identifiers import checked
from .links import JSON_TYPE
from .result_forms import synchronous
from .routes import Route


def execute_process(door: Door, process_id: str) -> Response:
    """POST /processes/{processID}/execution."""
    checked(process_id, NoSuchProcess)
    body = bodies.read_object()
    return run(door, body, lambda preference: door.operations.execute(door.principal, process_id, body, preference))


def execute_by_query(door: Door, process_id: str) -> Response:
    """GET /processes/{processID}/execution."""
    if request.method == "HEAD":
        raise MethodNotAllowed("HEAD does not execute a process")
    process = door.operations.process(door.principal, checked(process_id, NoSuchProcess))
    query = kvp.read(request.args, process)

    def start(preference: Preference) -> Execution:
        return door.operations.execute(door.principal, process_id, query.body, preference)

    response = run(door, query.body, start, _asked_by(query))
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked_by(query: kvp.QueryRequest) -> Asked:
    """`response[f]` and `response[prefer]` stand for the headers Accept and Prefer."""
    how = asked.of_request()
    if query.prefer is not None:
        prefer = preferences.parse(query.prefer)
        prefer.require_known()
        how = replace(how, prefer=prefer)
    # `f` may be the name of an input, so it does not choose the representation here
    how = replace(how, f=None)
    if query.form is None:
        return how
    return replace(how, accept=query.form) if "/" in query.form else replace(how, f=query.form)


def run(door: Door, body: JSONObject, start: Callable[[Preference], Execution], how: Asked | None = None) -> Response:
    """Execute and answer: 200 or 204 with results, 201 with the status, or the failure of a job that was waited for.

    Args:
        door: the door.
        body: the execute request.
        start: starts the job with what the Prefer header (or `mode`) asks for.
        how: representation and preferences; None: those of the present request.

    Raises:
        BadRequest: `Prefer: handling=strict` with something that is not known or cannot be had.
    """
    how = how or asked.of_request()
    return answer(door, start(with_mode(how.prefer.execution, body, door.options.max_wait)), how)


def answer(door: Door, execution: Execution, how: Asked) -> Response:
    """The answer to an execution, with `Preference-Applied` for what was applied, and no more."""
    address = door.links.job(execution.job.id)
    if execution.finished_in_time:
        response = _results(door, execution.job.id, how)
        response.headers.add("Link", f'<{address}>; rel=monitor; type="{JSON_TYPE}"')
        response.headers["Location"] = address
    else:
        response = json_response(door.status(execution.job), 201, [("Location", address)])
    form = response.headers.get("Preference-Applied", "")
    applied = how.prefer.applied(not execution.finished_in_time, door.options.max_wait, form)
    if applied:
        response.headers["Preference-Applied"] = applied
    return response


def _results(door: Door, job_id: str, how: Asked) -> Response:
    """The results, or why there are none; both get the link to the job."""
    try:
        return synchronous(door, job_id, how)
    except OapipError as error:
        return failures.answer(door, error)


def with_mode(preference: Preference, body: JSONObject, longest: float) -> Preference:
    """The `mode` member of older drafts counts where the Prefer header says nothing."""
    if preference.respond_async or preference.wait is not None:
        return preference
    mode = body.get("mode")
    if mode == "async":
        return replace(preference, respond_async=True)
    return replace(preference, wait=longest) if mode == "sync" else preference


ROUTES = (
    Route("/processes/<process_id>/execution", "POST", execute_process),
    Route("/processes/<process_id>/execution", "GET", execute_by_query),
)
