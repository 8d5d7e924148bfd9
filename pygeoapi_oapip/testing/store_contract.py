"""What every job store does. Subclass `JobStoreContract` and give it a fixture `jobs` with an empty store.

The part for processes is `process_store_contract`.
"""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from ..errors import Conflict, NoSuchJob, TooManyRequests, VersionConflict
from ..model.identity import EVERYTHING, PRIVATE, Scope, Sharing
from ..model.job import Goal, Job, JobStatus, Phase
from ..model.quota import Allowance
from ..model.run import RunRef, RunState, StepReport
from ..store.base import JobQuery, JobStore
from .process_store_contract import ProcessStoreContract

__all__ = ["JobStoreContract", "ProcessStoreContract", "together"]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_T = TypeVar("_T")


def job_at(second: int = 0, **changes: object) -> Job:
    """A job created `second` seconds after noon."""
    made = Job.new("buffer", 1, "alice", "local", {"inputs": {"n": 1}})
    moment = NOON + second * SECOND
    return replace(made, created=moment, updated=moment, **changes)  # type: ignore[arg-type]


def together(works: Sequence[Callable[[], _T]]) -> list[_T | Exception]:
    """Run all at the same moment, each in a thread of its own; an OapipError or VersionConflict is its result."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], _T]) -> _T | Exception:
        gate.wait()
        try:
            return work()
        except (NoSuchJob, VersionConflict, Conflict) as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def ended(jobs: JobStore, job: Job, phase: Phase = Phase.SUCCESSFUL, second: int = 60) -> Job:
    """Save a job as ended."""
    return jobs.save(job.advance(phase, NOON + second * SECOND))


class JobStoreContract:
    """Adding, reading, saving, dismissing and deleting."""

    def test_an_added_job_is_read_back_whole(self, jobs: JobStore) -> None:
        job = job_at(
            phase=Phase.RUNNING,
            message="half \0 way \udcff",
            progress=50,
            started=NOON + SECOND,
            steps=(StepReport("one", RunState.SUCCEEDED, NOON, NOON + timedelta(microseconds=1), 0),),
            usage={"cpu_seconds": 1.5},
            run=RunRef("local", "x", "42", {"pid": 7}),
            problem={"title": "none"},
            attempts=2,
            not_before=NOON,
            lease_owner="w",
            lease_until=NOON + SECOND,
        )
        stored = jobs.add(job)
        assert stored == replace(job, version=1)
        assert jobs.get(job.id, EVERYTHING) == stored

    def test_an_id_is_added_once(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        with pytest.raises(Conflict):
            jobs.add(replace(job, message="other"))
        assert jobs.get(job.id, EVERYTHING) == job

    @pytest.mark.parametrize("job_id", ["", "no", "a\0b", "\ud800", "' OR 1=1 --", "x" * 5000])
    def test_an_unknown_id_is_no_such_job(self, jobs: JobStore, job_id: str) -> None:
        jobs.add(job_at())
        with pytest.raises(NoSuchJob):
            jobs.get(job_id, EVERYTHING)
        with pytest.raises(NoSuchJob):
            jobs.set_goal(job_id, Goal.DISMISS, EVERYTHING)
        with pytest.raises(NoSuchJob):
            jobs.delete(job_id, EVERYTHING)
        assert list(jobs.goals([job_id])) == []

    def test_a_strangers_job_does_not_exist(self, jobs: JobStore) -> None:
        job = ended(jobs, jobs.add(job_at()))
        bob = Scope("bob")
        for act in (
            lambda: jobs.get(job.id, bob),
            lambda: jobs.set_goal(job.id, Goal.DISMISS, bob),
            lambda: jobs.delete(job.id, bob),
        ):
            with pytest.raises(NoSuchJob):
                act()
        assert jobs.list(JobQuery(), bob).jobs == ()
        assert jobs.get(job.id, Scope("alice")) == job

    def test_jobs_that_wait_or_run_are_counted_by_owner(self, jobs: JobStore) -> None:
        made = [jobs.add(job_at(number)) for number in range(5)]
        jobs.add(replace(job_at(), owner="bob"))
        ended(jobs, made[0])
        jobs.set_goal(made[1].id, Goal.DISMISS, EVERYTHING)
        jobs.save(made[2].advance(Phase.RUNNING, NOON + SECOND))
        for most in (1, 3):
            with pytest.raises(TooManyRequests, match=f"^{most} of your jobs wait or run"):
                jobs.require_room("alice", Allowance(jobs=most))
        for name, most in (("alice", 4), ("bob", 2), ("carol", 1), ("a\0b", 1)):
            jobs.require_room(name, Allowance(jobs=most))

    def test_a_shared_job_is_seen_by_those_and_no_others(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        group, stranger = Scope("bob", frozenset({"hydro"})), Scope("carol", frozenset({"forest"}))
        assert jobs.sharing(job.id) == PRIVATE
        jobs.share(job.id, Sharing(groups=frozenset({"hydro"})))
        assert jobs.sharing(job.id) == Sharing(groups=frozenset({"hydro"}))
        assert jobs.get(job.id, group) == job
        with pytest.raises(NoSuchJob):
            jobs.get(job.id, stranger)
        assert jobs.list(JobQuery(), group).jobs == ()
        with pytest.raises(NoSuchJob):
            jobs.set_goal(job.id, Goal.DISMISS, group)
        jobs.share(job.id, Sharing(public=True))
        assert jobs.get(job.id, stranger) == job
        jobs.share(job.id, PRIVATE)
        with pytest.raises(NoSuchJob):
            jobs.get(job.id, group)
        with pytest.raises(NoSuchJob):
            jobs.share("none", Sharing(public=True))

    def test_a_save_writes_the_job_and_counts_its_version(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        saved = jobs.save(job.advance(Phase.STAGED, NOON + SECOND, message="ready", attempts=3, not_before=NOON))
        assert (saved.version, saved.phase, saved.message) == (2, Phase.STAGED, "ready")
        assert jobs.get(job.id, EVERYTHING) == saved
        done = jobs.save(saved.advance(Phase.SUCCESSFUL, NOON + 2 * SECOND, outputs={"a": {"kind": "literal"}}))
        assert jobs.get(job.id, EVERYTHING) == done

    def test_a_stale_save_conflicts_and_writes_nothing(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        saved = jobs.save(job.advance(Phase.STAGED, NOON))
        with pytest.raises(VersionConflict):
            jobs.save(job.advance(Phase.FAILED, NOON))
        assert jobs.get(job.id, EVERYTHING) == saved

    def test_a_job_that_is_gone_cannot_be_saved(self, jobs: JobStore) -> None:
        with pytest.raises(NoSuchJob):
            jobs.save(job_at(version=1))

    def test_a_save_leaves_lease_and_goal_as_they_are_in_the_store(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        jobs.claim("w", NOON + SECOND, 1, NOON)
        saved = jobs.save(replace(job, progress=5, goal=Goal.DISMISS, lease_owner="thief", lease_until=None))
        assert (saved.goal, saved.lease_owner, saved.lease_until) == (Goal.RUN, "w", NOON + SECOND)
        assert jobs.get(job.id, EVERYTHING) == saved

    def test_a_save_keeps_what_was_written_for_good(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        jobs.save(replace(job, owner="mallory", request={}, process_id="x", process_revision=9, created=NOON - SECOND))
        kept = jobs.get(job.id, EVERYTHING)
        assert (kept.owner, kept.request, kept.process_id) == ("alice", job.request, "buffer")
        assert (kept.process_revision, kept.created) == (1, NOON)

    def test_an_ended_job_loses_its_lease(self, jobs: JobStore) -> None:
        job = jobs.add(job_at(lease_owner="w", lease_until=NOON))
        done = ended(jobs, job)
        assert (done.lease_owner, done.lease_until) == (None, None)
        assert jobs.get(job.id, EVERYTHING) == done
        assert list(jobs.lease_owners()) == []

    def test_of_many_saves_at_once_one_wins(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        results = together([lambda n=n: jobs.save(replace(job, progress=n)) for n in range(8)])  # type: ignore[misc]
        winners = [result for result in results if isinstance(result, Job)]
        assert len(winners) == 1
        assert all(isinstance(result, VersionConflict) for result in results if result is not winners[0])
        assert jobs.get(job.id, EVERYTHING) == winners[0]

    def test_a_dismissal_conflicts_with_a_save_that_did_not_see_it(self, jobs: JobStore) -> None:
        job = jobs.add(job_at(not_before=NOON))
        told = jobs.set_goal(job.id, Goal.DISMISS, Scope("alice"))
        assert (told.goal, told.version, told.not_before, told.status) == (
            Goal.DISMISS,
            2,
            None,
            JobStatus.DISMISSED,
        )
        assert jobs.get(job.id, EVERYTHING) == told
        assert list(jobs.goals([job.id, "other"])) == [job.id]
        with pytest.raises(VersionConflict):
            jobs.save(job.advance(Phase.RUNNING, NOON))

    def test_a_goal_is_never_lost_to_a_save_at_the_same_time(self, jobs: JobStore) -> None:
        for _ in range(5):
            job = jobs.add(job_at())
            results = together(
                [
                    lambda job=job: jobs.save(replace(job, progress=9)),  # type: ignore[misc]
                    lambda job=job: jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING),  # type: ignore[misc]
                ]
            )
            assert isinstance(results[1], Job)
            present = jobs.get(job.id, EVERYTHING)
            assert present.goal is Goal.DISMISS
            assert (present.progress, present.version) == ((9, 3) if isinstance(results[0], Job) else (0, 2))

    def test_the_goal_of_an_ended_job_stays(self, jobs: JobStore) -> None:
        done = ended(jobs, jobs.add(job_at()))
        assert jobs.set_goal(done.id, Goal.DISMISS, EVERYTHING) == done
        assert jobs.get(done.id, EVERYTHING) == done

    def test_only_an_ended_job_can_be_deleted(self, jobs: JobStore) -> None:
        job = jobs.add(job_at())
        with pytest.raises(Conflict):
            jobs.delete(job.id, EVERYTHING)
        ended(jobs, job)
        jobs.delete(job.id, Scope("alice"))
        with pytest.raises(NoSuchJob):
            jobs.get(job.id, EVERYTHING)

    def test_old_ended_jobs_are_found_oldest_first(self, jobs: JobStore) -> None:
        late, early, never = (jobs.add(job_at(n)) for n in range(3))
        late, early = ended(jobs, late, second=90), ended(jobs, early, Phase.FAILED, second=70)
        assert list(jobs.ended_before(NOON + 91 * SECOND, 10)) == [early, late]
        assert list(jobs.ended_before(NOON + 90 * SECOND, 10)) == [early]
        assert list(jobs.ended_before(NOON + 91 * SECOND, 1)) == [early]
        assert jobs.get(never.id, EVERYTHING) == never

    def test_owners_are_told_once_each(self, jobs: JobStore) -> None:
        assert list(jobs.owners()) == []
        for owner in ("bob", "alice", "bob"):
            jobs.add(job_at(owner=owner))
        assert list(jobs.owners()) == ["alice", "bob"]

    def test_counts_are_by_public_status(self, jobs: JobStore) -> None:
        first = jobs.add(job_at())
        jobs.add(job_at(phase=Phase.STAGED))
        jobs.add(job_at(phase=Phase.COLLECTING))
        ended(jobs, jobs.add(job_at()))
        jobs.set_goal(first.id, Goal.DISMISS, EVERYTHING)
        assert jobs.counts() == {
            JobStatus.CREATED: 0,
            JobStatus.ACCEPTED: 1,
            JobStatus.RUNNING: 1,
            JobStatus.SUCCESSFUL: 1,
            JobStatus.FAILED: 0,
            JobStatus.DISMISSED: 1,
        }


class JobLeaseContract:
    """Claims, leases and their ends."""

    def test_claims_take_the_oldest_free_jobs(self, jobs: JobStore) -> None:
        newest, oldest, middle = (jobs.add(job_at(n)) for n in (3, 1, 2))
        first = jobs.claim("w", NOON + SECOND, 2, NOON)
        assert [job.id for job in first] == [oldest.id, middle.id]
        assert [(job.lease_owner, job.lease_until, job.version) for job in first] == [("w", NOON + SECOND, 1)] * 2
        assert jobs.get(oldest.id, EVERYTHING) == first[0]
        assert [job.id for job in jobs.claim("v", NOON + SECOND, 9, NOON)] == [newest.id]
        assert list(jobs.claim("w", NOON + SECOND, 9, NOON)) == []
        assert set(jobs.lease_owners()) == {"v", "w"}

    def test_nothing_is_claimed_with_a_limit_of_zero(self, jobs: JobStore) -> None:
        jobs.add(job_at())
        assert list(jobs.claim("w", NOON, 0, NOON)) == []

    def test_a_lease_ends_with_its_time(self, jobs: JobStore) -> None:
        job = jobs.add(job_at(lease_owner="w", lease_until=NOON))
        assert list(jobs.claim("v", NOON + SECOND, 1, NOON)) == []
        taken = jobs.claim("v", NOON + SECOND, 1, NOON + timedelta(microseconds=1))
        assert [(one.id, one.lease_owner) for one in taken] == [(job.id, "v")]

    def test_a_job_waits_for_its_not_before(self, jobs: JobStore) -> None:
        jobs.add(job_at(not_before=NOON))
        assert list(jobs.claim("w", NOON, 1, NOON - SECOND)) == []
        assert len(jobs.claim("w", NOON, 1, NOON)) == 1

    def test_ended_jobs_are_not_claimed(self, jobs: JobStore) -> None:
        ended(jobs, jobs.add(job_at()))
        assert list(jobs.claim("w", NOON, 1, NOON)) == []

    def test_only_the_holder_extends_and_releases(self, jobs: JobStore) -> None:
        mine, other = (jobs.add(job_at(lease_owner=name, lease_until=NOON)) for name in ("w", "v"))
        assert list(jobs.extend("w", NOON + 5 * SECOND)) == [mine.id]
        assert list(jobs.extend("nobody", NOON)) == []
        assert jobs.get(mine.id, EVERYTHING).lease_until == NOON + 5 * SECOND
        assert jobs.get(other.id, EVERYTHING).lease_until == NOON
        jobs.release("w", [mine.id, other.id, "unknown"])
        jobs.release("w", [])
        assert jobs.get(mine.id, EVERYTHING) == replace(mine, lease_owner=None, lease_until=None)
        assert jobs.get(other.id, EVERYTHING).lease_owner == "v"

    def test_no_two_callers_claim_the_same_job(self, jobs: JobStore) -> None:
        ids = {jobs.add(job_at(n)).id for n in range(30)}

        def take(owner: str) -> list[str]:
            taken: list[str] = []
            while found := jobs.claim(owner, NOON + SECOND, 2, NOON):
                taken += [job.id for job in found]
            return taken

        results = together([lambda n=n: take(f"w{n}") for n in range(6)])  # type: ignore[misc]
        taken = [job_id for result in results if isinstance(result, list) for job_id in result]
        assert len(taken) == len(ids) and set(taken) == ids


class JobListContract:
    """Pages and filters."""

    def test_pages_are_newest_first_and_say_if_there_is_more(self, jobs: JobStore) -> None:
        ids = [jobs.add(job_at(n)).id for n in (2, 0, 4, 1, 3)]
        wanted = [ids[2], ids[4], ids[0], ids[3], ids[1]]
        page = jobs.list(JobQuery(limit=2), EVERYTHING)
        assert ([job.id for job in page.jobs], page.more) == (wanted[:2], True)
        page = jobs.list(JobQuery(limit=2, offset=3), Scope("alice"))
        assert ([job.id for job in page.jobs], page.more) == (wanted[3:], False)
        assert jobs.list(JobQuery(limit=2, offset=9), EVERYTHING).jobs == ()

    def test_jobs_of_one_moment_are_ordered_by_id(self, jobs: JobStore) -> None:
        ids = sorted(jobs.add(job_at()).id for _ in range(5))
        both = (JobStatus.ACCEPTED, JobStatus.FAILED)
        for query in (JobQuery(), JobQuery(statuses=both)):
            assert [job.id for job in jobs.list(query, EVERYTHING).jobs] == ids

    def test_listed_jobs_are_lean_and_cannot_be_saved(self, jobs: JobStore) -> None:
        job = ended(jobs, replace(jobs.add(job_at()), outputs={"a": 1}, message="done"))
        (listed,) = jobs.list(JobQuery(), EVERYTHING).jobs
        assert listed == replace(job, request={}, outputs=None, version=0)
        with pytest.raises(VersionConflict):
            jobs.save(listed)

    def test_filters_by_process_and_status_combine(self, jobs: JobStore) -> None:
        a, b, c = (jobs.add(job_at(n, process_id=name)) for n, name in enumerate(("a", "b", "c")))
        jobs.set_goal(a.id, Goal.DISMISS, EVERYTHING)
        ended(jobs, b)

        def found(**query: object) -> list[str]:
            return [job.id for job in jobs.list(JobQuery(**query), EVERYTHING).jobs]  # type: ignore[arg-type]

        assert found(process_ids=("a",)) == [a.id]
        assert found(process_ids=("a", "c", "a")) == [c.id, a.id]
        assert found(process_ids=("\0",)) == found(process_ids=("none",)) == []
        assert found(statuses=(JobStatus.DISMISSED,)) == [a.id]
        assert found(statuses=(JobStatus.SUCCESSFUL, JobStatus.ACCEPTED)) == [c.id, b.id]
        assert found(statuses=(JobStatus.RUNNING,)) == []
        assert found(statuses=tuple(JobStatus), process_ids=("a", "b", *(f"p{n}" for n in range(9)))) == [b.id, a.id]
        assert found(statuses=(JobStatus.SUCCESSFUL,), process_ids=("a",)) == []
        assert found(statuses=(JobStatus.SUCCESSFUL, JobStatus.ACCEPTED), limit=1, offset=1) == [b.id]

    def test_a_job_saved_after_its_dismissal_stays_dismissed_in_filters(self, jobs: JobStore) -> None:
        told = jobs.set_goal(jobs.add(job_at()).id, Goal.DISMISS, EVERYTHING)
        saved = jobs.save(told.advance(Phase.RUNNING, NOON))
        query = JobQuery(statuses=(JobStatus.DISMISSED,))
        assert [job.id for job in jobs.list(query, EVERYTHING).jobs] == [saved.id]
        ended(jobs, saved, Phase.FAILED)
        assert jobs.list(query, EVERYTHING).jobs == ()

    def test_filters_by_time_include_both_ends(self, jobs: JobStore) -> None:
        ids = [jobs.add(job_at(n)).id for n in range(4)]
        page = jobs.list(JobQuery(created_from=NOON + SECOND, created_until=NOON + 2 * SECOND), EVERYTHING)
        assert [job.id for job in page.jobs] == [ids[2], ids[1]]

    def test_filters_by_duration(self, jobs: JobStore) -> None:
        waiting = jobs.add(job_at())
        short, long = (jobs.add(job_at(phase=Phase.FAILED, started=NOON, finished=NOON + n * SECOND)) for n in (10, 20))
        running = jobs.add(job_at(phase=Phase.RUNNING, started=NOON))

        def found(**query: float) -> set[str]:
            return {job.id for job in jobs.list(JobQuery(**query), EVERYTHING).jobs}  # type: ignore[arg-type]

        assert found(min_duration=10.0) == {short.id, long.id, running.id}
        assert found(min_duration=10.5, max_duration=20.0) == {long.id}
        assert found(max_duration=10.0) == {short.id}
        assert found(min_duration=0.0).isdisjoint({waiting.id})
