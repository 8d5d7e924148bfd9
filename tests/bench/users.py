"""What users cost: the verification of a token, the list of one among many, and whose turn it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from werkzeug.test import Client

from pygeoapi_oapip.auth.middleware import Gate
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.model.identity import EVERYTHING, Scope
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.configured import door_options
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.sql import SqlJobStore
from pygeoapi_oapip.wiring import Wired, default_configuration
from tests.security.site import Site
from tests.security.tokens import claims, signed, verifier

from .figures import Figure, milliseconds
from .filling import add_jobs, open_database
from .load import WARM_UP

ADDED = 0.001
"""Seconds that the verification of a token may add to a request (issue 8)."""
PATH = "/processes/echo"
USERS = 1000
QUEUED = 10_000
SLOWER = 1.5


def many_users(folder: Path, number: int, times: int) -> list[Figure]:
    """All rows; `number` jobs of 1000 users."""
    return [*_tokens(folder, times), *_one_of_many(folder, number, times)]


def _tokens(folder: Path, times: int) -> list[Figure]:
    """The same request with and without a token, asked in turn in one process."""
    bearer = verifier()[0]

    class Verified(Site):
        def gate(self, policy: Policy) -> Gate:
            return Gate(policy, [bearer])

    site, plain = Verified(folder / "verified"), _without(folder / "plain")
    tokens = [signed(claims(jti=str(number))) for number in range(times + WARM_UP)]

    def asked(number: int) -> None:
        answer = site.ask(tokens[number], "GET", PATH)
        assert answer.status_code == 200, answer.text

    actions = (lambda _: _ok(Client(plain)), asked, lambda _: asked(0))
    none, new, known = _in_turn(actions, times)
    site.wired.close()
    return [
        Figure(
            f"GET {PATH} {what}",
            milliseconds(span),
            f"without: {milliseconds(none)}",
            span / none,
            "at most 1 ms more",
            span - none < ADDED,
        )
        for what, span in (("with a token that was not seen before", new), ("with the token of before", known))
    ]


def _ok(client: Client) -> None:
    assert client.get(PATH).status_code == 200


def _without(home: Path) -> Flask:
    configuration = default_configuration(Site.base, home)
    settings = load_settings(configuration["server"]["manager"])
    return create_app(Wired(settings, {}, Site.base).service, door_options(configuration, settings))


def _one_of_many(folder: Path, number: int, times: int) -> list[Figure]:
    """The first page of a user, and the start of a job, alone and among all others."""
    alone, many = open_database(folder / "one-user"), open_database(folder / "many-users")
    add_jobs(alone, number // USERS, "'user-0500'")
    add_jobs(many, number, "'user-' || $padded")
    stores = [SqlJobStore(database) for database in (alone, many)]
    less, more = _in_turn([lambda _, store=store: _page(store) for store in stores], times)  # type: ignore[misc]
    what = f"Job list of one of {USERS} users, {number} jobs, in the store"
    figures = [_compared(what, less, more)]
    for store, queued in zip(stores, (10, QUEUED), strict=True):
        for place in range(queued):
            store.add(_job("user-0500", place), durable=False)
        # one of them is under way, so that it is the turn of any other user
        store.claim("bench", _later() + timedelta(hours=1), 1, _later())
    less, more = _in_turn([lambda n, store=store: _start(store, n) for store in stores], times)  # type: ignore[misc]
    figures.append(
        _compared(f"A job is made, claimed and ended behind {QUEUED} queued ones and {number} ended ones", less, more)
    )
    for database in (alone, many):
        database.close()
    return figures


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
    store.delete(taken.id, EVERYTHING)


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def _in_turn(actions: Sequence[Callable[[int], None]], times: int) -> list[float]:
    """Median seconds of each action, done in turn, so that a change of the machine's speed meets all."""
    spans: list[list[float]] = [[] for _ in actions]
    for turn in range(times + WARM_UP):
        for action, own in zip(actions, spans, strict=True):
            start = time.perf_counter()
            action(turn)
            if turn >= WARM_UP:
                own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in spans]
