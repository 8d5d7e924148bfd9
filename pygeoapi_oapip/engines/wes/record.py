"""What is known of one run: files in the job's folder, so any process of this server can go on with it.

wes/run.json     what to run, written once
wes/state.json   how far it is, replaced as a whole at each step
wes/cancel       there as soon as the run is to be cancelled
wes/lock         held by the process that takes a step
logs/wes.log     for people
logs/run.json    what the WES server logged, kept at the end of the run (see `fetched`)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...model.execution import Plan
from ...model.json import JSON, JSONObject
from ...model.process import Package
from ...model.run import RunReport, RunState, StepReport
from ..run_files import RunLog, locked, write_document


class Stage(StrEnum):
    """How far a run is, for us."""

    NEW = "new"
    """nothing was sent"""
    SENDING = "sending"
    """saved just before the request is sent: found after a crash, the run is looked for at the server"""
    SENT = "sent"
    """the server has given it an id"""
    READY = "ready"
    """the server says that it is complete; its outputs are not read yet"""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class State:
    """The content of state.json. Times are Unix times; 0 where there is none yet."""

    stage: Stage = Stage.NEW
    run_id: str = ""
    word: str = ""
    """The last state in the words of WES."""
    state: RunState = RunState.QUEUED
    message: str = ""
    progress: int = 0
    steps: Sequence[JSONObject] = ()
    posted: float = 0.0
    """When it was sent first."""
    started: float = 0.0
    finished: float = 0.0
    searches: int = 0
    """Looks for the run that found nothing, since the last request to start it."""
    slow_until: float = 0.0
    """Before that it is not sent again: the server did not answer in time, and may still be at it."""
    missing: int = 0
    """Answers in a row that the server does not know the run."""
    reads: int = 0
    """Tries to read the outputs."""
    faults: int = 0
    stopping: str = ""
    """Why it is being cancelled: `dismissed` or `deadline`; "" where it is not."""
    stop_since: float = 0.0
    stop_sent: bool = False
    outputs: JSONObject = field(default_factory=dict)

    @property
    def report(self) -> RunReport:
        """For the reconciler."""
        return RunReport(
            self.state,
            self.message,
            self.progress,
            steps=tuple(map(_step, self.steps)),
            started=_moment(self.started),
            finished=_moment(self.finished),
        )


class Record:
    """The files of one run.

    Args:
        workspace: folder of the job.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self._folder = workspace / "wes"
        self.log = RunLog(workspace / "logs" / "wes.log")
        self.run_log = workspace / "logs" / "run.json"

    def create(self, plan: Plan, tags: Mapping[str, str]) -> None:
        """Write what to run, with further tags of the run, unless it is there. Raises OSError."""
        if not self.exists:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.run_log.parent.mkdir(exist_ok=True)
            package = plan.package
            what: dict[str, JSON] = {"process": plan.process_id, "order": plan.job_order, "document": package.document}
            # made durable with the first state
            whole = {**what, "entry": package.entry, "cwl_version": package.cwl_version, "tags": dict(tags)}
            write_document(self._folder / "run.json", whole, durable=False)

    @property
    def exists(self) -> bool:
        """True once `create` was called."""
        return (self._folder / "run.json").exists()

    def run(self) -> tuple[str, Package, JSONObject]:
        """Process id, package and job order. Raises OSError, ValueError where they cannot be read."""
        found: Any = json.loads((self._folder / "run.json").read_bytes())
        package = Package(found["document"], found["entry"], b"", "application/cwl+json")
        return str(found["process"]), _with_version(package, str(found["cwl_version"])), found["order"]

    def tags(self) -> Mapping[str, str]:
        """Further tags of the run. Raises as `run`."""
        found: Mapping[str, str] = json.loads((self._folder / "run.json").read_bytes()).get("tags") or {}
        return found

    def state(self) -> State:
        """How far it is."""
        try:
            found: dict[str, Any] = json.loads((self._folder / "state.json").read_bytes())
        except (OSError, ValueError):
            return State()
        return State(**{**found, "stage": Stage(found["stage"]), "state": RunState(found["state"])})

    def save(self, state: State, durable: bool = True) -> None:
        """Replace the state; `durable`: so that it outlives a power failure. Raises OSError.

        `SENDING` is durable with all above it: after a power failure a run must not look as if it was never sent.
        """
        write_document(self._folder / "state.json", asdict(state), durable)
        if state.stage is Stage.SENDING:
            for path in (self._folder / "run.json", self._folder, self.workspace, self.workspace.parent):
                _sync(path)

    def cancel(self) -> None:
        """Note that it is to be cancelled. Raises OSError."""
        (self._folder / "cancel").touch()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return (self._folder / "cancel").exists()

    def locked(self) -> AbstractContextManager[bool]:
        """Whether this thread alone may take a step now. Raises OSError."""
        return locked(self._folder / "lock")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stored_step(step: StepReport) -> dict[str, JSON]:
    """A step as it is kept in `State.steps`."""
    return {
        "name": step.name,
        "state": step.state.value,
        "started": step.started.isoformat() if step.started else None,
        "finished": step.finished.isoformat() if step.finished else None,
        "exit_code": step.exit_code,
    }


def _step(stored: JSONObject) -> StepReport:
    code = stored["exit_code"]
    return StepReport(
        str(stored["name"]),
        RunState(str(stored["state"])),
        _read_time(stored["started"]),
        _read_time(stored["finished"]),
        code if isinstance(code, int) else None,
    )


def _read_time(text: JSON) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _with_version(package: Package, version: str) -> Package:
    return Package(package.document, package.entry, b"", package.media_type, cwl_version=version)
