"""Checks with several processes, for every database."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from pygeoapi_oapip.store.sql import Database, SqlJobStore
from pygeoapi_oapip.testing.store_contract import job_at

from .child import begin


def check_that_many_start_at_once(empty: Database) -> None:
    """Three processes set up one empty database and each adds a job."""
    starts = [begin("start", empty) for _ in range(3)]
    errors = [start.communicate(timeout=300)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], errors
    assert sum(SqlJobStore(empty).counts().values()) == 3


def check_that_a_killed_claimer_leaves_whole_leases(database: Database) -> None:
    """One of two claimers dies by kill -9: each job is held by one of them."""
    jobs = SqlJobStore(database)
    ids = {jobs.add(job_at(n)).id for n in range(80)}
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    mine: set[str] = set()
    with begin("claim", database) as child:
        deadline = time.monotonic() + 120
        while "killed" not in jobs.lease_owners() and time.monotonic() < deadline:
            time.sleep(0.005)
        for _ in range(3):
            mine |= {job.id for job in jobs.claim("w", until, 1, now)}
        child.kill()
        child.communicate()
    while found := jobs.claim("w", until, 10, now):
        taken = {job.id for job in found}
        assert not taken & mine
        mine |= taken
    held = set(jobs.extend("killed", until))
    assert held and not held & mine and held | mine == ids
