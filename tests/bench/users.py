"""What users cost: the verification of a token, the list of one among many, and whose turn it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pygeoapi_oapip.auth.middleware import Gate
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.model.identity import Scope
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.sql import Database, SqlJobStore
from tests.integration.postgres.server import binaries
from tests.security.site import Site
from tests.security.tokens import claims, signed, verifier

from .figures import Figure, milliseconds
from .filling import add_jobs, add_queued, open_database, postgres_databases
from .load import WARM_UP

ADDED = 0.001
"""Seconds that the verification of a token may add to a request (issue 8)."""
PATH = "/processes/echo"
USERS = 1000
QUEUED = 10_000
SLOWER = 1.5


def many_users(folder: Path, number: int, times: int) -> list[Figure]:
    """All rows; `number` jobs of 1000 users."""
    alone, many = open_database(folder / "one-user"), open_database(folder / "many-users")
    figures = [*_tokens(folder, times), *_one_of_many(alone, many, number, times)]
    (folder / "many-users" / "oapip.db").unlink()
    programs = binaries()
    if programs is None:
        return [*figures, Figure("the same in PostgreSQL", "not measured: there is no initdb")]
    with postgres_databases(programs, 2) as (small, large):
        return figures + _one_of_many(small, large, number, times)


def _tokens(folder: Path, times: int) -> list[Figure]:
    """The same request of the same application without credentials and with a token, asked in turn in one process."""
    bearer = verifier()[0]

    class Verified(Site):
        def gate(self, policy: Policy) -> Gate:
            return Gate(policy, [bearer])

    site = Verified(folder / "verified", anonymous="see")
    tokens = [signed(claims(jti=str(number))) for number in range(times + WARM_UP)]

    def asked(token: str | None) -> None:
        answer = site.ask(token, "GET", PATH)
        assert answer.status_code == 200, answer.text

    actions = (lambda _: asked(None), lambda number: asked(tokens[number]), lambda _: asked(tokens[0]))
    # nothing is waited for, so that the time of the processor is what a request takes on a quiet machine
    none, new, known = _in_turn(actions, times, time.process_time)
    site.wired.close()
    return [
        Figure(
            f"GET {PATH} {what}, processor time",
            milliseconds(span),
            f"without: {milliseconds(none)}",
            span / none,
            "at most 1 ms more",
            span - none < ADDED,
        )
        for what, span in (("with a token that was not seen before", new), ("with the token of before", known))
    ]


def _one_of_many(alone: Database, many: Database, number: int, times: int) -> list[Figure]:
    """The first page of a user, and the start of a job, alone and among all others."""
    where = "SQLite" if many.sqlite else "PostgreSQL"
    add_jobs(alone, number // USERS, "'user-0500'")
    add_jobs(many, number, "'user-' || $padded")
    stores = [SqlJobStore(database) for database in (alone, many)]
    less, more = _in_turn([lambda _, store=store: _page(store) for store in stores], times)  # type: ignore[misc]
    what = f"Job list of one of {USERS} users, {number} jobs, in the store ({where})"
    figures = [_compared(what, less, more)]
    for store, database, queued in zip(stores, (alone, many), (10, QUEUED), strict=True):
        add_queued(database, [_job("user-0500", place) for place in range(queued)])
        # one of them is under way, so that it is the turn of any other user
        store.claim("bench", _later() + timedelta(hours=1), 1, _later())
    less, more = _in_turn([lambda n, store=store: _start(store, n) for store in stores], times)  # type: ignore[misc]
    what = f"A job is made, claimed and ended behind {QUEUED} queued ones and {number} ended ones ({where})"
    for database in (alone, many):
        database.close()
    return [*figures, _compared(what, less, more)]


def _compared(what: str, less: float, more: float) -> Figure:
    against = f"alone: {milliseconds(less)}"
    return Figure(what, milliseconds(more), against, more / less, f"at most {SLOWER} times", more <= SLOWER * less)


def _page(store: SqlJobStore) -> None:
    assert len(store.list(JobQuery(10), Scope("user-0500")).jobs) == 10


def _job(owner: str, place: int) -> Job:
    made = Job.new("echo", 1, owner, "local", {"inputs": {}})
    return replace(made, created=made.created + timedelta(microseconds=place))


def _start(store: SqlJobStore, number: int) -> None:
    """The job of another user, whose turn it is."""
    made = store.add(_job(f"new-{number}", 0), durable=False)
    now = _later()
    (taken,) = store.claim("bench", now + timedelta(hours=1), 1, now)
    assert taken.id == made.id
    store.save(taken.advance(Phase.FAILED, now), durable=False)


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def _in_turn(
    actions: Sequence[Callable[[int], None]], times: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median seconds of each action, done in turn, so that a change of the machine's speed meets all."""
    spans: list[list[float]] = [[] for _ in actions]
    for turn in range(times + WARM_UP):
        for action, own in zip(actions, spans, strict=True):
            start = clock()
            action(turn)
            if turn >= WARM_UP:
                own.append(clock() - start)
    return [statistics.median(own) for own in spans]
