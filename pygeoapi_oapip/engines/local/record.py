"""The durable state of a run: JSON files in `{workspace}/run`, the only truth that outlives every process.

plan.json      written by `LocalEngine.submit`: what to run
started.json   created exclusively by the child that runs the job (or by a cancellation): one job never runs twice
progress.json  rewritten by the child while it runs
cancel.json    a cancellation was asked for
exit.json      created exclusively at the end: the first report wins
"""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...model.run import RunState

Record = dict[str, Any]

log = logging.getLogger("pygeoapi_oapip.engines.local")


class JobFolder:
    """Reads and writes the state of one run.

    Args:
        workspace: the job's folder (design 7).
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.run = workspace / "run"
        self.work = workspace / "work"
        self.outputs = workspace / "outputs"
        self.log = workspace / "logs" / "job.log"

    def make(self) -> None:
        """Create the folders that are missing."""
        for folder in (self.run, self.work, self.outputs, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def planned(self) -> bool:
        """True if the run was submitted."""
        return (self.run / "plan.json").exists()

    @property
    def cancelled(self) -> bool:
        """True if a cancellation was asked for."""
        return (self.run / "cancel.json").exists()

    def read(self, name: str) -> Record | None:
        """The record `name` (such as `exit`), or None where it is not there."""
        try:
            text = (self.run / f"{name}.json").read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        record = json.loads(text)
        assert isinstance(record, dict)
        return record

    def size(self, name: str) -> int:
        """Bytes of the record `name`. Raises OSError where there is none."""
        return (self.run / f"{name}.json").stat().st_size

    def write(self, name: str, record: Record) -> None:
        """Replace the record `name` in one step. Raises OSError, for example where the disk is full."""
        draft = self._draft(name, record)
        os.replace(draft, self.run / f"{name}.json")

    def create(self, name: str, record: Record) -> bool:
        """Write the record `name` if nobody has: True for exactly one caller, whatever crashes."""
        draft = self._draft(name, record)
        try:
            os.link(draft, self.run / f"{name}.json")
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def finish(self, state: RunState, message: str, **more: Any) -> bool:
        """Write the final report, unless there is one. Raises OSError."""
        return self.create("exit", self.report(state, message) | more)

    def finish_if_possible(self, state: RunState, message: str) -> None:
        """Write the final report, unless there is one, or the disk is full or read-only."""
        try:
            self.finish(state, message)
        except OSError as error:
            log.warning("the end of a job cannot be written: %s", error.strerror)

    def report(self, state: RunState, message: str) -> Record:
        """A final report of what is known."""
        progress = self.read("progress") or {}
        return {
            "state": state.value,
            "message": message,
            "progress": progress.get("progress", 0),
            "steps": _settled(progress.get("steps", []), state),
            "started": (self.read("started") or {}).get("time"),
            "finished": now(),
        }

    def _draft(self, name: str, record: Record) -> Path:
        draft = self.run / f".{name}.{os.getpid()}.{threading.get_ident()}"
        try:
            draft.write_text(json.dumps(record), encoding="utf-8")
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return draft


def now() -> str:
    """The present time in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat()


def _settled(steps: list[Record], state: RunState) -> list[Record]:
    """The steps at the end of a run: none is left running."""
    end = state.value if state is not RunState.SUCCEEDED else RunState.FAILED.value
    return [
        step | {"state": end, "finished": now()} if step["state"] == RunState.RUNNING.value else step for step in steps
    ]
