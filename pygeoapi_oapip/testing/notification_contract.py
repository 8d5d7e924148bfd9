"""What every store of subscriptions does, and what every job store does with jobs that are only created (Part 4).

Subclass `NotificationContract` with a fixture `stores`: an empty job store and the notification store beside it.
"""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from ..errors import NoSuchJob, VersionConflict
from ..model.identity import EVERYTHING, Scope
from ..model.job import Goal, Job, JobStatus, Phase
from ..model.json import JSONObject
from ..store.base import JobQuery, JobStore
from ..store.notifications import NotificationStore, Outcome, Subscription
from .store_contract import NOON, SECOND, job_at, together

Stores = tuple[JobStore, NotificationStore]
SUCCESS, PROGRESS, FAILED = "http://success.test/", "http://progress.test/", "http://failed.test/"
UNTIL = NOON + timedelta(hours=1)
LATER = NOON + timedelta(minutes=1)


def subscribed(second: int = 0, progress: str = PROGRESS, **changes: object) -> Job:
    """A job whose subscriber is told of success, of progress (where an address is given) and of failure."""
    request: JSONObject = {"inputs": {}, "outputs": None, "response": None, "subscriber": [SUCCESS, progress, FAILED]}
    return replace(job_at(second, **changes), request=request)


def running(jobs: JobStore, job: Job, progress: int = 0) -> Job:
    """Save a job as running."""
    return jobs.save(job.advance(Phase.RUNNING, NOON, progress=progress))


def ids(rows: Sequence[Subscription]) -> list[str]:
    """The jobs of subscriptions, in order."""
    return [row.job_id for row in rows]


class NotificationContract:
    """The rules of `NotificationStore`."""

    def test_a_job_without_subscriber_has_no_row(self, stores: Stores) -> None:
        jobs, notifications = stores
        plain = jobs.add(job_at())
        nobody = jobs.add(replace(subscribed(), request={"subscriber": ["", "", ""]}))
        running(jobs, plain)
        running(jobs, nobody)
        assert not notifications.take("a", UNTIL, 10, LATER)
        assert notifications.get(plain.id) is notifications.get(nobody.id) is notifications.get("x\0y") is None

    def test_the_row_comes_with_the_job(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = jobs.add(subscribed())
        row = notifications.get(job.id)
        assert row == Subscription(job.id, job.created, wants_progress=True)
        assert not notifications.take("a", UNTIL, 10, LATER)

    def test_news_is_a_start_progress_or_an_end(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = running(jobs, jobs.add(subscribed()))
        (row,) = notifications.take("a", UNTIL, 10, LATER)
        assert notifications.give_back("a", replace(row, told=0))
        assert not notifications.take("a", UNTIL, 10, LATER)
        job = jobs.save(job.advance(Phase.RUNNING, NOON, progress=40))
        (row,) = notifications.take("a", UNTIL, 10, LATER)
        assert row.told == 0
        assert notifications.give_back("a", replace(row, told=40))
        jobs.save(job.advance(Phase.FAILED, NOON))
        assert ids(notifications.take("a", UNTIL, 10, LATER)) == [job.id]

    def test_progress_waits_for_its_time_and_an_end_does_not(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = running(jobs, jobs.add(subscribed()))
        (row,) = notifications.take("a", UNTIL, 10, LATER)
        notifications.give_back("a", replace(row, progress_due=LATER + 30 * SECOND))
        assert not notifications.take("a", UNTIL, 10, LATER + 29 * SECOND)
        jobs.save(job.advance(Phase.SUCCESSFUL, NOON))
        assert ids(notifications.take("a", UNTIL, 10, LATER)) == [job.id]

    def test_nothing_is_taken_before_it_is_due(self, stores: Stores) -> None:
        jobs, notifications = stores
        jobs.save(jobs.add(subscribed()).advance(Phase.SUCCESSFUL, NOON))
        (row,) = notifications.take("a", UNTIL, 10, LATER)
        notifications.give_back("a", replace(row, due=LATER + 5 * SECOND))
        assert not notifications.take("a", UNTIL, 10, LATER + 4 * SECOND)
        assert notifications.take("a", UNTIL, 10, LATER + 5 * SECOND)

    def test_progress_is_not_told_to_those_who_did_not_ask(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = running(jobs, jobs.add(subscribed(progress="")))
        assert not notifications.take("a", UNTIL, 10, LATER)
        jobs.save(job.advance(Phase.SUCCESSFUL, NOON))
        assert notifications.take("a", UNTIL, 10, LATER)

    def test_a_job_that_is_being_dismissed_has_no_progress(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = running(jobs, jobs.add(subscribed()))
        jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        assert not notifications.take("a", UNTIL, 10, LATER)

    def test_what_is_done_is_not_taken_again(self, stores: Stores) -> None:
        jobs, notifications = stores
        jobs.save(jobs.add(subscribed()).advance(Phase.SUCCESSFUL, NOON))
        for outcome in (Outcome.OPEN, Outcome.DELIVERED):
            (row,) = notifications.take("a", UNTIL, 10, LATER)
            notifications.give_back("a", replace(row, outcome=outcome, note="so", attempts=3, first_try=NOON))
        assert not notifications.take("a", UNTIL, 10, LATER)
        kept = notifications.get(row.job_id)
        assert kept == replace(row, outcome=Outcome.DELIVERED, note="so", attempts=3, first_try=NOON)

    def test_a_lease_is_for_one_and_runs_out(self, stores: Stores) -> None:
        jobs, notifications = stores
        jobs.save(jobs.add(subscribed()).advance(Phase.SUCCESSFUL, NOON))
        (row,) = notifications.take("a", LATER + SECOND, 10, LATER)
        assert not notifications.take("b", UNTIL, 10, LATER + SECOND)
        assert notifications.owners() == ["a"]
        assert ids(notifications.take("b", UNTIL, 10, LATER + 2 * SECOND)) == [row.job_id]
        assert not notifications.give_back("a", replace(row, note="late"))
        assert notifications.give_back("b", row)
        assert notifications.owners() == []

    def test_the_leases_of_the_dead_are_freed(self, stores: Stores) -> None:
        jobs, notifications = stores
        for second in range(3):
            jobs.save(jobs.add(subscribed(second)).advance(Phase.SUCCESSFUL, NOON))
        assert len(notifications.take("dead", UNTIL, 2, LATER)) == 2
        assert len(notifications.take("b", UNTIL, 10, LATER)) == 1
        notifications.free("dead")
        assert notifications.owners() == ["b"]
        assert len(notifications.take("c", UNTIL, 10, LATER)) == 2

    def test_no_two_get_the_same(self, stores: Stores) -> None:
        jobs, notifications = stores
        for second in range(20):
            jobs.save(jobs.add(subscribed(second)).advance(Phase.SUCCESSFUL, NOON))
        names = [f"t{n}" for n in range(6)]
        found = together([partial(notifications.take, name, UNTIL, 6, LATER) for name in names])
        taken = [job_id for part in found if not isinstance(part, Exception) for job_id in ids(part)]
        assert len(taken) == len(set(taken)) >= 6

    def test_the_row_goes_with_the_job(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = jobs.save(jobs.add(subscribed()).advance(Phase.SUCCESSFUL, NOON))
        (row,) = notifications.take("a", UNTIL, 10, LATER)
        jobs.delete(job.id, EVERYTHING)
        assert notifications.get(job.id) is None
        assert not notifications.give_back("a", row)
        assert not notifications.take("b", UNTIL, 10, UNTIL + SECOND)

    def test_the_row_of_a_created_job_comes_with_its_start(self, stores: Stores) -> None:
        jobs, notifications = stores
        job = jobs.add(replace(subscribed(), phase=Phase.CREATED))
        assert notifications.get(job.id) is None
        started = jobs.define(job.advance(Phase.ACCEPTED, NOON))
        assert notifications.get(job.id) == Subscription(job.id, job.created, wants_progress=True)
        running(jobs, started)
        assert ids(notifications.take("a", UNTIL, 10, LATER)) == [job.id]


class CreatedJobContract:
    """Jobs that are created and not started (Part 4), in a `JobStore`."""

    def test_a_created_job_is_listed_and_never_claimed(self, jobs: JobStore) -> None:
        created, other = jobs.add(job_at(phase=Phase.CREATED)), jobs.add(job_at(1))
        assert [job.id for job in jobs.list(JobQuery(statuses=(JobStatus.CREATED,)), EVERYTHING).jobs] == [created.id]
        assert jobs.counts()[JobStatus.CREATED] == 1
        assert [job.id for job in jobs.claim("a", UNTIL, 10, LATER)] == [other.id]

    def test_a_dismissed_one_is_claimed_to_be_ended(self, jobs: JobStore) -> None:
        created = jobs.add(job_at(phase=Phase.CREATED))
        assert jobs.set_goal(created.id, Goal.DISMISS, EVERYTHING).status is JobStatus.DISMISSED
        assert [job.id for job in jobs.claim("a", UNTIL, 10, LATER)] == [created.id]

    def test_its_definition_can_be_replaced(self, jobs: JobStore) -> None:
        created = jobs.add(job_at(phase=Phase.CREATED))
        changed = replace(created, request={"new": 1}, process_id="other", process_revision=7, owner="mallory")
        stored = jobs.define(changed)
        found = jobs.get(created.id, Scope("alice"))
        assert stored.version == found.version == created.version + 1
        assert (found.request, found.process_id, found.process_revision) == ({"new": 1}, "other", 7)
        assert found.phase is Phase.CREATED

    def test_its_start_may_keep_the_lease(self, jobs: JobStore) -> None:
        created = jobs.add(job_at(phase=Phase.CREATED))
        started = jobs.define(replace(created.advance(Phase.ACCEPTED, NOON), lease_owner="me", lease_until=UNTIL))
        assert jobs.lease_owners() == ["me"]
        assert not jobs.claim("other", UNTIL, 10, LATER)
        assert jobs.save(started.advance(Phase.RUNNING, NOON)).status is JobStatus.RUNNING

    def test_only_one_start_wins(self, jobs: JobStore) -> None:
        created = jobs.add(job_at(phase=Phase.CREATED))
        start = created.advance(Phase.ACCEPTED, NOON)
        found = together([lambda: jobs.define(start) for _ in range(6)])
        assert sum(isinstance(one, Job) for one in found) == 1
        assert sum(isinstance(one, VersionConflict) for one in found) == 5

    @pytest.mark.parametrize("phase", [Phase.ACCEPTED, Phase.RUNNING, Phase.SUCCESSFUL])
    def test_a_started_job_cannot_be_defined(self, jobs: JobStore, phase: Phase) -> None:
        job = jobs.add(job_at(phase=phase))
        with pytest.raises(VersionConflict):
            jobs.define(replace(job, phase=Phase.CREATED))
        assert jobs.get(job.id, EVERYTHING) == job

    def test_a_job_that_is_not_there_cannot_be_defined(self, jobs: JobStore) -> None:
        with pytest.raises(NoSuchJob):
            jobs.define(job_at(phase=Phase.CREATED))
