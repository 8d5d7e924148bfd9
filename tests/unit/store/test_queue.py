"""What it costs to find whose turn it is: as many steps as there are queues, whatever their lengths."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pygeoapi_oapip.model.quota import ANY_ORDER
from pygeoapi_oapip.store import sql_queue
from pygeoapi_oapip.store.rows import to_micros
from pygeoapi_oapip.store.sql import Database, upgrade
from pygeoapi_oapip.testing.store_contract import NOON, job_at
from tests.bench.filling import add_queued

OWNERS = 3
ENGINES = ("local", "cluster")


def waiting(database: Database, each: int) -> None:
    """So many jobs in each of the queues."""
    add_queued(
        database,
        [
            replace(job_at(second), owner=f"user-{owner}", engine=engine)
            for owner in range(OWNERS)
            for engine in ENGINES
            for second in range(each)
        ],
    )


def steps_of_a_look(database: Database) -> int:
    """How many steps SQLite's machine takes to find the next job."""
    steps = 0

    def one_more() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(one_more, 1)
        now = to_micros(NOON + timedelta(days=1))
        assert len(sql_queue.picked(connection, 1, now, ANY_ORDER, lock=False)) == 1
        driver.set_progress_handler(None, 0)
    return steps


@pytest.mark.parametrize("each", [20, 1000])
def test_long_queues_cost_what_short_ones_cost(tmp_path: Path, each: int) -> None:
    steps = []
    for number in (1, each):
        database = Database(f"sqlite:///{tmp_path}/{number}.db")
        upgrade(database)
        waiting(database, number)
        steps.append(steps_of_a_look(database))
        database.close()
    few, many = steps
    assert few > OWNERS * len(ENGINES), "steps are counted"
    assert many < few + 50, "a few more, where a queue does not end with its first job"
