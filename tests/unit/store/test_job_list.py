"""Statements of the job list are made once, and long lists of filters give the same jobs as short ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.model.identity import EVERYTHING, Scope
from pygeoapi_oapip.model.job import JobStatus
from pygeoapi_oapip.store import sql_job_keys
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.sql import Database, SqlJobStore, upgrade
from pygeoapi_oapip.testing.store_contract import job_at


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
