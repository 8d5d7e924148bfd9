"""Execute, GetStatus, GetResult and Dismiss: the jobs of WPS 2.0.0 are those of `/jobs`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import BoundedSemaphore

from ...model.execution import ExecutionRequest, ResponseForm
from ...model.job import Job, JobStatus, Phase, utc_now
from ...model.process import JobControl, Process
from ...operations import Execution, Preference, Results
from ..door import XML, WpsAnswer
from ..faults import InvalidParameter, StillRunning, UnknownMode
from ..inputs import execute_body
from ..outputs import Maker, asked_of
from ..processes import offered_process
from ..terms import BoxMade, ExecuteAsked, Form, LiteralMade, Mode, OutputAsked
from .call import Call
from .elements import serialised
from .results import STATUS, StatusInfo, bounding_box, is_plain, literal_value, result, status_info

YOUNG = 0.5
"""Seconds after its creation in which GetStatus and GetResult wait for the end of a job: a short one has ended when it
is first asked for, which the suite of OGC relies on."""

_LOOK = 0.02
"""Seconds between the first two looks at a young job; then half as much again each time."""

_PLACES = BoundedSemaphore(4)
"""Requests that look at young jobs at the same time; the others are answered at once."""


def execute(asked: ExecuteAsked, call: Call) -> WpsAnswer:
    """Start a job, and answer with its status, or, where it is waited for, with its results.

    Raises:
        NoSuchProcess, UnknownMode, and what `execute_body` and `Operations.execute` raise: no job is made.
        JobFailed: the job was waited for, and failed.
        StillRunning: it was waited for, and goes on.
    """
    process = offered_process(asked.identifier, call.service, call.principal)
    _check_mode(asked.mode, process)
    if asked.form is Form.RAW:
        _check_raw(asked, process)
    body = execute_body(asked, process, call.options.read)
    deadline = time.monotonic() + call.options.max_wait
    done = call.service.execute(call.principal, process.id, body, _preference(asked.mode, call.options.max_wait))
    if asked.mode is Mode.SYNC:
        done = _waited(done, deadline, call)
    if not done.finished_in_time:
        return _status(done.job, call)
    return _results(call.service.results(call.principal, done.job.id), call, asked)


def _check_mode(mode: Mode, process: Process) -> None:
    if mode is Mode.ASYNC and JobControl.ASYNC not in process.job_control:
        raise UnknownMode(f"the process {process.id} runs synchronously only", location="async")


def _check_raw(asked: ExecuteAsked, process: Process) -> None:
    """Raw is for one output (14-065 table 45)."""
    number = len(process.outputs if asked.outputs is None else asked.outputs)
    if number != 1:
        told = f"a raw response has one output (asked for {number}); name one, or ask for response=document"
        raise InvalidParameter(told, location="response")


def _preference(mode: Mode, longest: float) -> Preference:
    if mode is Mode.SYNC:
        return Preference(wait=longest)
    return Preference(respond_async=mode is Mode.ASYNC)


def _waited(execution: Execution, deadline: float, call: Call) -> Execution:
    """A synchronous execution goes on being waited for where the operations gave it back earlier."""
    job_id = execution.job.id
    job = call.options.waiting.until_end(execution.job, lambda: call.service.job(call.principal, job_id), deadline)
    if job.ended or job.status is JobStatus.DISMISSED:
        return Execution(job, finished_in_time=True)
    told = f"the job {job_id} takes longer than this server lets a request wait, and goes on (GetStatus, GetResult)"
    raise StillRunning(told, location=job_id)


def get_status(job_id: str, call: Call) -> WpsAnswer:
    """The status of any job. Raises NoSuchJob."""
    return _status(_settled(job_id, call), call)


def get_result(job_id: str, call: Call) -> WpsAnswer:
    """The results of any job, raw where its request said so.

    Raises:
        NoSuchJob, ResultNotReady, ResultNotAvailable, JobFailed.
    """
    _settled(job_id, call)
    return _results(call.service.results(call.principal, job_id), call)


def dismiss(job_id: str, call: Call) -> WpsAnswer:
    """End a job, or remove one that has ended. Raises NoSuchJob."""
    return _status(call.service.dismiss(call.principal, job_id), call)


def _settled(job_id: str, call: Call) -> Job:
    """The job, a young one at its end where that is near."""
    job = call.service.job(call.principal, job_id)
    if not _is_young(job) or not _PLACES.acquire(blocking=False):
        return job
    try:
        deadline, pause = time.monotonic() + YOUNG, _LOOK
        while _is_young(job) and time.monotonic() < deadline:
            time.sleep(pause)
            pause *= 1.5
            job = call.service.job(call.principal, job_id)
        return job
    finally:
        _PLACES.release()


def _is_young(job: Job) -> bool:
    pending = job.status in (JobStatus.ACCEPTED, JobStatus.RUNNING) and job.phase is not Phase.CREATED
    return pending and (utc_now() - job.created).total_seconds() < YOUNG


def _status(job: Job, call: Call) -> WpsAnswer:
    running = job.status in (JobStatus.ACCEPTED, JobStatus.RUNNING)
    info = StatusInfo(
        job_id=job.id,
        status=STATUS[job.status],
        percent=_percent(job),
        next_poll=_next_poll(job) if running else None,
        expires=_expires(job, call),
    )
    return WpsAnswer(serialised(status_info(info)), headers=_monitor(job, call))


def _percent(job: Job) -> int | None:
    if job.status is JobStatus.SUCCESSFUL:
        return 100
    return None if job.status in (JobStatus.FAILED, JobStatus.DISMISSED) else max(0, min(99, job.progress))


def _next_poll(job: Job) -> datetime:
    """A tenth of the time that it has taken so far, within 1 to 60 seconds."""
    now = utc_now()
    age = (now - job.created).total_seconds()
    return now + timedelta(seconds=min(60.0, max(1.0, age / 10)))


def _expires(job: Job, call: Call) -> datetime | None:
    if job.finished is None or not call.options.retention or job.status is JobStatus.DISMISSED:
        return None
    return job.finished + timedelta(seconds=call.options.retention)


def _monitor(job: Job, call: Call) -> tuple[tuple[str, str], ...]:
    """The job in OGC API: the same one."""
    return (("Link", f'<{call.request.base}/jobs/{job.id}>; rel="monitor"; type="application/json"'),)


def _results(found: Results, call: Call, asked: ExecuteAsked | None = None) -> WpsAnswer:
    """Document or raw, as the request of the job says; what the present request says in more detail counts first."""
    request = ExecutionRequest.from_json(found.job.request)
    outputs = dict(asked_of(request))
    if asked is not None and asked.outputs is not None:
        outputs |= {item.identifier: item for item in asked.outputs}
    if request.response is ResponseForm.RAW and len(found.outputs) == 1:
        return _raw(found, outputs, call)
    made = Maker(call.service, call.principal, found, call.request.base).made(outputs)
    document = result(found.job.id, made, outputs, _expires(found.job, call))
    return WpsAnswer(serialised(document), headers=_monitor(found.job, call))


def _raw(found: Results, outputs: Mapping[str, OutputAsked], call: Call) -> WpsAnswer:
    """One output: the data itself, also where a reference is asked for, since a raw answer has no place for one."""
    name = next(iter(found.outputs))
    asked = replace(outputs.get(name, OutputAsked(name)), as_reference=False)
    maker = Maker(call.service, call.principal, found, call.request.base)
    headers = _monitor(found.job, call)
    raw = maker.raw(name, asked)
    if raw.file is None:
        value = maker.value(found.process.outputs[name], found.outputs[name], asked)
        if isinstance(value, LiteralMade) and not is_plain(asked):
            return WpsAnswer(serialised(literal_value(value)), media_type=XML, headers=headers)
        if isinstance(value, BoxMade):
            return WpsAnswer(serialised(bounding_box(value)), media_type=XML, headers=headers)
    return WpsAnswer(raw.content, media_type=raw.media_type, headers=headers, file=raw.file)
