"""What every job store does with places in its list: pages forwards and backwards, at any depth, with any filter."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ..model.identity import EVERYTHING, Scope, Sharing
from ..model.job import Goal, Job, JobStatus, Phase
from ..store.base import JobPage, JobQuery, JobStore, Position
from .store_contract import NOON, SECOND, job_at

__all__ = ["JobPagesContract"]

MANY = 23


def many_jobs(jobs: JobStore) -> list[Job]:
    """Jobs of two owners, three processes and all ways to end, three of each moment; in the order of the list."""
    added = []
    for number in range(MANY):
        job = job_at(number // 3, process_id=f"p{number % 3}", owner=("alice", "bob")[number % 2])
        added.append(_ended(jobs, jobs.add(job), number))
    return sorted(added, key=lambda job: (-job.created.timestamp(), job.id))


def _ended(jobs: JobStore, job: Job, number: int) -> Job:
    if number % 5 == 0:
        return jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
    if number % 5 == 1:
        return jobs.save(job.advance(Phase.RUNNING, job.created, started=job.created))
    phase = (Phase.SUCCESSFUL, Phase.FAILED, Phase.DISMISSED)[number % 3]
    return jobs.save(job.advance(phase, job.created + number * SECOND, started=job.created))


def walk(jobs: JobStore, query: JobQuery, scope: Scope = EVERYTHING) -> list[JobPage]:
    """All pages from the query on, by the places where they end."""
    pages = [jobs.list(query, scope)]
    while pages[-1].more:
        assert pages[-1].end is not None
        assert len(pages) < 1000
        pages.append(jobs.list(replace(query, start=pages[-1].end, offset=pages[-1].left), scope))
    return pages


def ids(pages: Sequence[JobPage]) -> list[str]:
    """The ids on all pages, in order."""
    return [job.id for page in pages for job in page.jobs]


FILTERS: tuple[dict[str, object], ...] = (
    {},
    {"statuses": (JobStatus.DISMISSED,)},
    {"statuses": (JobStatus.FAILED, JobStatus.RUNNING)},
    {"process_ids": ("p1",)},
    {"process_ids": ("p0", "p2"), "statuses": (JobStatus.SUCCESSFUL, JobStatus.DISMISSED)},
    {"process_ids": tuple(f"p{number}" for number in range(200))},
    {"created_from": NOON + SECOND, "created_until": NOON + 6 * SECOND},
    {"min_duration": 5.0},
    {"max_duration": 12.0, "process_ids": ("p0", "p1")},
    {"min_duration": 3.0, "max_duration": 20.0, "statuses": tuple(JobStatus), "created_from": NOON + SECOND},
)


def reached(job: Job, number: int, owner: str, group: str) -> bool:
    """How the test below shares its jobs: every third one with everybody, every fourth one with two groups."""
    return job.owner != owner and (number % 3 == 0 or (number % 4 == 0 and group in ("hydro", "wald ü")))


class JobPagesContract:
    """Places in the list."""

    @pytest.mark.parametrize("filters", FILTERS)
    @pytest.mark.parametrize("scope", [EVERYTHING, Scope("bob")])
    def test_pages_hold_each_job_once_in_the_order_of_the_list(
        self, jobs: JobStore, filters: dict[str, object], scope: Scope
    ) -> None:
        many_jobs(jobs)
        whole = ids(walk(jobs, JobQuery(limit=1000, **filters), scope))  # type: ignore[arg-type]
        for limit in (1, 4, 7):
            pages = walk(jobs, JobQuery(limit=limit, **filters), scope)  # type: ignore[arg-type]
            assert ids(pages) == whole
            assert all(len(page.jobs) <= limit for page in pages)

    @pytest.mark.parametrize("filters", FILTERS)
    def test_pages_backwards_are_the_same_ones(self, jobs: JobStore, filters: dict[str, object]) -> None:
        many_jobs(jobs)
        query = JobQuery(limit=1000, **filters)  # type: ignore[arg-type]
        whole = [job for page in walk(jobs, query) for job in page.jobs]
        last = Position(whole[-1].created, whole[-1].id, backwards=True)
        pages = walk(jobs, JobQuery(limit=4, start=last, **filters))  # type: ignore[arg-type]
        assert ids(list(reversed(pages))) == [job.id for job in whole[:-1]]

    def test_what_a_page_holds_is_what_its_filters_say(self, jobs: JobStore) -> None:
        added = many_jobs(jobs)
        query = JobQuery(limit=1000, statuses=(JobStatus.SUCCESSFUL,), process_ids=("p0",), min_duration=9.0)
        wanted = [
            job.id
            for job in added
            if job.status is JobStatus.SUCCESSFUL
            and job.process_id == "p0"
            and job.started is not None
            and job.finished is not None
            and job.finished - job.started >= 9 * SECOND
        ]
        assert wanted and ids(walk(jobs, query)) == wanted

    def test_a_place_stays_when_jobs_come_and_go(self, jobs: JobStore) -> None:
        added = [jobs.add(job_at(number)) for number in range(9)]
        page = jobs.list(JobQuery(limit=3), EVERYTHING)
        assert page.end is not None
        place = added[6]
        assert (page.end.created, page.end.id) == (place.created, place.id)
        jobs.save(place.advance(Phase.FAILED, NOON))
        jobs.delete(place.id, EVERYTHING)
        newer = jobs.add(job_at(100))
        after = jobs.list(JobQuery(limit=3, start=page.end), EVERYTHING)
        assert [job.id for job in after.jobs] == [added[number].id for number in (5, 4, 3)]
        back = Position(after.jobs[0].created, after.jobs[0].id, backwards=True)
        before = jobs.list(JobQuery(limit=3, start=back), EVERYTHING)
        assert [job.id for job in before.jobs] == [newer.id, added[8].id, added[7].id]
        assert not before.more

    def test_an_offset_counts_from_the_place(self, jobs: JobStore) -> None:
        added = [jobs.add(job_at(number)) for number in range(9)]
        place = Position(added[6].created, added[6].id)
        page = jobs.list(JobQuery(limit=2, start=place, offset=3), EVERYTHING)
        assert [job.id for job in page.jobs] == [added[2].id, added[1].id]

    @pytest.mark.parametrize("name", ["", "zzz", "' OR 1=1 --", '"; DROP TABLE jobs; --', "ä" * 500, "%s", ":now"])
    def test_any_place_and_any_name_is_only_compared(self, jobs: JobStore, name: str) -> None:
        added = many_jobs(jobs)
        for backwards in (False, True):
            place = Position(NOON + 3 * SECOND, name, backwards)
            page = jobs.list(JobQuery(limit=1000, start=place), EVERYTHING)
            assert {job.id for job in page.jobs} <= {job.id for job in added}
            assert all(job.created >= place.created if backwards else job.created <= place.created for job in page.jobs)
        assert jobs.list(JobQuery(process_ids=(name,)), EVERYTHING).jobs == ()
        assert jobs.list(JobQuery(process_ids=(name, "p1", "\0"), limit=1000), Scope(name)).jobs == ()
        assert len(ids(walk(jobs, JobQuery(limit=1000)))) == MANY

    @pytest.mark.parametrize("years", [-1900, 7000])
    def test_a_place_may_lie_anywhere_in_time(self, jobs: JobStore, years: int) -> None:
        jobs.add(job_at())
        far = NOON + timedelta(days=365 * years)
        found = jobs.list(JobQuery(start=Position(far, "x")), EVERYTHING).jobs
        assert len(found) == (1 if years > 0 else 0)

    @pytest.mark.parametrize("group", ["hydro", "wald ü", "hydr", 'hydro"', ""])
    def test_shared_jobs_of_others_are_paged_and_filtered_as_own_ones(self, jobs: JobStore, group: str) -> None:
        added = many_jobs(jobs)
        for number, job in enumerate(added):
            jobs.share(job.id, Sharing(number % 3 == 0, frozenset({"hydro", "wald ü"} if number % 4 == 0 else ())))
        scope = Scope("alice", frozenset({group, "other"} if group else ()))
        wanted = [job for number, job in enumerate(added) if reached(job, number, "alice", group)]
        for query in (JobQuery(2, shared=True), JobQuery(50, shared=True)):
            assert ids(walk(jobs, query, scope)) == [job.id for job in wanted]
        last = Position(wanted[-1].created, wanted[-1].id, backwards=True)
        assert ids([jobs.list(JobQuery(3, start=last, shared=True), scope)]) == [job.id for job in wanted[-4:-1]]
        chosen = JobQuery(50, process_ids=("p1", "a\0b"), created_from=NOON + SECOND, shared=True)
        assert ids(walk(jobs, chosen, scope)) == [
            job.id for job in wanted if job.process_id == "p1" and job.created >= NOON + SECOND
        ]
