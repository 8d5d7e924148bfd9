"""What is known of one remote run: files in the job's folder, so any process of this server can go on with it.

remote-run.json     the request, written once
remote-state.json   how far it is, replaced as a whole at each step
remote-cancel       there as soon as the run is to be cancelled
remote.lock         held by the process that takes a step
logs/remote.log     for people
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...model.json import JSONObject
from ...model.process import Package
from ...model.run import LogLine, RunReport, RunState

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

    def create(self, package: Package, body: JSONObject) -> None:
        """Write the request, unless it is there. Raises OSError."""
        if self.request() is None:
            self._write(_RUN, {"document": package.document, "body": body})

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
        self._write(_STATE, asdict(state))

    def cancel(self) -> None:
        """Note that it is to be cancelled. Raises OSError."""
        (self.workspace / _CANCEL).touch()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return (self.workspace / _CANCEL).exists()

    def say(self, text: str, level: str = "INFO") -> None:
        """Add a line to the log. Raises OSError."""
        path = self.workspace / _LOG
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps([datetime.now(UTC).isoformat(), level, text]) + "\n")

    def lines(self) -> Iterator[LogLine]:
        """The log so far; a line cut short by a power failure is left out."""
        try:
            rows = (self.workspace / _LOG).read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        for row in rows:
            try:
                time, level, text = json.loads(row)
            except ValueError:
                continue
            yield LogLine(datetime.fromisoformat(time), level, "", text)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether this thread alone may take a step now; freed by the end of the process, too. Raises OSError."""
        handle = os.open(self.workspace / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(handle)

    def _load(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.workspace / name).read_bytes())
        except (OSError, ValueError):
            return None
        return found

    def _write(self, name: str, document: JSONObject) -> None:
        target = self.workspace / name
        partial = target.with_name(f"{name}.{os.getpid()}.part")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
