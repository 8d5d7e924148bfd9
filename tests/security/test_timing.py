"""The time of an answer does not tell a stranger whether a thing is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

from .site import Site

LARGE = "x" * 8_000_000


def best(work: Callable[[], int], status: int, number: int = 60) -> float:
    """Seconds of the fastest of several calls, all of which give this status."""
    found = []
    for _ in range(number):
        start = time.perf_counter()
        assert work() == status
        found.append(time.perf_counter() - start)
    return min(found)


def test_large_job_of_another_takes_as_long_as_none(site: Site) -> None:
    run = {"json": {"inputs": {"message": LARGE}}, "headers": {"Prefer": "wait=100"}}
    made = site.ask("alice", "POST", "/processes/echo/execution", **run)
    job = made.headers["Location"]
    address = job[job.index("/jobs") :]
    own = best(lambda: site.ask("alice", "GET", address).status_code, 200, 10)
    hidden = best(lambda: site.ask("bob", "GET", address).status_code, 404)
    unknown = best(lambda: site.ask("bob", "GET", f"/jobs/{uuid4()}").status_code, 404)
    assert hidden < unknown * 2 + 0.001, (hidden, unknown, own)
    assert own > unknown, "the job is large enough to be seen by its time"
