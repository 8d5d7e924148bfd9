"""PostgreSQL reads each branch of a job list from an index, whatever the filters, and finds the same jobs as SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection

from pygeoapi_oapip.model.identity import Scope
from pygeoapi_oapip.model.job import JobStatus
from pygeoapi_oapip.store import sql_job_keys
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.rows import to_micros
from pygeoapi_oapip.store.sql import Database, SqlJobStore, upgrade
from pygeoapi_oapip.store.sql_job_keys import Shape
from pygeoapi_oapip.testing.job_list_contract import walk
from pygeoapi_oapip.testing.store_contract import NOON
from tests.bench.filling import add_jobs

from .server import Server

pytestmark = pytest.mark.postgres

NUMBER = 30_000
BOTH = frozenset({"owner_is", "shortest", "longest"})
SHAPES = [
    Shape(given=given, statuses=statuses, processes=processes, start=start, backwards=backwards)
    for given in (frozenset[str](), frozenset({"owner_is"}), frozenset({"owner_is", "from", "until"}), BOTH)
    for statuses in (1, 6)
    for processes in (0, 2)
    for start, backwards in ((False, False), (True, True))
]


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Database]:
    url = server.new_database()
    database = Database(url, server.password)
    upgrade(database)
    add_jobs(database, NUMBER)
    with psycopg.connect(url.replace("+psycopg", ""), password=server.password, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE jobs")
    yield database
    database.close()


def plan_of(connection: Connection, shape: Shape, text: str) -> str:
    middle = to_micros(NOON)
    names = [f"echo-{number:04}" for number in range(shape.processes)]
    values = {"owner_is": "anonymous", "from": 0, "until": 2**60, "shortest": 10**6, "longest": 10**12, "now": middle}
    values |= {
        "start_created": 2**60,
        "start_id": "x",
        "reach": 11,
        "most": 11,
        "skip": 0,
        "share": 100,
        "every": 2**62,
    }
    values |= {f"status_{number}": str(status) for number, status in enumerate(JobStatus)}
    values |= {f"process_{number}": name for number, name in enumerate(names)}
    listed = {"processes": names} if names else {}
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}", values | listed))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_branch_reads_the_table_or_sorts_it(filled: Database, shape: Shape) -> None:
    with filled.read() as connection:
        for statement in (sql_job_keys.page_keys, sql_job_keys.horizon):
            plan = plan_of(connection, shape, statement(shape, connection.dialect))
            assert "Seq Scan on jobs" not in plan and "Bitmap" not in plan, plan
            assert plan.count("using jobs_by_") >= shape.statuses * max(1, shape.processes), plan


@pytest.mark.parametrize(
    "query",
    [
        JobQuery(statuses=(JobStatus.DISMISSED, JobStatus.FAILED)),
        JobQuery(process_ids=("echo-0003", "echo-0013")),
        JobQuery(process_ids=tuple(f"echo-{number:04}" for number in range(0, 1000, 9)), statuses=(JobStatus.FAILED,)),
        JobQuery(min_duration=3600.0, process_ids=("echo-0003",)),
        JobQuery(min_duration=4570.0),
    ],
    ids=range(5),
)
def test_the_lists_are_those_of_sqlite(filled: Database, tmp_path: Path, query: JobQuery) -> None:
    other = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(other)
    add_jobs(other, NUMBER)
    found = []
    for database in (filled, other):
        pages = walk(SqlJobStore(database), replace(query, limit=2000), Scope("anonymous"))
        found.append([(job.process_id, job.phase, job.finished - job.started) for page in pages for job in page.jobs])  # type: ignore[operator]
    other.close()
    assert found[0] and found[0] == found[1]
