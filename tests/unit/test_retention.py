"""Which ended jobs go: by age, number and bytes of each user; and which never."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import NoSuchJob
from pygeoapi_oapip.model.execution import PARENT
from pygeoapi_oapip.model.identity import EVERYTHING, Scope
from pygeoapi_oapip.model.job import RESULT_BYTES, Goal, Job, Phase, utc_now
from pygeoapi_oapip.retention import Limits, Retention
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.storage import WHOLE, LocalStorage
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.base import JobPage, JobQuery
from pygeoapi_oapip.store.memory import MemoryJobStore
from pygeoapi_oapip.upkeep import Upkeep


class Bench:
    def __init__(self, folder: Path, storage: LocalStorage | None = None) -> None:
        self.jobs = MemoryJobStore()
        self.workspaces = LocalWorkspaces(folder, SchemeRouter([]), storage)
        self.now = utc_now()
        self._made = 0

    def job(self, owner: str = "alice", phase: Phase = Phase.SUCCESSFUL, size: int = 0, parent: str = "") -> str:
        """The jobs of one test are made an hour apart, the first one last."""
        self._made += 1
        made = self.now - timedelta(hours=self._made)
        request = {PARENT: parent} if parent else {}
        job = replace(Job.new("p", 1, owner, "local", request), created=made, updated=made)
        job = self.jobs.add(job)
        self.workspaces.prepare(job.id)
        if phase is not Phase.ACCEPTED:
            self.jobs.save(job.advance(phase, made, usage={RESULT_BYTES: size} if size else {}))
        return job.id

    def expired(self, **limits: float) -> list[str]:
        return [found.job_id for found in Retention(self.jobs, Limits(**limits)).expired()]  # type: ignore[arg-type]

    def upkeep(self, seconds: float = 0.0, jobs: int = 0, size: int = 0) -> Upkeep:
        return Upkeep(self.jobs, self.workspaces, None, seconds, lambda _: False, jobs, size)  # type: ignore[arg-type]

    def left(self) -> set[str]:
        return {path.name for path in self.workspaces.path("x").parent.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_without_limits_all_is_kept(bench: Bench) -> None:
    bench.job(size=10**15)
    assert bench.expired() == []


def test_older_ones_go(bench: Bench) -> None:
    bench.job()
    old = bench.job()
    assert bench.expired(seconds=5400.0) == [old]


def test_of_each_user_the_newest_stay(bench: Bench) -> None:
    bench.job()
    bench.job()
    third, bobs = bench.job(), bench.job("bob")
    assert bench.expired(jobs_per_user=2) == [third]
    assert bobs not in bench.expired(jobs_per_user=1)


def test_of_each_user_as_much_stays_as_there_is_room_for(bench: Bench) -> None:
    bench.job(size=60)
    over, older = bench.job(size=50), bench.job(size=1)
    bench.job("bob", size=100)
    assert bench.expired(bytes_per_user=100) == [over, older]


def test_nobody_is_looked_at_who_has_enough(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    listed = bench.jobs.list

    def look(query: JobQuery, scope: Scope) -> JobPage:
        asked.append(scope.owner)
        return listed(query, scope)

    monkeypatch.setattr(bench.jobs, "list", look)
    bench.job("bob", size=100)
    over = bench.job(size=101)
    assert bench.expired(bytes_per_user=100) == [over]
    assert asked == ["alice"]
    assert bench.expired(bytes_per_user=100, jobs_per_user=1) == [over]
    assert bench.expired(jobs_per_user=1) == []
    assert asked == ["alice", "alice"]


def test_jobs_that_wait_and_run_never_go_and_do_not_count(bench: Bench) -> None:
    waits, runs = bench.job(phase=Phase.ACCEPTED), bench.job(phase=Phase.RUNNING)
    kept, gone = bench.job(), bench.job(phase=Phase.FAILED)
    assert bench.expired(jobs_per_user=1) == [gone]
    assert not {waits, runs, kept} & set(bench.expired(jobs_per_user=1, seconds=1.0)) - {kept}


def test_job_that_is_being_dismissed_is_left_to_its_engine(bench: Bench) -> None:
    bench.job()
    running = bench.job(phase=Phase.RUNNING)
    bench.jobs.set_goal(running, Goal.DISMISS, EVERYTHING)
    assert bench.expired(jobs_per_user=1) == []


def test_result_that_another_job_still_reads_stays(bench: Bench) -> None:
    parent = bench.job(phase=Phase.RUNNING)
    bench.job()
    child = bench.job(parent=parent)
    assert bench.expired(jobs_per_user=1) == []
    bench.jobs.save(bench.jobs.get(parent, EVERYTHING).advance(Phase.SUCCESSFUL, bench.now))
    assert child in bench.expired(jobs_per_user=1)


def test_what_several_limits_remove_is_named_once_with_the_first_reason(bench: Bench) -> None:
    bench.job(size=5)
    old = bench.job(size=5)
    [found] = Retention(bench.jobs, Limits(5400.0, 1, 5)).expired()
    assert (found.job_id, found.owner, found.size) == (old, "alice", 5)
    assert found.reason == "older than 1:30:00"


def test_many_jobs_go_in_turns(bench: Bench) -> None:
    made = [bench.job() for _ in range(12)]
    found = Retention(bench.jobs, Limits(jobs_per_user=2)).expired(most=4)
    assert [row.job_id for row in found] == made[2:6]


def test_removal_takes_folder_and_row(bench: Bench) -> None:
    kept, gone = bench.job(), bench.job()
    assert bench.upkeep(jobs=1).expire() == 1
    assert bench.left() == {kept}
    with pytest.raises(NoSuchJob):
        bench.jobs.get(gone, EVERYTHING)


def test_removal_that_was_broken_off_goes_on(bench: Bench) -> None:
    kept, gone = bench.job(), bench.job()
    shutil.rmtree(bench.workspaces.path(gone))
    assert bench.upkeep(jobs=1).expire() == 1
    assert bench.left() == {kept}


def test_telling_changes_nothing(bench: Bench) -> None:
    made = {bench.job(), bench.job()}
    assert len(bench.upkeep(jobs=1).expired()) == 1
    assert bench.left() == made
    assert {job_id for job_id in made if bench.jobs.get(job_id, EVERYTHING).ended} == made


class Buckets(LocalStorage):
    """Results belong to their users."""

    remote = True
    of_users = True

    def __init__(self) -> None:
        super().__init__()
        self.removed: list[str] = []

    def discard(self, job_id: str) -> None:
        self.removed.append(job_id)


def test_data_of_users_stays_and_takes_no_room_here(tmp_path: Path) -> None:
    storage = Buckets()
    bench = Bench(tmp_path, storage)
    whole, part = bench.job(size=100), bench.job(phase=Phase.FAILED, size=100)
    for job_id in (whole, part):
        (bench.workspaces.path(job_id) / "stored").touch()
    (bench.workspaces.path(whole) / WHOLE).touch()
    assert bench.upkeep(size=1).expired() == []
    assert bench.upkeep(seconds=1.0).expire() == 2
    assert storage.removed == [part]
    assert bench.left() == set()
