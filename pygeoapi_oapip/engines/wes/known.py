"""What this server remembers of a WES server across restarts: which runs it knows, and how many of its own go on."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...model.run import JobID
from .record import Record, Stage


class KnownRuns:
    """Ids of runs that need not be looked at when a run is searched: each is known to belong to a job.

    Args:
        home: folder of the engine.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "known-runs.txt"
        self._lock = threading.Lock()

    def add(self, run_ids: Iterable[str]) -> None:
        """Remember. Raises OSError."""
        text = "".join(f"{run_id}\n" for run_id in run_ids if "\n" not in run_id)
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)

    def all(self) -> frozenset[str]:
        """All that were added."""
        try:
            return frozenset(self._path.read_text(encoding="utf-8").splitlines())
        except OSError:
            return frozenset()


class Slots:
    """At most so many runs at once, over all processes of this server.

    Args:
        home: folder of the engine.
        limit: 0: no limit.
    """

    def __init__(self, home: Path, limit: int) -> None:
        self._folder = home / "running"
        self._limit = limit

    def take(self, job_id: JobID, workspace: Path) -> bool:
        """True if this job may run now; it keeps its place until `free`. Raises OSError."""
        if not self._limit:
            return True
        with self._locked():
            mine = self._folder / job_id
            if mine.exists():
                return True
            if self._taken() >= self._limit:
                return False
            mine.write_text(str(workspace), encoding="utf-8")
            return True

    def free(self, job_id: JobID) -> None:
        """Give the place back. Idempotent."""
        if self._limit:
            (self._folder / job_id).unlink(missing_ok=True)

    def _taken(self) -> int:
        """The number of places in use; those of jobs that have ended (a crash was faster than `free`) are freed."""
        taken = 0
        for place in self._folder.iterdir():
            record = Record(Path(place.read_text(encoding="utf-8")))
            if record.exists and record.state().stage is not Stage.ENDED:
                taken += 1
            else:
                place.unlink(missing_ok=True)
        return taken

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder.parent / "running.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
