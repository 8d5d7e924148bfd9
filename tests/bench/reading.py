"""What a GET costs: with few rows and with many, and how many of them a second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from pygeoapi_oapip.testing.live_server import LiveServer

from .figures import Figure, below, milliseconds
from .filling import add_jobs, add_processes, open_database, some_jobs
from .load import WARM_UP, Connection, median, requests_per_second, seconds_of

LIMIT = 0.005
"""Seconds that a GET may take at the server (issue 3)."""
RATE = 500
"""`GET /jobs/{id}` a second on 2 cores with 2 workers (issue 3)."""
PATIENCE = 12.0
"""Seconds for one comparison."""
SETTLE = 14
"""Seconds after the start in which a server loads what later requests need."""


class Filled:
    """A server with so many processes and jobs, and some ids of its jobs."""

    def __init__(self, home: Path, processes: int, jobs: int) -> None:
        database = open_database(home)
        add_processes(database, processes)
        add_jobs(database, jobs)
        self.ids = some_jobs(database, min(200, jobs))
        database.close()
        self.server = LiveServer(home, {"retention": {"jobs": 0}})

    @contextmanager
    def running(self) -> Iterator[LiveServer]:
        """The server while it runs."""
        with self.server as server:
            time.sleep(SETTLE)
            yield server


def scaling(many: Filled, folder: Path, times: int) -> list[Figure]:
    """Lists and status with few rows and with many."""
    few = Filled(folder / "few", 10, 10)
    figures = []
    with few.running() as small:
        for what, path in (
            ("GET /processes with 1000 deployed", "/processes"),
            ("GET /jobs?limit=10 with 100000 jobs", "/jobs?limit=10"),
            ("GET /jobs/{id} with 100000 jobs", ""),
        ):
            paths = [[path] if path else _statuses(filled) for filled in (few, many)]
            less, more = in_turn((small.url, many.server.url), paths, times)
            against = f"with 10: {milliseconds(less)}"
            figures.append(
                Figure(what, milliseconds(more), against, more / less, "at most 1.5 times", more <= 1.5 * less)
            )
    return figures


def medians(many: Filled, times: int) -> list[Figure]:
    """Each kind of GET against the limit."""
    connection = Connection(many.server.url)
    rows = (
        ("GET /processes, 1000 deployed", ["/processes"]),
        ("GET /processes/{id}, 1000 deployed", [f"/processes/echo-{number:04}" for number in range(0, 1000, 50)]),
        ("GET /jobs, 100000 jobs", ["/jobs"]),
        ("GET /jobs/{id}, 100000 jobs", _statuses(many)),
    )
    figures = [below(f"{what}, median", median(connection, paths, times), LIMIT) for what, paths in rows]
    connection.close()
    return figures


def rate(many: Filled, seconds: float) -> Figure:
    """Requests a second."""
    found = max(
        (requests_per_second(many.server.url, _statuses(many), seconds, connections) for connections in (4, 8, 16)),
        key=lambda one: one.per_second,
    )
    what = f"GET /jobs/{{id}} a second, 100000 jobs, 2 workers (the client takes {found.own_cores:.2f} of the cores)"
    return Figure(what, f"{found.per_second:.0f}/s", target=f"at least {RATE}/s", held=found.per_second >= RATE)


def _statuses(filled: Filled) -> list[str]:
    return [f"/jobs/{job_id}" for job_id in filled.ids]


def in_turn(urls: Sequence[str], paths: Sequence[Sequence[str]], times: int) -> tuple[float, float]:
    """Median seconds of both servers, asked in turn, so that a change of the machine's speed meets both. Where one is
    slow, they are asked less often: until `PATIENCE` is over, and three times at least."""
    connections = [Connection(url) for url in urls]
    orders = [cycle(some) for some in paths]
    spans: tuple[list[float], list[float]] = ([], [])
    end = time.monotonic() + PATIENCE
    for turn in range(times + WARM_UP):
        if turn >= 2 * WARM_UP and time.monotonic() > end:
            break
        for connection, order, own in zip(connections, orders, spans, strict=True):
            span = seconds_of(connection, next(order))
            if turn >= WARM_UP:
                own.append(span)
    for connection in connections:
        connection.close()
    return statistics.median(spans[0]), statistics.median(spans[1])
