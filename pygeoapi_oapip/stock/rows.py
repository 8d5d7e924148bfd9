"""Jobs and requests in pygeoapi's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import flask
from pygeoapi.util import DATETIME_FORMAT, RequestedProcessExecutionMode

from ..model.job import Job, JobStatus
from ..model.value import FileOutput, output_from_json
from ..operations import Preference

JSON_TYPE = "application/json"


def job_row(job: Job) -> dict[str, Any]:
    """A job as pygeoapi's job dict; `started` is never None because pygeoapi sorts by it, and a job that was created
    but not started (Part 4) is `accepted`, because pygeoapi has no word for it."""
    return {
        "type": "process",
        "identifier": job.id,
        "process_id": job.process_id,
        "status": (JobStatus.ACCEPTED if job.status is JobStatus.CREATED else job.status).value,
        "message": job.message,
        "mimetype": _media_type(job),
        "progress": job.progress,
        "parameters": _parameters(job),
        "created": _time(job.created),
        "started": _time(job.started or job.created),
        "finished": _time(job.finished),
        "updated": _time(job.updated),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime(DATETIME_FORMAT) if moment else None


def _parameters(job: Job) -> str | None:
    """The inputs as JSON text; None where pygeoapi's own page, which does not escape it, would run a part of it."""
    text = json.dumps(job.request.get("inputs", {}), ensure_ascii=False)
    return None if "<" in text or ">" in text else text


def _media_type(job: Job) -> str:
    asked = job.request.get("outputs")
    wanted = asked if isinstance(asked, Mapping) else (job.outputs or {})
    outputs = [output_from_json(value) for key, value in (job.outputs or {}).items() if key in wanted]
    if response_form(job) == "document" or len(outputs) != 1:
        return JSON_TYPE
    (output,) = outputs
    if isinstance(output, FileOutput) and not output.secondary:
        return output.media_type or "application/octet-stream"
    return JSON_TYPE


def response_form(job: Job) -> str:
    """`raw` or `document`, as the request said."""
    return str(job.request.get("response") or "raw")


def accepted(job: Job) -> dict[str, str]:
    """The status of a job that was just made (Part 1 statusInfo.yaml)."""
    return {"jobID": job.id, "processID": job.process_id, "type": "process", "status": job.status.value}


def request_body(inputs: Any, outputs: dict[str, Any] | None, subscriber: Any, response: str | None) -> dict[str, Any]:
    """The execute request again: pygeoapi has taken it apart, and has put `raw` where nothing was said."""
    body: dict[str, Any] = {"inputs": inputs}
    if outputs is not None:
        body["outputs"] = outputs
    if response not in (None, "raw"):
        body["response"] = response
    if subscriber is not None:
        members = ("successUri", subscriber.success_uri), ("inProgressUri", subscriber.in_progress_uri)
        body["subscriber"] = {key: uri for key, uri in (*members, ("failedUri", subscriber.failed_uri)) if uri}
    return body


def preference(mode: RequestedProcessExecutionMode | None) -> Preference:
    """pygeoapi knows only the whole header values `respond-async` and `wait`; the header itself tells more."""
    header = flask.request.headers.get("Prefer", "").lower() if flask.has_request_context() else ""
    asynchronous = mode is RequestedProcessExecutionMode.respond_async
    seconds = re.search(r"(?:^|[\s,;])wait\s*=\s*\"?(\d{1,9})", header)
    if mode is RequestedProcessExecutionMode.wait:
        return Preference(wait=float("inf"))
    return Preference(
        asynchronous or bool(re.search(r"(?:^|[\s,;])respond-async(?:$|[\s,;])", header)),
        float(seconds[1]) if seconds else None,
    )


def public_status(status: Any) -> JobStatus:
    """pygeoapi's JobStatus, or its text, as ours."""
    return JobStatus(getattr(status, "value", status))
