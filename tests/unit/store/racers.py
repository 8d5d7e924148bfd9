"""Several processes that all want the last place, for tests. Called as `racers.py queue|hold|claim OWNER URL`; the
password comes from the environment. Each tells how many it got."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from pygeoapi_oapip.errors import TooManyRequests
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.model.quota import Allowance, GroupAllowance, Place, StartOrder
from pygeoapi_oapip.store.accounts import Account
from pygeoapi_oapip.store.sql import Database, SqlAccountStore, SqlJobStore
from pygeoapi_oapip.store.tables import jobs as rows

MOST = 7
"""Of each of these there may be so many."""
TRIES = 12
"""Of each process."""
GROUP, STARTED = "hydro", "go"
LIMIT = 240.0

_BOUNDS = {"queue": Allowance(queued=MOST), "hold": Allowance(running=MOST), "claim": Allowance(running=MOST)}


def allowance(action: str, owner: str) -> Allowance:
    """`alone` is bound by himself, all others as members of a group."""
    return _BOUNDS[action] if owner == "alone" else Allowance(together=(GroupAllowance(GROUP, _BOUNDS[action]),))


def race(database: Database, action: str, owners: Sequence[str]) -> list[int]:
    """Let a process for each owner begin at the same moment; gives what each got."""
    accounts = SqlAccountStore(database)
    for owner in owners:
        accounts.remember(owner, Account(frozenset({GROUP})))
    url = database.address.set(password=None).render_as_string()
    environment = os.environ | {"RACER_PASSWORD": str(database.address.password or "")}
    running = [
        subprocess.Popen(
            [sys.executable, __file__, action, owner, url],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for owner in owners
    ]
    for one in running:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    accounts.remember("starter", Account(frozenset({STARTED})))
    told = [one.communicate(timeout=LIMIT) for one in running]
    assert [one.returncode for one in running] == [0] * len(running), told
    return [int(out) for out, _ in told]


def held(database: Database) -> int:
    """Jobs that have their place among those that run."""
    with database.read() as connection:
        query = select(func.count()).select_from(rows).where(rows.c.place == Place.HELD.value)
        return int(connection.execute(query).scalar_one())


def check_that_nobody_slips_through(database: Database) -> None:
    """Of waiting jobs and of running ones, of one owner and of a group, there are exactly as many as there may be."""
    alone, group = ["alone"] * 3, ["alice", "bob", "carol"]
    for owners, actions in ((alone, ("queue", "hold")), (group, ("queue", "hold", "claim"))):
        for action in actions:
            _clear(database)
            if action == "claim":
                store = SqlJobStore(database)
                for owner in owners:
                    for _ in range(MOST):
                        store.add(Job.new("p", 1, owner, "local", {"inputs": {}}), durable=False)
            got = race(database, action, owners)
            assert sum(got) == MOST, (action, owners, got)
            if action == "queue":
                assert sum(SqlJobStore(database).counts().values()) == MOST
            else:
                assert held(database) == MOST


def _clear(database: Database) -> None:
    with database.write() as connection:
        connection.execute(rows.delete())
    SqlAccountStore(database).remember("starter", Account())


def _queue(store: SqlJobStore, owner: str) -> int:
    made = 0
    for _ in range(TRIES):
        try:
            store.add(Job.new("p", 1, owner, "local", {"inputs": {}}), allowance=allowance("queue", owner))
            made += 1
        except TooManyRequests:
            pass
    return made


def _hold(store: SqlJobStore, owner: str) -> int:
    until = datetime.now(UTC) + timedelta(hours=1)
    made = 0
    for _ in range(TRIES):
        job = replace(Job.new("p", 1, owner, "local", {"inputs": {}}), lease_owner="w", lease_until=until)
        made += store.add(job, allowance=allowance("hold", owner)).lease_owner is not None
    return made


def _claim(store: SqlJobStore, owner: str) -> int:
    now = datetime.now(UTC)
    order = StartOrder(lambda name: allowance("claim", name))
    return sum(len(store.claim(f"w-{os.getpid()}", now + timedelta(hours=1), 2, now, order)) for _ in range(TRIES))


def _run(action: str, owner: str, url: str) -> None:
    database = Database(url, os.environ["RACER_PASSWORD"] or None, busy_timeout=120)
    store, accounts = SqlJobStore(database), SqlAccountStore(database)
    store.counts()
    print("ready", flush=True)
    deadline = time.monotonic() + LIMIT
    while not accounts.members(STARTED) and time.monotonic() < deadline:
        time.sleep(0.01)
    print({"queue": _queue, "hold": _hold, "claim": _claim}[action](store, owner))


if __name__ == "__main__":
    _run(*sys.argv[1:])
