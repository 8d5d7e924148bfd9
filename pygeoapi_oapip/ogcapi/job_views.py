"""Jobs: list, status, dismissal, logs, inputs, exceptions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from flask import Response, request

from ..errors import NoSuchJob
from ..model.job import JobStatus
from ..model.run import LogLine
from . import documents, job_pages, queries
from .door import DOCUMENT_HEADERS, Door, html_response, json_response
from .identifiers import checked
from .links import JSON_TYPE, link
from .routes import Route

LOG_PAGE = 10_000
"""Log lines in one JSON document."""


def list_jobs(door: Door) -> Response:
    """GET /jobs."""
    query = queries.job_query(request.args, door.options.jobs_page, door.options.max_page)
    if door.options.eoepca and JobStatus.RUNNING in query.statuses:
        query = replace(query, statuses=tuple(dict.fromkeys((*query.statuses, JobStatus.ACCEPTED))))
    page = door.operations.jobs(door.principal, query)
    links = door.links
    further = [
        *links.pair(links.jobs(), "Job list", door.media_type()),
        *job_pages.links_of(links.jobs(), [*request.args.items(multi=True)], query, page),
    ]
    document = documents.jobs(page.jobs, door.statuses(), further)
    if not page.more and query.start is None and not query.offset:
        document["numberTotal"] = len(page.jobs)  # else nobody has counted them
    return door.document("jobs", document)


def job_status(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}."""
    job = door.operations.job(door.principal, checked(job_id, NoSuchJob))
    document = door.status(job)
    if job.request.get("subscriber") and (told := door.operations.callbacks(door.principal, job.id)):
        document["callbacks"] = documents.callbacks(told)
    return door.document("job", document)


def dismiss_job(door: Door, job_id: str) -> Response:
    """DELETE /jobs/{jobID}."""
    job = door.operations.dismiss(door.principal, checked(job_id, NoSuchJob))
    return json_response(documents.dismissed(job, door.links))


def job_inputs(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/inputs: what was asked for."""
    job = door.operations.job_request(door.principal, checked(job_id, NoSuchJob))
    return door.document("inputs", documents.inputs(job, door.links), job_id=job.id)


def job_exceptions(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/exceptions: a list with the cause of a failure; empty for any other job."""
    job = door.operations.job(door.principal, checked(job_id, NoSuchJob))
    found = [job.problem] if job.status is JobStatus.FAILED and job.problem else []
    if door.wanted() == "html":
        return html_response(door.page("exceptions", {"exceptions": found}, job_id=job.id))
    return json_response(found)


def job_logs(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/logs: JSON, text or a page; `offset` lines are left out, or all but the last `tail`."""
    form = door.wanted(("json", "html", "text"))
    limit, offset = queries.window(request.args, LOG_PAGE, LOG_PAGE)
    tail = queries.tail_of(request.args, LOG_PAGE)
    job = door.operations.job(door.principal, checked(job_id, NoSuchJob))
    lines = islice(door.operations.logs(door.principal, job_id), offset, None)
    if form == "text":
        return _text(lines)
    passed, found = _cut(lines, limit, tail)
    offset += passed
    rows = [_row(line) for line in found]
    links = door.links
    address = f"{links.job(job_id)}/logs"
    end = offset + len(rows)
    document = {
        "jobID": job.id,
        "status": job.status.value,
        "offset": offset,
        "nextOffset": end,
        "lines": rows,
        "links": [
            *links.pair(address, "Log", door.media_type()),
            link(f"{address}?f=text", "alternate", "text/plain", "Log as text"),
            link(f"{address}?offset={end}", "next", JSON_TYPE, "Later lines"),
            link(links.job(job_id), "up", JSON_TYPE, "Job status"),
        ],
    }
    return door.document("logs", document, form, job_id=job_id)


def _cut(lines: Iterator[LogLine], limit: int, tail: int) -> tuple[int, list[LogLine]]:
    """How many lines are passed over, and the lines shown: the last `tail`, or the first `limit` where that is 0."""
    if not tail:
        return 0, list(islice(lines, limit))
    kept: deque[LogLine] = deque(maxlen=tail)
    total = 0
    for line in lines:
        kept.append(line)
        total += 1
    return total - len(kept), list(kept)


def _row(line: LogLine) -> dict[str, Any]:
    time = {"time": documents.timestamp(line.time)} if line.time else {}
    return {**time, "level": line.level, "source": line.source, "text": line.text}


def _text(lines: Iterator[LogLine]) -> Response:
    def write() -> Iterator[bytes]:
        for line in lines:
            time = documents.timestamp(line.time) if line.time else ""
            source = f"[{line.source}]" if line.source else ""
            words = [word for word in (time, line.level, source, line.text) if word]
            yield (" ".join(words) + "\n").encode("utf-8", "replace")

    headers = list(DOCUMENT_HEADERS)
    return Response(write(), 200, headers, content_type="text/plain; charset=utf-8")


ROUTES = (
    Route("/jobs", "GET", list_jobs),
    Route("/jobs/<job_id>", "GET", job_status),
    Route("/jobs/<job_id>", "DELETE", dismiss_job),
    Route("/jobs/<job_id>/inputs", "GET", job_inputs),
    Route("/jobs/<job_id>/exceptions", "GET", job_exceptions),
    Route("/jobs/<job_id>/logs", "GET", job_logs),
)
