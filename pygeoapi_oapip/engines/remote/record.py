"""What is known of one remote run: files in the job's folder, so any process of this server can go on with it.

remote-run.json     the request, written once
remote-state.json   how far it is, replaced as a whole at each step
remote-cancel       there as soon as the run is to be cancelled
remote.lock         held by the process that takes a step
logs/remote.log     for people
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...model.json import JSONObject
from ...model.process import Package
from ...model.run import RunReport, RunState
from ..run_files import RunLog, locked, write_document

_RUN, _STATE, _CANCEL, _LOCK = "remote-run.json", "remote-state.json", "remote-cancel", "remote.lock"
_LOG = Path("logs") / "remote.log"


class Stage(StrEnum):
    """How far a run is, for us."""

    NEW = "new"
    """nothing was sent"""
    SENDING = "sending"
    """saved just before the request is sent: found after a crash, nobody knows whether it arrived"""
    SENT = "sent"
    """the other server has a job"""
    READY = "ready"
    """that job was successful; its results are not read yet"""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class State:
    """The content of remote-state.json."""

    stage: Stage = Stage.NEW
    job: str = ""
    """URL of the job there."""
    results: str = ""
    """URL of its results."""
    state: RunState = RunState.QUEUED
    message: str = ""
    progress: int = 0
    started: str = ""
    finished: str = ""
    due: float = 0.0
    """Unix time before which nothing is asked."""
    faults: int = 0
    """Temporary faults in a row."""
    refusals: int = 0
    """Requests to dismiss the job that had no effect."""
    outputs: JSONObject = field(default_factory=dict)

    @property
    def report(self) -> RunReport:
        """For the reconciler."""
        return RunReport(
            self.state,
            self.message,
            self.progress,
            started=datetime.fromisoformat(self.started) if self.started else None,
            finished=datetime.fromisoformat(self.finished) if self.finished else None,
        )


class Record:
    """The files of one run.

    Args:
        workspace: folder of the job.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.log = RunLog(workspace / _LOG)

    def create(self, package: Package, body: JSONObject) -> None:
        """Write the request, unless it is there. Raises OSError."""
        if self.request() is None:
            write_document(self.workspace / _RUN, {"document": package.document, "body": body})

    def request(self) -> tuple[JSONObject, JSONObject] | None:
        """The package's document and the body to send; None where there is no such run."""
        found = self._load(_RUN)
        return None if found is None else (found["document"], found["body"])

    def state(self) -> State:
        """How far it is."""
        found = self._load(_STATE)
        if found is None:
            return State()
        return State(**{**found, "stage": Stage(found["stage"]), "state": RunState(found["state"])})

    def save(self, state: State) -> None:
        """Replace the state, durably. Raises OSError."""
        write_document(self.workspace / _STATE, asdict(state))

    def cancel(self) -> None:
        """Note that it is to be cancelled. Raises OSError."""
        (self.workspace / _CANCEL).touch()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return (self.workspace / _CANCEL).exists()

    def locked(self) -> AbstractContextManager[bool]:
        """Whether this thread alone may take a step now. Raises OSError."""
        return locked(self.workspace / _LOCK)

    def _load(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.workspace / name).read_bytes())
        except (OSError, ValueError):
            return None
        return found
