"""The model as the JSON documents of the standard: process summary and description, status, job list, inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..job_management import definition_of
from ..model.execution import ExecutionRequest, OutputRequest
from ..model.identity import Principal
from ..model.job import Job, JobStatus, Phase
from ..model.json import JSON
from ..model.process import Input, Output, Process, Source
from ..model.value import Inline, InputValue, Many, Nested, Reference
from ..statusinfo import status_members
from ..statusinfo import timestamp as timestamp
from ..store.notifications import Outcome, Subscription
from .links import HTML_TYPE, JSON_TYPE, OGC_REL, Links, link

PROCESS_PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-process-description"

Document = dict[str, Any]
StatusOf = Callable[[Job], Document]


def summary(process: Process, links: Links) -> Document:
    """Part 1 processSummary.yaml, with Part 2's `mutable`."""
    address = links.process(process.id)
    return {
        **process.extra,
        "id": process.id,
        "version": process.version,
        "title": process.title or process.id,
        "description": process.description,
        **({"keywords": list(process.keywords)} if process.keywords else {}),
        **({"metadata": list(process.metadata)} if process.metadata else {}),
        "jobControlOptions": [option.value for option in process.job_control],
        "outputTransmission": process.extra.get("outputTransmission") or ["value", "reference"],
        "mutable": process.mutable,
        "links": [
            *links.pair(address, "Process description"),
            link(links.execution(process.id), f"{OGC_REL}execute", JSON_TYPE, "Execute this process"),
        ],
    }


def description(process: Process, links: Links) -> Document:
    """Part 1 process.yaml."""
    document = summary(process, links)
    further = document.pop("links")
    document["inputs"] = {key: _input(item) for key, item in process.inputs.items()}
    document["outputs"] = {key: _parameter(item) for key, item in process.outputs.items()}
    document["revision"] = process.revision
    document |= {key: timestamp(moment) for key in ("created", "updated") if (moment := getattr(process, key))}
    address = links.process(process.id)
    deployed_as = process.package.media_type if process.package else "application/cwl"
    package = [link(f"{address}/package", "item", deployed_as, "Application package")]
    document["links"] = [
        *further,
        *(package if process.source is not Source.BUILTIN else []),
        link(f"{address}/history", "version-history", JSON_TYPE, "Revisions of this process"),
        link(f"{links.jobs()}?processID={address.rpartition('/')[2]}", f"{OGC_REL}job-list", JSON_TYPE, "Jobs"),
        link(PROCESS_PROFILE, "profile", JSON_TYPE, "OGC process description"),
    ]
    return document


def _parameter(item: Input | Output) -> Document:
    return {
        "title": item.title or item.id,
        **({"description": item.description} if item.description else {}),
        **({"keywords": list(item.keywords)} if item.keywords else {}),
        **({"metadata": list(item.metadata)} if item.metadata else {}),
        "schema": item.schema,
    }


def _input(item: Input) -> Document:
    return _parameter(item) | {
        "minOccurs": item.min_occurs,
        "maxOccurs": "unbounded" if item.max_occurs is None else item.max_occurs,
    }


def revision_row(process: Process) -> Document:
    """One row of a version history."""
    times = {key: timestamp(moment) for key in ("created", "updated") if (moment := getattr(process, key))}
    return {"revision": process.revision, "version": process.version, "title": process.title or process.id, **times}


def status(job: Job, links: Links) -> Document:
    """Part 1 statusInfo.yaml: the members of 1.0 (jobID, status, type) and of 2.0 (id, processingEntityType) in one."""
    return {**status_members(job), "links": _job_links(job, links)}


def ownership(job: Job, principal: Principal, named: bool) -> Document:
    """The members of a status that say whose a job of another user is.

    Args:
        job: any one that the principal sees.
        principal: who asks.
        named: he is told the name of the owner; else only that the job is shared with him.
    """
    if named:
        return {"owner": job.owner}
    return {"shared": True} if job.owner != principal.name else {}


def callbacks(told: Subscription) -> Document:
    """The member `callbacks` of a status: what the subscriber of the job has been told, and what went wrong."""
    return {
        "state": told.outcome.value,
        **({"progress": told.told} if told.told is not None else {}),
        **({"attempts": told.attempts} if told.attempts else {}),
        **({"message": told.note} if told.note else {}),
        **({"nextAttempt": timestamp(told.due)} if told.attempts and told.outcome is Outcome.OPEN else {}),
    }


def _job_links(job: Job, links: Links) -> list[dict[str, JSON]]:
    address = links.job(job.id)
    found = [
        *links.pair(address, "Job status"),
        link(address, "monitor", JSON_TYPE, "Job status"),
        link(links.jobs(), "up", JSON_TYPE, "Job list"),
        link(f"{address}/logs?f=text", f"{OGC_REL}log", "text/plain", "Log"),
        link(f"{address}/inputs", f"{OGC_REL}inputs", JSON_TYPE, "Inputs"),
    ]
    # `outputs: {}` asks for no result, so there is none to link.
    if job.status is JobStatus.SUCCESSFUL and job.request.get("outputs") != {}:
        results = f"{address}/results"
        found.append(link(results, f"{OGC_REL}results", JSON_TYPE, "Job results"))
        found.append(link(f"{results}?f=html", f"{OGC_REL}results", HTML_TYPE, "Job results as HTML"))
    if job.status is JobStatus.FAILED:
        found.append(link(f"{address}/exceptions", f"{OGC_REL}exceptions", JSON_TYPE, "Why the job failed"))
    return found


def dismissed(job: Job, links: Links) -> Document:
    """Part 1 dismiss response: statusInfo whose only link is the job list (the job itself may be gone)."""
    document = status(job, links)
    document["status"] = JobStatus.DISMISSED.value
    document.pop("exception", None)
    document["links"] = [link(links.jobs(), "up", JSON_TYPE, "Job list")]
    return document


def inputs(job: Job, links: Links) -> Document:
    """Part 4 inputs-response: what the job was asked for."""
    address = links.job(job.id)
    # of a job that is not started yet, only the definition is known
    defined = definition_of(job) if job.phase is Phase.CREATED else _request(job)
    return {
        "inputs": defined.get("inputs") or {},
        "outputs": defined.get("outputs") or {},
        **({"response": defined["response"]} if defined.get("response") else {}),
        "links": [
            link(f"{address}/inputs", "self", JSON_TYPE, "Inputs"),
            link(address, "up", JSON_TYPE, "Job status"),
        ],
    }


def definition(job: Job, links: Links) -> Document:
    """Part 4 definition of a job that was not created by one: the execute request that makes the same job."""
    subscriber = ExecutionRequest.from_json(job.request).subscriber
    return {
        "process": links.process(job.process_id),
        **_request(job),
        **({"subscriber": dict(subscriber.addresses())} if subscriber else {}),
    }


def _request(job: Job) -> Document:
    request = ExecutionRequest.from_json(job.request)
    outputs = request.outputs
    return {
        "inputs": {key: _input_value(value) for key, value in request.inputs.items()},
        **({} if outputs is None else {"outputs": {key: _output_request(item) for key, item in outputs.items()}}),
        **({"response": request.response.value} if request.response else {}),
    }


def _input_value(value: InputValue) -> JSON:
    if isinstance(value, Many):
        return [_input_value(item) for item in value.items]
    if isinstance(value, Reference):
        return {"href": value.href, **({"type": value.media_type} if value.media_type else {})}
    return _nested(value) if isinstance(value, Nested) else _inline(value)


def _nested(value: Nested) -> JSON:
    """Part 3: an input that another process makes, as the client may give it."""
    request = ExecutionRequest.from_json(value.request)
    inputs = {key: _input_value(item) for key, item in request.inputs.items()}
    return {"process": value.process, "inputs": inputs, "outputs": {value.output: {}}}


def _inline(value: Inline) -> JSON:
    members = {"mediaType": value.media_type, "encoding": value.encoding}
    given = {key: text for key, text in members.items() if text}
    if given or isinstance(value.value, Mapping):
        return {"value": value.value, **given}
    return value.value


def _output_request(item: OutputRequest) -> Document:
    return {
        **({"transmissionMode": item.transmission.value} if item.transmission else {}),
        **({"format": {"mediaType": item.media_type}} if item.media_type else {}),
    }


def processes(items: Iterable[Process], links: Links, further: Iterable[dict[str, JSON]]) -> Document:
    """Part 1 processList.yaml."""
    return {"processes": [summary(item, links) for item in items], "links": list(further)}


def jobs(items: Iterable[Job], status_of: StatusOf, further: Iterable[dict[str, JSON]]) -> Document:
    """Part 1 jobList.yaml; `status_of` gives the document of each job."""
    return {"jobs": [status_of(item) for item in items], "links": list(further)}
