from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from .fault_proxy import FaultProxy
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


def _toil(**options: Any) -> ToilServer:
    provide()
    return ToilServer(**options)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    cluster = started("slurm", Slurm)
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def toil(slurm: Slurm) -> Iterator[ToilServer]:
    """With Celery; its worker can submit to Slurm."""
    server = started("wes", lambda: _toil(environment=slurm.environment))
    yield server
    server.remove()


@pytest.fixture(scope="session")
def bypass() -> Iterator[ToilServer]:
    """Without Celery and Slurm."""
    server = started("wes", lambda: _toil(celery=False))
    yield server
    server.remove()


@pytest.fixture
def proxy(toil: ToilServer) -> Iterator[FaultProxy]:
    """Between our server and Toil's."""
    proxy = FaultProxy(toil.port)
    yield proxy
    proxy.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For a server's configuration, database and jobs."""
    return tmp_path / "server"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the programs of Toil said last."""
    report = yield
    for server in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(server, ToilServer):
            report.sections.append(("Toil", server.words()))
    return report
