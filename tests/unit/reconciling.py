"""A reconciler for tests: a store in memory, an engine and a stager that do what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.identity import ANONYMOUS_NAME, EVERYTHING
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.model.process import Package, Process
from pygeoapi_oapip.model.value import InputValue, Literal
from pygeoapi_oapip.parts import Parts
from pygeoapi_oapip.reconciler import Reconciler
from pygeoapi_oapip.staging.base import Staged
from pygeoapi_oapip.staging.transfer import Intake
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.base import JobStore
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.testing.fake_engine import FakeBackEnd, FakeEngine, Script

DOCUMENT: Mapping[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "true",
    "inputs": {"f": "File?"},
    "outputs": {},
}

PATIENCE = 120.0


@contextmanager
def running(reconciler: Reconciler) -> Iterator[None]:
    """The reconciler's loop, in a thread, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=reconciler.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def until(jobs: JobStore, job: Job, wanted: Callable[[Job], object]) -> Job:
    """The job as soon as it is as wanted."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(seen := jobs.get(job.id, EVERYTHING)):
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    return seen


class FakeStager:
    """Answers what the test says."""

    schemes = frozenset({"http"})

    def __init__(self) -> None:
        self.faults: list[Exception] = []

    def check(self, url: str) -> None:
        """Everything is allowed."""

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        if self.faults:
            raise self.faults.pop(0)
        (folder / "data").write_text(url)
        return Staged(folder / "data", "text/plain")

    def fetch(self, url: str, max_bytes: int) -> Any:
        raise AssertionError("not used")


class Bench:
    """A reconciler with everything in memory but the job folders."""

    def __init__(self, folder: Path, script: Script | None = None) -> None:
        self.back_end = FakeBackEnd()
        self.scripts = {"p": script or Script(outputs={"out": Literal(42)})}
        self.engine = FakeEngine("fake", self.scripts, self.back_end)
        self.jobs = MemoryJobStore()
        self.processes = MemoryProcessStore()
        self.processes.add(Process("p", "1", "P", "", {}, {}, Package(DOCUMENT, "", b"", "application/cwl")))
        self.stager = FakeStager()
        self.workspaces = LocalWorkspaces(folder, self.stager)
        self.reconciler = self.restart()

    def restart(self) -> Reconciler:
        """What a new process would have: nothing but the stores, the folders and the engine's own state."""
        self.reconciler = Reconciler(
            Parts(self.jobs, self.processes, {"fake": self.engine}, self.workspaces), f"owner-{time.monotonic_ns()}"
        )
        return self.reconciler

    def job(self, inputs: Mapping[str, InputValue] | None = None) -> Job:
        request = ExecutionRequest(inputs or {}).to_json()
        return Job.new("p", 1, ANONYMOUS_NAME, "fake", request)

    def held(self, job: Job) -> Job:
        leases = self.reconciler.leases
        return self.jobs.add(replace(job, lease_owner=leases.owner, lease_until=leases.until()))

    def drive(self, job: Job, timeout: float = PATIENCE) -> Job:
        return self.reconciler.drive(self.held(job), timeout)

    def now(self, job: Job) -> Job:
        return self.jobs.get(job.id, EVERYTHING)

    def loop(self) -> AbstractContextManager[None]:
        return running(self.restart())

    def until(self, job: Job, wanted: Callable[[Job], object]) -> Job:
        return until(self.jobs, job, wanted)

    def ended(self, job: Job) -> Job:
        return self.until(job, lambda seen: seen.ended)

    def submitted(self) -> Job:
        """A job that has its run, and nobody who moves it."""
        job = self.jobs.add(self.job())
        with self.loop():
            self.until(job, lambda seen: seen.run is not None)
        return self.now(job)
