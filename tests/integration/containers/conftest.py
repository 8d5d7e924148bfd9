from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ...unit.engines.local.conftest import Bench
from ..required import cannot_run
from .daemon import CannotStart, Daemon, provide


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    try:
        provide()
        running = Daemon()
    except CannotStart as reason:
        cannot_run("docker", reason)
    yield running
    running.remove()


@pytest.fixture(scope="session")
def bench(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", daemon.host)
        folder: Path = tmp_path_factory.mktemp("jobs")
        bench = Bench(folder, tmp_path_factory.mktemp("home"), containers="docker", workers=2, cores=2)
        yield bench
        bench.engine.quit()


@pytest.fixture
def kill() -> Callable[[int], None]:
    return lambda pid: os.kill(pid, signal.SIGKILL)
