from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.base import Traits
from pygeoapi_oapip.errors import JobFailed, NoSuchJob, StoreUnavailable, Unavailable
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, Job, JobStatus, Phase
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.model.value import Literal, Reference
from pygeoapi_oapip.phases import ORDER_FILE, STAGING_ATTEMPTS
from pygeoapi_oapip.staging.base import Watch
from pygeoapi_oapip.staging.input_folder import InputFolder
from pygeoapi_oapip.store.memory import MemoryJobStore
from pygeoapi_oapip.testing.fake_engine import FakeEngine, Script

from .reconciling import PATIENCE, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_job_reaches_success_with_its_outputs(bench: Bench) -> None:
    done = bench.drive(bench.job())
    assert (done.phase, done.progress) == (Phase.SUCCESSFUL, 100)
    assert done.outputs == {"out": {"kind": "literal", "value": 42}}
    assert done.started is not None
    assert done.finished is not None
    assert bench.engine.submits[done.id] == 1


def test_scratch_is_freed_and_logs_stay(bench: Bench) -> None:
    done = bench.drive(bench.job())
    folder = bench.workspaces.path(done.id)
    assert sorted(path.name for path in folder.iterdir()) == [ORDER_FILE, "logs", "outputs"]


def test_failure_has_the_true_cause(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script(outcome=RunState.FAILED, message="step classify: exit code 3: no data"))
    done = bench.drive(bench.job())
    assert (done.phase, done.message) == (Phase.FAILED, "step classify: exit code 3: no data")
    assert done.problem is not None
    assert done.problem["detail"] == "step classify: exit code 3: no data"
    assert not (bench.workspaces.path(done.id) / "outputs").exists()


def test_time_out_leaves_the_job_to_others(tmp_path: Path) -> None:
    script = Script(ends=600)
    bench = Bench(tmp_path, script)
    running = bench.drive(bench.job(), timeout=0.1)
    assert not running.ended
    assert bench.now(running).lease_owner is None
    script.ends = 0
    with bench.loop():
        assert bench.ended(running).phase is Phase.SUCCESSFUL
    assert bench.engine.submits[running.id] == 1


def test_loop_runs_many_jobs_in_order(bench: Bench) -> None:
    jobs = [bench.jobs.add(bench.job()) for _ in range(30)]
    with bench.loop():
        assert all(bench.ended(job).phase is Phase.SUCCESSFUL for job in jobs)
    assert list(bench.back_end.runs) == [job.id for job in jobs]


def test_engine_that_is_away_is_waited_for(bench: Bench) -> None:
    bench.engine.be_unavailable(1, "submit")
    bench.engine.be_unavailable(2, "poll")
    done = bench.drive(bench.job())
    assert done.phase is Phase.SUCCESSFUL
    assert bench.engine.submits[done.id] == 1


def test_answer_lost_by_the_network_starts_no_second_run(bench: Bench) -> None:
    bench.engine.lose_answers(1)
    done = bench.drive(bench.job())
    assert done.phase is Phase.SUCCESSFUL
    assert bench.engine.submits[done.id] == 1


def test_forgotten_run_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script(ends=600))
    running = bench.submitted()
    bench.engine.lose(running.id)
    with bench.loop():
        assert "does not know the run" in bench.ended(running).message


def test_lost_run_fails_with_what_is_known(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script(outcome=RunState.LOST, message="killed by signal 9"))
    assert bench.drive(bench.job()).message == "killed by signal 9"


def test_dismissal_of_a_running_job_ends_its_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script(ends=600))
    job = bench.jobs.add(bench.job())
    with bench.loop():
        bench.until(job, lambda seen: seen.run is not None)
        seen = bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        assert seen.status is JobStatus.DISMISSED
        assert bench.ended(job).phase is Phase.DISMISSED
    assert bench.back_end.runs[job.id].cancelled
    assert not (bench.workspaces.path(job.id) / "outputs").exists()


def test_dismissal_before_the_start_starts_nothing(bench: Bench) -> None:
    job = bench.jobs.add(bench.job())
    bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
    with bench.loop():
        assert bench.ended(job).phase is Phase.DISMISSED
    assert not bench.back_end.runs


def test_dismissal_wins_over_a_success_that_comes_late(tmp_path: Path) -> None:
    script = Script(ends=600, outputs={"out": Literal(1)})
    bench = Bench(tmp_path, script)
    job = bench.submitted()
    bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
    script.ends = 0
    with bench.loop():
        assert bench.ended(job).phase is Phase.DISMISSED


def test_input_that_is_away_for_a_moment_is_tried_again(bench: Bench) -> None:
    bench.stager.faults = [Unavailable("503 now")]
    done = bench.drive(bench.job({"f": Reference("http://example.org/a")}))
    assert done.phase is Phase.SUCCESSFUL


def test_input_that_stays_away_fails_the_job_in_the_end(bench: Bench) -> None:
    bench.stager.faults = [Unavailable("503 now")]
    job = replace(bench.job({"f": Reference("http://example.org/a")}), attempts=STAGING_ATTEMPTS - 1)
    done = bench.drive(job)
    assert done.message == f"inputs.f: 503 now (tried {STAGING_ATTEMPTS} times)"


def test_a_read_only_disk_is_waited_for_without_end(bench: Bench) -> None:
    bench.stager.faults = [OSError(errno.EROFS, "Read-only file system")]
    request = bench.job({"f": Reference("http://example.org/a")})
    job = bench.jobs.add(replace(request, attempts=10 * STAGING_ATTEMPTS))
    with bench.loop():
        waiting = bench.until(job, lambda seen: seen.message)
    assert waiting.phase is Phase.ACCEPTED
    assert waiting.message == "inputs.f could not be stored: Read-only file system"
    assert waiting.not_before is not None and waiting.not_before < waiting.updated + timedelta(seconds=11)


def test_an_input_for_which_there_is_no_room_fails_the_job_in_the_end(bench: Bench) -> None:
    bench.stager.faults = [OSError(errno.ENOSPC, "No space left on device")]
    job = replace(bench.job({"f": Reference("http://example.org/a")}), attempts=STAGING_ATTEMPTS - 1)
    done = bench.drive(job)
    room = "inputs.f: the disk of this server has no room for it"
    assert (done.phase, done.message) == (Phase.FAILED, f"{room} (tried {STAGING_ATTEMPTS} times)")
    assert not (bench.workspaces.path(job.id) / "inputs").exists()


def test_a_defect_of_an_engine_does_not_stop_the_loop(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    polls: list[int] = []
    poll = bench.engine.poll

    def broken(runs: Sequence[RunRef]) -> Mapping[str, RunReport]:
        polls.append(len(runs))
        if len(polls) == 1:
            raise RuntimeError("defect")
        return poll(runs)

    bench.engine.poll = broken  # type: ignore[method-assign]
    job = bench.jobs.add(bench.job())
    with bench.loop():
        assert bench.ended(job).phase is Phase.SUCCESSFUL
    assert "which has a defect" in caplog.text


def test_permanent_fault_of_an_input_fails_at_once(bench: Bench) -> None:
    bench.stager.faults = [JobFailed("gone")]
    assert bench.drive(bench.job({"f": Reference("http://example.org/a")})).message == "inputs.f: gone"


@pytest.mark.parametrize(
    ("fault", "told"),
    [(Unavailable("503 now"), f"503 now (tried {STAGING_ATTEMPTS} times)"), (JobFailed("gone"), "gone")],
)
def test_fault_counts_also_once_progress_was_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception, told: str
) -> None:
    def complete(self: InputFolder, order: JSONObject, watch: Watch | None = None) -> JSONObject:
        assert watch is not None
        watch.tell("reading inputs: 0 of 1 are there")
        raise fault

    monkeypatch.setattr(InputFolder, "complete", complete)
    done = bench.drive(replace(bench.job({"f": Reference("http://example.org/a")}), attempts=STAGING_ATTEMPTS - 1))
    assert (done.phase, done.message) == (Phase.FAILED, told)


def test_engine_that_left_the_configuration_is_waited_for(bench: Bench) -> None:
    job = bench.jobs.add(replace(bench.job(), engine="other"))
    with bench.loop():
        waiting = bench.until(job, lambda seen: seen.message)
    assert not waiting.ended
    assert "not in the configuration" in waiting.message


class Crash(BaseException):
    """The process ends here."""


class CrashingStore(MemoryJobStore):
    """Ends the process before or after its n-th save."""

    def __init__(self, crash_at: int, after: bool) -> None:
        super().__init__()
        self.left = crash_at
        self.after = after

    def save(self, job: Job, *, durable: bool = True) -> Job:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Crash
        saved = super().save(job)
        if self.left == 0:
            raise Crash
        return saved


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", range(1, 7))
def test_crash_at_any_save_loses_no_job_and_runs_none_twice(tmp_path: Path, crash_at: int, after: bool) -> None:
    bench = Bench(tmp_path, Script(starts=0.02, ends=0.05, outputs={"out": Literal(42)}))
    bench.jobs = CrashingStore(crash_at, after)
    bench.restart()
    held = bench.held(bench.job({"f": Reference("http://example.org/a")}))
    try:
        bench.reconciler.drive(held, PATIENCE)
    except Crash:
        dead = bench.reconciler.leases.owner
        bench.jobs.extend(dead, datetime(1970, 1, 1, tzinfo=UTC))
    with bench.loop():
        done = bench.ended(held)
    assert (done.phase, done.outputs) == (Phase.SUCCESSFUL, {"out": {"kind": "literal", "value": 42}})
    assert bench.engine.submits[done.id] == 1


class ForgetfulEngine(FakeEngine):
    """Cannot tell whether it has a run (as a WES server)."""

    @property
    def traits(self) -> Traits:
        return Traits(reads=frozenset({"file"}), idempotent_submit=False, poll_interval=0.01)


def test_engine_that_cannot_tell_never_gets_a_job_twice(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.engine = ForgetfulEngine("fake", bench.scripts, bench.back_end)
    bench.restart()
    interrupted = bench.drive(replace(bench.job(), phase=Phase.SUBMITTING))
    assert interrupted.phase is Phase.FAILED
    assert "does not run twice" in interrupted.message
    assert bench.engine.submits[interrupted.id] == 0


def test_engine_that_cannot_tell_is_tried_again_when_it_said_no(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.engine = ForgetfulEngine("fake", bench.scripts, bench.back_end)
    bench.engine.be_unavailable(1, "submit")
    bench.restart()
    assert bench.drive(bench.job()).phase is Phase.SUCCESSFUL


class AwayStore(MemoryJobStore):
    """Every third call fails, as a locked database."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.turn = 0

    def save(self, job: Job, *, durable: bool = True) -> Job:
        self._maybe()
        return super().save(job)

    def claim(self, *arguments: Any) -> Any:
        self._maybe()
        return super().claim(*arguments)

    def _maybe(self) -> None:
        self.turn += 1
        if self.away and self.turn % 3 == 1:
            raise StoreUnavailable("locked")


def test_database_that_is_away_is_waited_for(bench: Bench) -> None:
    store = AwayStore()
    bench.jobs = store
    bench.restart()
    job = store.add(bench.job())
    store.away = True
    with bench.loop():
        assert bench.ended(job).phase is Phase.SUCCESSFUL
    assert bench.engine.submits[job.id] == 1


def test_removed_job_is_let_go(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Script(ends=0.2))
    job = bench.jobs.add(bench.job())
    with bench.loop():
        bench.ended(job)
        bench.jobs.delete(job.id, EVERYTHING)
        with pytest.raises(NoSuchJob):
            bench.now(job)
        assert bench.ended(bench.jobs.add(bench.job())).phase is Phase.SUCCESSFUL
