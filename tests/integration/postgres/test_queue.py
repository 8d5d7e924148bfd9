"""PostgreSQL, too, finds whose turn it is without reading the queues, though it believes that few jobs wait."""

from __future__ import annotations

import re

import psycopg
import pytest

from pygeoapi_oapip.store import sql_queue
from pygeoapi_oapip.store.sql import Database, upgrade
from tests.bench.filling import add_jobs
from tests.unit.store.test_queue import ENGINES, OWNERS, waiting

from .server import Server

pytestmark = pytest.mark.postgres

EACH = 1000


@pytest.mark.parametrize("told", [False, True], ids=["statistics of before", "statistics of now"])
def test_long_queues_are_not_read(server: Server, told: bool) -> None:
    url = server.new_database()
    database = Database(url, server.password)
    upgrade(database)
    add_jobs(database, 20_000)
    waiting(database, EACH)
    if told:
        with psycopg.connect(url.replace("+psycopg", ""), password=server.password, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE jobs")
    with database.read() as reading:
        plan = [row[0] for row in reading.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {sql_queue._HEADS_POSTGRES}")]
    database.close()
    queues = OWNERS * len(ENGINES)
    read = [int(rows) * int(loops) for line in plan for rows, loops in re.findall(r"rows=(\d+) loops=(\d+)", line)]
    assert queues <= max(read) <= 10 * queues, plan
