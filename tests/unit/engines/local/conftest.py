"""A bench on which packages run in a local engine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.engines.local.protocol import VERSION
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.settings import LocalEngine as Settings

from ....engine_runs import Runs
from ....engine_runs import shell as shell

Document = dict[str, Any]


class Bench(Runs[LocalEngine]):
    """An engine and a folder for its jobs."""

    pause = 0.01

    def __init__(self, folder: Path, home: Path, **settings: Any) -> None:
        self.folder = folder
        self.home = home
        super().__init__(LocalEngine("local", Settings(**{"containers": "none", **settings}), home, idle=20))

    def plan(self, document: Document, order: Mapping[str, Any] | None = None, **package: Any) -> Plan:
        """A plan with a workspace of its own."""
        job_id = str(uuid4())
        workspace = self.folder / job_id
        workspace.mkdir()
        packed = Package(**{"entry": "", **package}, document=document, source=b"", media_type="application/cwl+json")
        return Plan(job_id, "process", packed, order or {}, workspace, "anonymous")

    def submit(self, document: Document, order: Mapping[str, Any] | None = None, **package: Any) -> RunRef:
        """Submit a package."""
        return self.engine.submit(self.plan(document, order, **package))

    def run(self, document: Document, order: Mapping[str, Any] | None = None, **package: Any) -> RunReport:
        """Run a package to its end."""
        return self.end(self.submit(document, order, **package))

    def running(self, run: RunRef) -> int:
        """Wait until the run runs; the pid of its runner."""
        self.until(run, lambda report: report.state is RunState.RUNNING)
        return int(self.record(run, "started")["pid"])

    def record(self, run: RunRef, name: str) -> dict[str, Any]:
        """A record of the job's folder."""
        loaded = json.loads((self.workspace(run) / "run" / f"{name}.json").read_text())
        assert isinstance(loaded, dict)
        return loaded

    def workspace(self, run: RunRef) -> Path:
        """The folder of a run."""
        return Path(str(run.state["workspace"]))

    def server_pid(self) -> int:
        """The pid of the fork server."""
        greeting = self.engine._client.ask({"op": "hello", "version": VERSION, "slots": 2, "cores": 2, "memory": 2**32})
        return int(greeting["pid"])


def alive(pid: int) -> bool:
    """True if the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, timeout: float = 240.0) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + timeout
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    yield home
    LocalEngine("local", Settings(), home).quit()


@pytest.fixture
def bench(tmp_path: Path, shared_home: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, shared_home, workers=4, cores=4)
    yield bench
    bench.engine.close()


@pytest.fixture
def own_bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench whose fork server belongs to the test, which may kill it."""
    (tmp_path / "jobs").mkdir()
    bench = Bench(tmp_path / "jobs", tmp_path / "home", workers=2, cores=2)
    yield bench
    bench.engine.quit()


@pytest.fixture
def kill() -> Callable[[int], None]:
    return lambda pid: os.kill(pid, signal.SIGKILL)
