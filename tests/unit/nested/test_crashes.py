"""Crashes at each write."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.model.quota import UNBOUNDED, Allowance
from pygeoapi_oapip.store.memory import MemoryJobStore

from ..reconciling import PATIENCE
from .bench import Bench, literal, nested


class Crash(BaseException):
    """The process ends here."""


class CrashingStore(MemoryJobStore):
    """Ends the process before or after its n-th write."""

    def __init__(self, crash_at: int, after: bool) -> None:
        super().__init__()
        self.left = crash_at
        self.after = after
        self.armed = False

    def save(self, job: Job, *, durable: bool = True) -> Job:
        return self._crashing(lambda: super(CrashingStore, self).save(job))

    def add(self, job: Job, *, durable: bool = True, allowance: Allowance = UNBOUNDED) -> Job:
        return self._crashing(lambda: super(CrashingStore, self).add(job))

    def _crashing(self, write: Any) -> Job:
        self.left -= self.armed
        if self.armed and self.left == 0 and not self.after:
            raise Crash
        saved: Job = write()
        if self.armed and self.left == 0:
            raise Crash
        return saved


def run_until_crash(bench: Bench, job: Job) -> bool:
    """A worker in this thread, until the store ends it or the job has ended."""
    worker, stop = bench.restart(), threading.Event()

    def watch() -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not bench.now(job.id).ended and not stop.is_set():
            time.sleep(0.01)
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        worker.run(stop)
    except Crash:
        return True
    finally:
        stop.set()
        watcher.join()
        bench.jobs.extend(worker.leases.owner, datetime(1970, 1, 1, tzinfo=UTC))
    return False


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", range(1, 13))
def test_crash_at_any_write_loses_nothing_and_runs_nothing_twice(tmp_path: Path, crash_at: int, after: bool) -> None:
    store = CrashingStore(crash_at, after)
    bench = Bench(tmp_path, {"child": literal(42, ends=0.02), "other": literal(5)}, store)
    job = store.add(bench.job({"n": nested(inputs={"n": nested(process_id="other")}), "any": nested()}))
    store.armed = True
    assert run_until_crash(bench, job)
    store.armed = False
    with bench.loop():
        done = bench.ended(job)
    assert (done.phase, bench.order(done)) == (Phase.SUCCESSFUL, {"n": 42, "any": 42})
    assert len(bench.engine.submits) == 4
    assert set(bench.engine.submits.values()) == {1}
