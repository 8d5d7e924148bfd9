"""A job, the line of phases that it walks, and what the public sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from .execution import PROCESS_OWNER
from .identity import ANONYMOUS_NAME
from .json import JSONObject
from .run import JobID, RunRef, StepReport


def utc_now() -> datetime:
    """The present time, with time zone; the one clock of jobs and stores."""
    return datetime.now(UTC)


class Phase(StrEnum):
    """Where a job is on its line. Order of definition is order of time."""

    CREATED = "created"
    """defined (Part 4), not yet started: no reconciler touches it"""
    ACCEPTED = "accepted"
    """in the store; nothing done yet"""
    STAGED = "staged"
    """inputs are where the engine can read them"""
    SUBMITTING = "submitting"
    """saved just before the engine is called: after a crash here the run may or may not exist"""
    SUBMITTED = "submitted"
    """the engine has it, and it waits for resources there"""
    RUNNING = "running"
    COLLECTING = "collecting"
    """the run succeeded; its outputs are being read"""
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


class Goal(StrEnum):
    """What the owner wants of the job. Doors write only this; the reconciler makes it true."""

    RUN = "run"
    DISMISS = "dismiss"


class JobStatus(StrEnum):
    """Part 1 statusCode.yaml: the five public words; and the one of Part 4, which only jobs made through it have."""

    CREATED = "created"
    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


ENDED_STATUSES = (JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED)
"""Those of ended jobs, and of jobs that are being dismissed."""

OGC_STATUS: Mapping[Phase, JobStatus] = MappingProxyType(
    {
        Phase.CREATED: JobStatus.CREATED,
        Phase.ACCEPTED: JobStatus.ACCEPTED,
        Phase.STAGED: JobStatus.ACCEPTED,
        Phase.SUBMITTING: JobStatus.ACCEPTED,
        Phase.SUBMITTED: JobStatus.ACCEPTED,
        Phase.RUNNING: JobStatus.RUNNING,
        Phase.COLLECTING: JobStatus.RUNNING,
        Phase.SUCCESSFUL: JobStatus.SUCCESSFUL,
        Phase.FAILED: JobStatus.FAILED,
        Phase.DISMISSED: JobStatus.DISMISSED,
    }
)

RESULT_BYTES = "result_bytes"
"""Member of `Job.usage`: bytes of the files of the results."""

ENDED = frozenset({Phase.SUCCESSFUL, Phase.FAILED, Phase.DISMISSED})
"""Phases that a job does not leave."""

_LINE = tuple(Phase)

TRANSITIONS: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {phase: frozenset(_LINE[_LINE.index(phase) :]) if phase not in ENDED else frozenset({phase}) for phase in _LINE}
    | {Phase.CREATED: frozenset({Phase.CREATED, Phase.ACCEPTED, Phase.DISMISSED})}
)
"""A job moves forward only; one that was created is started or dismissed; a phase that has nothing to do (no inputs to
stage, no queue) may be passed over."""


@dataclass(frozen=True, slots=True)
class Job:
    """One execution of one process. Immutable: `advance` makes the next state, the store saves it."""

    id: JobID
    process_id: str
    process_revision: int
    owner: str
    engine: str
    request: JSONObject
    """`ExecutionRequest.to_json()`."""
    created: datetime
    updated: datetime
    phase: Phase = Phase.ACCEPTED
    goal: Goal = Goal.RUN
    message: str = ""
    progress: int = 0
    """0-100."""
    started: datetime | None = None
    finished: datetime | None = None
    steps: tuple[StepReport, ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    run: RunRef | None = None
    outputs: JSONObject | None = None
    """Output id -> `output_to_json(value)`; None until SUCCESSFUL."""
    problem: JSONObject | None = None
    """RFC 9457 members of the cause; None unless FAILED."""
    attempts: int = 0
    """Temporary faults in a row."""
    not_before: datetime | None = None
    """Backoff: no step before this time."""
    version: int = 0
    """Compare-and-swap counter: the store adds 1 at each save."""
    lease_owner: str | None = None
    lease_until: datetime | None = None

    @staticmethod
    def new(process_id: str, process_revision: int, owner: str, engine: str, request: JSONObject) -> Job:
        """A job that nobody has seen yet, with an id that cannot be guessed."""
        now = utc_now()
        return Job(
            id=str(uuid4()),
            process_id=process_id,
            process_revision=process_revision,
            owner=owner,
            engine=engine,
            request=request,
            created=now,
            updated=now,
        )

    @property
    def ended(self) -> bool:
        """True in the phases that a job does not leave."""
        return self.phase in ENDED

    @property
    def status(self) -> JobStatus:
        """What the public sees. It never goes backwards: a job to be dismissed is `dismissed` from that moment."""
        if self.goal is Goal.DISMISS and not self.ended:
            return JobStatus.DISMISSED
        return OGC_STATUS[self.phase]

    @property
    def process_owner(self) -> str:
        """Whose process it runs: several owners may have one of the same id."""
        return str(self.request.get(PROCESS_OWNER) or ANONYMOUS_NAME)

    def advance(self, phase: Phase, now: datetime, **changes: Any) -> Job:
        """The same job in `phase`.

        Args:
            phase: the phase to go to; the present one is allowed (progress, message).
            now: becomes `updated`, and `finished` if `phase` ends the job.
            changes: further fields.

        Raises:
            ValueError: the line does not go that way.
        """
        if phase not in TRANSITIONS[self.phase]:
            raise ValueError(f"a job cannot go from {self.phase} to {phase}")
        if phase in ENDED:
            changes.setdefault("finished", now)
        if phase in (Phase.RUNNING, Phase.COLLECTING, Phase.SUCCESSFUL) and self.started is None:
            changes.setdefault("started", now)
        return replace(self, phase=phase, updated=now, **changes)


def result_bytes(job: Job) -> int:
    """Bytes of the results that a job keeps."""
    return int(job.usage.get(RESULT_BYTES, 0)) if job.phase is Phase.SUCCESSFUL else 0
