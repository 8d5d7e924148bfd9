from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

import pytest

from .program import CannotStart, required
from .slurm import Slurm
from .toil import ToilServer, provide

T = TypeVar("T")


def started(name: str, start: Callable[[], T]) -> T:
    """A server; without it the test is skipped, or fails where OAPIP_REQUIRE names it."""
    try:
        return start()
    except CannotStart as reason:
        if required(name):
            pytest.fail(f"OAPIP_REQUIRE says {name}: {reason}")
        pytest.skip(f"no {name}: {reason}")


def start_toil(**options: Any) -> ToilServer:
    """A WES server, or no test."""

    def start() -> ToilServer:
        provide()
        return ToilServer(**options)

    return started("wes", start)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    cluster = started("slurm", Slurm)
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def toil(slurm: Slurm) -> Iterator[ToilServer]:
    """With Celery; its worker can submit to Slurm."""
    server = start_toil(environment=slurm.environment)
    yield server
    server.remove()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the programs of Toil said last."""
    report = yield
    for server in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(server, ToilServer):
            report.sections.append(("Toil", server.words()))
    return report
