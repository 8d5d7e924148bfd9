"""What subscribers are told (Part 1 callback): the messages, made from the row of the job at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from . import __version__
from .delivery import process_of, served_file, wanted_outputs
from .errors import JobFailed, ResultNotAvailable
from .model.execution import ExecutionRequest
from .model.job import Job, Phase
from .model.json import serialise
from .results import Renderer
from .staging.base import Workspaces
from .statusinfo import status_members
from .store.base import ProcessStore

JSON_TYPE = "application/json"


class Kind(StrEnum):
    """Which of the three addresses a message goes to."""

    PROGRESS = "inProgressUri"
    SUCCESS = "successUri"
    FAILURE = "failedUri"


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP POST."""

    kind: Kind
    url: str
    body: bytes
    headers: Mapping[str, str]


def address_of(job: Job, kind: Kind) -> str:
    """Where a message of this kind goes; "" where the job tells nobody."""
    subscriber = ExecutionRequest.from_json(job.request).subscriber
    return "" if subscriber is None else subscriber.addresses().get(kind.value, "")


class Composer:
    """Makes messages.

    Args:
        processes: for the order of outputs.
        workspaces: where the files of results are.
        base: `server.url`, which links begin with.
    """

    def __init__(self, processes: ProcessStore, workspaces: Workspaces, base: str) -> None:
        self._processes = processes
        self._workspaces = workspaces
        self._base = base.rstrip("/")

    def progress(self, job: Job) -> Message:
        """The statusInfo of a running job; for one that has ended meanwhile, the one with which it began to run."""
        if job.ended:
            job = replace(job, phase=Phase.RUNNING, progress=0, message="", finished=None, steps=(), usage={})
            job = replace(job, updated=job.started or job.updated)
        return self._message(job, Kind.PROGRESS, self._status(job), f"running-{job.progress}")

    def end(self, job: Job) -> Message:
        """The results document of a successful job, the exception of one that failed or was dismissed.

        Raises:
            NoSuchOutput, ResultNotAvailable, Unavailable: a file that belongs into the document cannot be read.
        """
        if job.phase is Phase.SUCCESSFUL:
            return self._message(job, Kind.SUCCESS, self._results(job), "successful")
        return self._message(job, Kind.FAILURE, self._problem(job), job.phase.value)

    def _message(self, job: Job, kind: Kind, document: Mapping[str, Any], state: str) -> Message:
        headers = {
            "Content-Type": JSON_TYPE,
            "User-Agent": f"pygeoapi-oapip/{__version__}",
            "Idempotency-Key": f"{job.id}-{state}",
            "Link": f'<{self._address(job)}>; rel="monitor"; type="{JSON_TYPE}"',
        }
        return Message(kind, address_of(job, kind), serialise(document), headers)

    def _address(self, job: Job) -> str:
        return f"{self._base}/jobs/{quote(job.id, safe='')}"

    def _status(self, job: Job) -> Mapping[str, Any]:
        link = {"href": self._address(job), "type": JSON_TYPE, "title": "Job status"}
        return {**status_members(job), "links": [{**link, "rel": "self"}, {**link, "rel": "monitor"}]}

    def _problem(self, job: Job) -> Mapping[str, Any]:
        known = job.problem
        if job.phase is Phase.DISMISSED:
            known = ResultNotAvailable("the job was dismissed; it has no results").problem()
        return {**(known or JobFailed(job.message).problem()), "instance": f"{self._address(job)}/results"}

    def _results(self, job: Job) -> Mapping[str, Any]:
        request = ExecutionRequest.from_json(job.request)
        outputs = wanted_outputs(process_of(self._processes, job), request, job.outputs or {})

        def read(output_id: str, path: str) -> bytes:
            folder, storage = self._workspaces.path(job.id), self._workspaces.storage
            return served_file(outputs[output_id], output_id, path, folder, storage).read()

        locate = self._workspaces.storage.link
        return Renderer(f"{self._address(job)}/results", read, locate).document(outputs, request)
