"""Execute, and the status documents of jobs, whichever door they came by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from ...errors import JobFailed, NoSuchProcess, OapipError, ResultNotAvailable
from ...model.execution import ExecutionRequest
from ...model.identity import Principal
from ...model.job import Job, JobStatus
from ...model.process import Process
from ...operations import Operations, Preference, Results
from ..describe import describe
from ..door import WpsAnswer, WpsOptions, WpsRequest
from ..faults import V1, InvalidParameter, Report, StillRunning, report
from ..inputs import execute_body, given_inputs
from ..outputs import Maker, asked_of
from ..processes import offered_process
from ..terms import ExecuteAsked, Form, OutputAsked, OutputMade
from .responses import Lineage, Response, Status, execute_response
from .vocabulary import serialised

LINEAGE = "lineage"
"""Query parameter of a status document: `true` where its Execute asked for lineage, which the job does not keep."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through the binding."""

    request: WpsRequest
    service: Operations
    principal: Principal
    options: WpsOptions


def execute(asked: ExecuteAsked, call: Call) -> WpsAnswer:
    """Start a job, and answer with what was asked for.

    Raises:
        NoSuchProcess, InvalidParameter, and what `execute_body` and `Operations.execute` raise: no job is made.
        JobFailed: raw data was asked for, and the job failed.
        StillRunning: the client waits, and the job takes longer than it may wait; the job goes on.
    """
    if asked.status and not asked.store:
        raise InvalidParameter("status=true needs storeExecuteResponse=true", location="status")
    process = offered_process(asked.identifier, call.service, call.principal)
    body = execute_body(asked, process, call.options.read)
    preference = _preference(asked, call.options.max_wait)
    deadline = time.monotonic() + call.options.max_wait
    done = call.service.execute(call.principal, process.id, body, preference)
    job = done.job if asked.status else _waited(done.job, deadline, call)
    if asked.form is Form.RAW:
        return _raw(call.service.results(call.principal, job.id), asked, call)
    location = _location(job, asked.lineage, call) if asked.store else ""
    return _document(job, process, location, asked if asked.lineage else None, call)


def status_document(job_id: str, call: Call) -> WpsAnswer:
    """The present state of a job. Raises NoSuchJob."""
    job = call.service.job(call.principal, job_id)
    lineage = call.request.parameters.get(LINEAGE, "") == "true"
    asked = ExecuteAsked(job.process_id, lineage=True) if lineage else None
    return _document(job, _process(job, call), _location(job, lineage, call), asked, call)


def _preference(asked: ExecuteAsked, longest: float) -> Preference:
    return Preference(respond_async=True) if asked.status else Preference(wait=longest)


def _waited(job: Job, deadline: float, call: Call) -> Job:
    """Go on waiting where the operations gave the job back before its end."""
    job = call.options.waiting.until_end(job, lambda: call.service.job(call.principal, job.id), deadline)
    if job.ended or job.status is JobStatus.DISMISSED:
        return job
    raise StillRunning(
        f"the job takes longer than this server lets a request wait, and goes on; its status: "
        f"{_location(job, False, call)} (storeExecuteResponse=true with status=true asks for that at once)",
        location=job.id,
    )


def _location(job: Job, lineage: bool, call: Call) -> str:
    address = f"{call.request.statuses}/{quote(job.id, safe='')}"
    return f"{address}?{LINEAGE}=true" if lineage else address


def _process(job: Job, call: Call) -> Process:
    """The process of a job; where it is gone, what the job knows of it."""
    try:
        return call.service.process(call.principal, job.process_id)
    except NoSuchProcess:
        return Process(job.process_id, "1.0.0", job.process_id, job.process_id, {}, {}, None)


def _raw(found: Results, asked: ExecuteAsked, call: Call) -> WpsAnswer:
    (wanted,) = asked.outputs or ()
    raw = Maker(call.service, call.principal, found, call.request.base).raw(wanted.identifier, wanted)
    return WpsAnswer(raw.content, media_type=raw.media_type, file=raw.file)


def _document(job: Job, process: Process, location: str, lineage: ExecuteAsked | None, call: Call) -> WpsAnswer:
    made, failure = _outcome(job, call)
    response = Response(
        process=describe(process if lineage else replace(process, inputs={}, outputs={})),
        status=Status(job.status, job.finished or job.updated, job.progress, job.message, failure),
        language=call.options.language,
        service=f"{call.request.address}?service=WPS&request=GetCapabilities",
        location=location,
        outputs=made,
        lineage=None if lineage is None else _lineage(job, process, lineage),
    )
    return WpsAnswer(serialised(execute_response(response)))


def _outcome(job: Job, call: Call) -> tuple[Sequence[OutputMade], Report | None]:
    """The outputs of a successful job, or why there are none."""
    try:
        if job.status is JobStatus.SUCCESSFUL:
            found = call.service.results(call.principal, job.id)
            return Maker(call.service, call.principal, found, call.request.base).made(_asked(job)), None
        if job.status is JobStatus.FAILED:
            return (), report(JobFailed.because(job.problem, job.message or "the job failed"), V1)
        if job.status is JobStatus.DISMISSED:
            return (), report(ResultNotAvailable("the job was dismissed; it has no results"), V1)
    except OapipError as error:
        # a job whose files are gone has ended all the same
        return (), report(error, V1)
    return (), None


def _asked(job: Job) -> dict[str, OutputAsked]:
    return dict(asked_of(ExecutionRequest.from_json(job.request)))


def _lineage(job: Job, process: Process, asked: ExecuteAsked) -> Lineage:
    request = ExecutionRequest.from_json(job.request)
    wanted = asked.outputs or tuple(asked_of(request).values())
    return Lineage(given_inputs(request, process), wanted or tuple(OutputAsked(name) for name in process.outputs))
