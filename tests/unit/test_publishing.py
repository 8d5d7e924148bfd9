"""Results on their way into a storage elsewhere: a crash, a break or a dismissal at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import JobFailed, StorageUnavailable, VersionConflict
from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.identity import ANONYMOUS_NAME, EVERYTHING
from pygeoapi_oapip.model.job import Goal, Job, JobStatus, Phase
from pygeoapi_oapip.model.process import Package, Process
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, OutputValue, with_files
from pygeoapi_oapip.parts import Parts
from pygeoapi_oapip.reconciler import Reconciler
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.storage import MARK, LocalStorage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.testing.fake_engine import FakeBackEnd, FakeEngine, Script

from .reconciling import running, until

DOCUMENT: Mapping[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "true",
    "inputs": {},
    "outputs": {},
}
OUTPUT = FileOutput("outputs/a", "a", "text/plain", 1)


class Crash(BaseException):
    """The end of the process."""


class FarStorage(LocalStorage):
    """Keeps names in memory, and does what a test tells it."""

    remote = True

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, list[str]] = {}
        self.written: list[str] = []
        self.faults: list[BaseException] = []
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()

    def publish(
        self, job_id: str, outputs: Mapping[str, OutputValue], workspace: Path, wanted: Callable[[], bool]
    ) -> Mapping[str, OutputValue]:
        def move(leaf: FileOutput | DirectoryOutput) -> FileOutput | DirectoryOutput:
            names = self.stored.setdefault(job_id, [])
            if leaf.name not in names:
                names.append(leaf.name)
                self.written.append(f"{job_id}/{leaf.name}")
            return replace(leaf, href=f"far://{job_id}/{leaf.name}")

        (workspace / MARK).touch()
        moved = {name: with_files(value, move) for name, value in outputs.items()}
        self.reached.set()
        while not self.hold.wait(0.02):
            if not wanted():
                raise VersionConflict("not wanted")
        if self.faults:
            raise self.faults.pop(0)
        return moved

    def discard(self, job_id: str) -> None:
        self.stored.pop(job_id, None)


class CrashingStore(MemoryJobStore):
    """Ends the process at a save: before it, or after it."""

    def __init__(self, crash_at: int, after: bool) -> None:
        super().__init__()
        self.left = crash_at
        self.after = after

    def save(self, job: Job, *, durable: bool = True) -> Job:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Crash
        saved = super().save(job, durable=durable)
        if self.left == 0:
            raise Crash
        return saved


class Bench:
    def __init__(self, folder: Path, jobs: MemoryJobStore | None = None, script: Script | None = None) -> None:
        self.engine = FakeEngine("fake", {"p": script or Script(outputs={"out": OUTPUT})}, FakeBackEnd())
        self.jobs = jobs or MemoryJobStore()
        self.processes = MemoryProcessStore()
        self.processes.add(Process("p", "1", "P", "", {}, {}, Package(DOCUMENT, "", b"", "application/cwl")))
        self.storage = FarStorage()
        self.workspaces = LocalWorkspaces(folder, SchemeRouter([]), self.storage)
        self.reconciler = self.restart()

    def restart(self) -> Reconciler:
        parts = Parts(self.jobs, self.processes, {"fake": self.engine}, self.workspaces)
        self.reconciler = Reconciler(parts, f"owner-{time.monotonic_ns()}")
        return self.reconciler

    def job(self) -> Job:
        leases = self.reconciler.leases
        made = Job.new("p", 1, ANONYMOUS_NAME, "fake", ExecutionRequest({}).to_json())
        return self.jobs.add(replace(made, lease_owner=leases.owner, lease_until=leases.until()))

    def free_job(self) -> Job:
        return self.jobs.add(Job.new("p", 1, ANONYMOUS_NAME, "fake", ExecutionRequest({}).to_json()))

    def now(self, job: Job) -> Job:
        return self.jobs.get(job.id, EVERYTHING)

    def loop(self) -> AbstractContextManager[None]:
        return running(self.restart())

    def ended(self, job: Job) -> Job:
        return until(self.jobs, job, lambda seen: seen.ended)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def check_stored_once(bench: Bench, done: Job) -> None:
    assert done.phase is Phase.SUCCESSFUL
    assert done.outputs is not None
    assert f"far://{done.id}/a" in str(done.outputs["out"])
    assert bench.storage.stored == {done.id: ["a"]}
    assert bench.storage.written == [f"{done.id}/a"]
    assert bench.engine.submits[done.id] == 1


def test_results_are_stored_and_the_local_copies_freed(bench: Bench) -> None:
    done = bench.reconciler.drive(bench.job(), 120)
    check_stored_once(bench, done)
    folder = bench.workspaces.path(done.id)
    assert not (folder / "outputs").exists()
    assert (folder / "logs").exists()


@pytest.mark.parametrize("by_loop", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", range(1, 7))
def test_crash_at_any_save_stores_results_once(tmp_path: Path, crash_at: int, after: bool, by_loop: bool) -> None:
    store = CrashingStore(crash_at, after)
    bench = Bench(tmp_path, store)
    held = bench.job()
    try:
        bench.reconciler.drive(held, 120)
    except Crash:
        bench.jobs.extend(bench.reconciler.leases.owner, datetime(1970, 1, 1, tzinfo=UTC))
    if by_loop:
        with bench.loop():
            bench.ended(held)
    else:
        bench.restart()
        left = bench.jobs.claim(bench.reconciler.leases.owner, bench.reconciler.leases.until(), 1, datetime.now(UTC))
        for job in left:
            bench.reconciler.drive(job, 120)
    check_stored_once(bench, bench.now(held))


def test_crash_between_the_storing_and_the_save_stores_nothing_twice(bench: Bench) -> None:
    bench.storage.faults = [Crash()]
    held = bench.job()
    with pytest.raises(Crash):
        bench.reconciler.drive(held, 120)
    bench.jobs.extend(bench.reconciler.leases.owner, datetime(1970, 1, 1, tzinfo=UTC))
    with bench.loop():
        check_stored_once(bench, bench.ended(held))


def test_storage_that_is_away_never_fails_a_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygeoapi_oapip.phases.SERVER_BACKOFF", 0.01)
    bench.storage.faults = [StorageUnavailable("S3 is away") for _ in range(20)]
    job = bench.free_job()
    with bench.loop():
        done = bench.ended(job)
    check_stored_once(bench, done)
    assert not bench.storage.faults


def test_a_job_that_waits_for_the_storage_says_so(bench: Bench) -> None:
    bench.storage.faults = [StorageUnavailable("S3 is away") for _ in range(1000)]
    job = bench.free_job()
    with bench.loop():
        deadline = time.monotonic() + 120
        while (waiting := bench.now(job)).message != "S3 is away":
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert (waiting.phase, waiting.status, waiting.message) == (Phase.COLLECTING, JobStatus.RUNNING, "S3 is away")


def test_permanent_faults_fail_the_job_and_leave_nothing(bench: Bench) -> None:
    bench.storage.faults = [JobFailed("the bucket does not exist")]
    done = bench.reconciler.drive(bench.job(), 120)
    assert (done.phase, done.message) == (Phase.FAILED, "the bucket does not exist")
    assert bench.storage.stored == {}
    assert not (bench.workspaces.path(done.id) / "outputs").exists()


def test_a_failed_run_asks_nothing_of_the_storage(tmp_path: Path) -> None:
    bench = Bench(tmp_path, script=Script(outcome=RunState.FAILED, message="no"))
    done = bench.reconciler.drive(bench.job(), 120)
    assert done.phase is Phase.FAILED
    assert bench.storage.written == []


def test_dismissal_breaks_an_upload_off_and_leaves_nothing(bench: Bench) -> None:
    bench.storage.hold.clear()
    job = bench.free_job()
    with bench.loop():
        assert bench.storage.reached.wait(120)
        bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        done = bench.ended(job)
    assert done.phase is Phase.DISMISSED
    assert bench.storage.stored == {}


def test_a_long_upload_holds_no_other_job_up(bench: Bench) -> None:
    bench.storage.hold.clear()
    bench.engine.scripts["quick"] = Script(outcome=RunState.FAILED, message="ended")
    bench.processes.add(Process("quick", "1", "Q", "", {}, {}, Package(DOCUMENT, "", b"", "application/cwl")))
    with bench.loop():
        slow = bench.free_job()
        assert bench.storage.reached.wait(120)
        quick = bench.jobs.add(Job.new("quick", 1, ANONYMOUS_NAME, "fake", ExecutionRequest({}).to_json()))
        assert bench.ended(quick).message == "ended"
        assert not bench.now(slow).ended
        bench.storage.hold.set()
        check_stored_once(bench, bench.ended(slow))


def test_a_worker_that_stops_lets_another_one_go_on(bench: Bench) -> None:
    bench.storage.hold.clear()
    job = bench.free_job()
    with bench.loop():
        assert bench.storage.reached.wait(120)
    bench.storage.hold.set()
    with bench.loop():
        check_stored_once(bench, bench.ended(job))


def test_removal_of_a_job_removes_what_is_stored(bench: Bench) -> None:
    done = bench.reconciler.drive(bench.job(), 120)
    bench.workspaces.remove(done.id)
    assert bench.storage.stored == {}
    assert not bench.workspaces.path(done.id).exists()
