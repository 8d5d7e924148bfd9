"""A minimal WES server for all tests of this folder, and engines that use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pygeoapi_oapip.engines.wes import follow as follow_module
from pygeoapi_oapip.engines.wes import run as run_module
from pygeoapi_oapip.engines.wes.engine import WesEngine
from pygeoapi_oapip.engines.wes.record import Record
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.settings import WesEngine as Settings
from pygeoapi_oapip.testing.wes_server import WesServer

PATIENCE = 120.0


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WesServer]:
    with WesServer(tmp_path_factory.mktemp("wes")) as server:
        yield server


@pytest.fixture
def server(shared_server: WesServer) -> Iterator[WesServer]:
    yield shared_server
    shared_server.faults.clear()
    shared_server.runs.clear()
    shared_server.requests.clear()
    shared_server.credentials = ""
    shared_server.lists = shared_server.tags = shared_server.repeats = True
    shared_server.page = 1000
    shared_server.versions = ["v1.0", "v1.1", "v1.2"]


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "MAX_BACKOFF", 0.1)
    monkeypatch.setattr(follow_module, "_PAUSES", dict.fromkeys(follow_module._PAUSES, 0.05))
    monkeypatch.setattr(run_module, "STOP_GRACE", 3.0)


def tool(script: str, **members: Any) -> JSONObject:
    """A CWL tool that runs a shell script; its standard output is the output `said`."""
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", script, "sh"],
        "inputs": {},
        "outputs": {"said": "stdout"},
        "stdout": "said.txt",
        **members,
    }


class Desk:
    """Submits plans to one engine."""

    def __init__(self, server: WesServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.engines: list[WesEngine] = []
        self.engine = self.open()

    def open(self, **settings: Any) -> WesEngine:
        """Another engine object over the same folders, as after a restart."""
        runs = str(self.server.folder / "runs")
        engine = WesEngine(
            "hpc",
            Settings(**{"url": self.server.url, "outputs": {runs: runs}, "poll_interval": 0.1, **settings}),
            self.folder / "home",
        )
        self.engines.append(engine)
        self.engine = engine
        return engine

    def plan(self, document: JSONObject | None = None, order: JSONObject | None = None, job: str = "") -> Plan:
        """A plan in a folder of its own."""
        job_id = job or str(uuid4())
        workspace = self.folder / job_id
        (workspace / "logs").mkdir(parents=True, exist_ok=True)
        package = Package(document or tool("echo hello"), "", b"", "")
        return Plan(job_id, "p", package, order or {}, workspace, "eve")

    def submit(self, *plan: Any, **more: Any) -> RunRef:
        """Submit a plan of these arguments."""
        return self.engine.submit(self.plan(*plan, **more))

    def report(self, run: RunRef) -> RunReport:
        """The present report."""
        return self.engine.poll([run])[run.job_id]

    def until(self, run: RunRef, wanted: Callable[[RunReport], bool]) -> RunReport:
        """Poll until a report fits."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(report := self.report(run)):
            assert time.monotonic() < deadline, report
            time.sleep(0.005)
        return report

    def end(self, run: RunRef) -> RunReport:
        """The final report."""
        return self.until(run, lambda report: report.ended)

    def success(self, run: RunRef) -> RunReport:
        """The final report of a run that has to succeed."""
        report = self.end(run)
        assert report.state is RunState.SUCCEEDED, report.message
        return report

    def record(self, run: RunRef) -> Record:
        """Its files."""
        return Record(Path(str(run.state["workspace"])))

    def log(self, run: RunRef) -> str:
        """The text of its log."""
        return "\n".join(line.text for line in self.engine.logs(run))


@pytest.fixture
def desk(server: WesServer, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(server, tmp_path)
    yield desk
    for engine in desk.engines:
        engine.close()
