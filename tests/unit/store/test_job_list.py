"""Statements of the job list are made once, and long lists of filters give the same jobs as short ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from pygeoapi_oapip.model.identity import EVERYTHING, Scope
from pygeoapi_oapip.model.job import JobStatus, Phase
from pygeoapi_oapip.store import sql_job_keys, sql_job_list
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.sql import Database, SqlJobStore, upgrade
from pygeoapi_oapip.store.sql_job_keys import Shape
from pygeoapi_oapip.testing.job_list_contract import JobPagesContract, ids, walk
from pygeoapi_oapip.testing.store_contract import SECOND, job_at


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[SqlJobStore]:
    database = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(database)
    yield SqlJobStore(database)
    database.close()


def test_a_query_for_several_processes_is_built_once(jobs: SqlJobStore) -> None:
    def ask(*processes: str) -> None:
        jobs.list(JobQuery(process_ids=processes, statuses=(JobStatus.ACCEPTED, JobStatus.RUNNING)), Scope("alice"))

    ask("a", "b")
    before = sql_job_keys.page_keys.cache_info().misses
    ask("c", "d")
    assert sql_job_keys.page_keys.cache_info().misses == before


@pytest.mark.parametrize("others", [0, 5, 50])
def test_any_number_of_processes_gives_the_same_pages(jobs: SqlJobStore, others: int) -> None:
    added = [jobs.add(job_at(number, process_id=f"p{number % 3}")) for number in range(12)]
    wanted = [job.id for job in reversed(added) if job.process_id != "p2"]
    names = ("p0", "p1", *(f"none{number}" for number in range(others)))
    found = []
    for offset in (0, 3, 6):
        page = jobs.list(JobQuery(limit=3, offset=offset, process_ids=names), EVERYTHING)
        found += [job.id for job in page.jobs]
        assert page.more is (offset < 6)
    assert found == wanted


def test_all_statuses_are_no_filter(jobs: SqlJobStore) -> None:
    job = jobs.add(job_at())
    assert [one.id for one in jobs.list(JobQuery(statuses=tuple(JobStatus)), EVERYTHING).jobs] == [job.id]


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few jobs are many already, so that a search is broken off."""
    monkeypatch.setattr(sql_job_list, "_LOOKED_AT", 12)
    monkeypatch.setattr(sql_job_list, "_RARE", 2)
    monkeypatch.setattr(sql_job_list, "_MOST_BRANCHES", 12)


@pytest.mark.usefixtures("short_search")
class TestBrokenOff(JobPagesContract):
    """The contract holds where a search for a duration or for many processes goes over several pages."""

    @pytest.fixture
    def jobs(self, jobs: SqlJobStore) -> SqlJobStore:
        return jobs


@pytest.mark.usefixtures("short_search")
def test_a_search_that_finds_nothing_for_long_is_broken_off_and_goes_on(jobs: SqlJobStore) -> None:
    added = [jobs.add(job_at(number)) for number in range(30)]
    for number, job in enumerate(added):
        span = 3600 if number < 5 else 1
        jobs.save(job.advance(Phase.SUCCESSFUL, job.created + span * SECOND, started=job.created))
    pages = walk(jobs, JobQuery(limit=2, min_duration=60.0))
    assert len(pages) > 5 and pages[0].jobs == () and pages[0].more
    assert ids(pages) == [job.id for job in reversed(added[:5])]
    skipped = walk(jobs, JobQuery(limit=2, min_duration=60.0, offset=3))
    assert skipped[0].left == 3
    assert ids(skipped) == [job.id for job in reversed(added[:2])]


def test_few_jobs_of_a_duration_are_found_at_once(jobs: SqlJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_job_list, "_LOOKED_AT", 6)
    added = [jobs.add(job_at(number)) for number in range(30)]
    for number, job in enumerate(added):
        span = 3600 if number < 2 else 1
        jobs.save(job.advance(Phase.SUCCESSFUL, job.created + span * SECOND, started=job.created))
    page = jobs.list(JobQuery(limit=5, min_duration=60.0), EVERYTHING)
    assert ([job.id for job in page.jobs], page.more) == ([added[1].id, added[0].id], False)


_STATUSES = frozenset({"owner_is", "from", "until"})
_SHAPES = [
    Shape(given=given, statuses=statuses, processes=processes, start=start, backwards=backwards)
    for given in (frozenset[str](), frozenset({"owner_is"}), _STATUSES, _STATUSES | {"shortest", "longest"})
    for statuses in (1, 6)
    for processes in (0, 1, 3)
    for start, backwards in ((False, False), (True, False), (True, True))
]


@pytest.mark.parametrize("shape", _SHAPES, ids=str)
def test_every_branch_is_read_from_an_index_in_its_order(tmp_path: Path, shape: Shape) -> None:
    database = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(database)
    with database.read() as connection:
        for statement in (sql_job_keys.page_keys, sql_job_keys.horizon):
            plan = _plan(connection, statement(shape, connection.dialect))
            assert not [line for line in plan if line.startswith("SCAN jobs") and "jobs_running" not in line]
            reads = [line for line in plan if line.startswith(("SEARCH jobs", "SCAN jobs"))]
            assert len(reads) >= shape.statuses * max(1, shape.processes)
            # a sort right after it would have to read a branch to its end
            assert not any(
                line in reads and following.startswith("USE TEMP B-TREE")
                for line, following in zip(plan, plan[1:], strict=False)
            )
            if "jobs_running" not in str(plan):
                assert all("USING COVERING INDEX" in line for line in reads)
    database.close()


def _plan(connection: Connection, text: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":([a-z_0-9]+)", text), 1)
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
