"""Runs of an engine without a server, and tools for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pygeoapi_oapip.engines.base import Engine
from pygeoapi_oapip.model.run import RunRef, RunReport

EngineT = TypeVar("EngineT", bound=Engine)
PATIENCE = 900.0
"""Seconds until a run that does not get on fails its test."""


def shell(command: str, **more: Any) -> dict[str, Any]:
    """A tool that runs a shell command."""
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", command],
        "inputs": {},
        "outputs": {},
        **more,
    }


class Runs(Generic[EngineT]):
    """What tests ask of an engine.

    Args:
        engine: the one.
    """

    pause = 0.1
    """Seconds between two polls."""

    def __init__(self, engine: EngineT) -> None:
        self.engine = engine

    def report(self, run: RunRef) -> RunReport:
        """The present report."""
        return self.engine.poll([run])[run.job_id]

    def until(self, run: RunRef, wanted: Callable[[RunReport], bool], limit: float = PATIENCE) -> RunReport:
        """Poll until the report fits."""
        deadline = time.monotonic() + limit
        while not wanted(report := self.report(run)):
            assert time.monotonic() < deadline, f"the run did not get there: {report}\n{self.log(run)}"
            self.rest(run)
        return report

    def rest(self, run: RunRef) -> None:
        """Wait between two polls."""
        time.sleep(self.pause)

    def end(self, run: RunRef, limit: float = PATIENCE) -> RunReport:
        """The final report."""
        return self.until(run, lambda report: report.ended, limit)

    def log(self, run: RunRef) -> str:
        """The text of the log."""
        return "\n".join(line.text for line in self.engine.logs(run))
