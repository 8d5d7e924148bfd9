"""What an engine says of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .json import JSON, JSONObject

JobID = str


class RunState(StrEnum):
    """The states that every engine's own words are mapped to."""

    QUEUED = "queued"
    """accepted by the engine, waiting for resources"""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """ended; `Engine.outputs` may be called"""
    FAILED = "failed"
    """ended by its own fault; `message` says why"""
    CANCELLED = "cancelled"
    """ended because of `Engine.cancel`"""
    LOST = "lost"
    """the engine knows that it ended without a trace (killed, evicted); `message` says what is known"""


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run as its engine knows it. Lives in the job row, so it holds all that is needed after a restart."""

    engine: str
    job_id: JobID
    external_id: str
    """The engine's own name of the run."""
    state: JSONObject = field(default_factory=dict)
    """Further values of the engine, opaque to all others."""

    def to_json(self) -> JSONObject:
        """The stored form; `from_json` is its inverse."""
        return {"engine": self.engine, "job_id": self.job_id, "external_id": self.external_id, "state": self.state}

    @staticmethod
    def from_json(stored: Mapping[str, JSON]) -> RunRef:
        """Read what `to_json` wrote."""
        state = stored["state"]
        assert isinstance(state, Mapping)
        return RunRef(str(stored["engine"]), str(stored["job_id"]), str(stored["external_id"]), state)


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of a workflow (or the one tool)."""

    name: str
    state: RunState
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """The present state of a run."""

    state: RunState
    message: str = ""
    """For people; on failure it names the failing step, its exit code and the last lines of its output."""
    progress: int = 0
    """0-100."""
    steps: tuple[StepReport, ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    """`cpu_seconds`, `wall_seconds`, `peak_memory_bytes`, as far as the engine knows them."""
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def ended(self) -> bool:
        """True if the run will not change any more."""
        return self.state not in (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log."""

    time: datetime | None
    level: str
    """`DEBUG`, `INFO`, `WARNING`, `ERROR`, or "" for the raw output of a tool."""
    source: str
    """Step name, or "" for the run itself."""
    text: str
