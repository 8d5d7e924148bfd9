"""Packages in the local engine and in another one, whose results have to be the same, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.run import RunRef, RunState

from .wes.engine_bench import EngineBench
from .wes.packages import NOT_ON_TOIL, SAMPLES

_ALL = {**SAMPLES, **NOT_ON_TOIL}
_LOCAL = {"type": "local", "containers": "none", "workers": 1, "cores": 4}


@dataclass(frozen=True)
class Both:
    """The packages in both engines; all of them were started at once in the other one, because its runs take long."""

    local: EngineBench
    other: EngineBench
    started: Mapping[str, tuple[Plan, RunRef]]
    """In the other engine."""

    def compare(self, name: str) -> None:
        """Run a package in the local engine, and require the same results of the other one."""
        plan = self.local.plan(_ALL[name])
        run = self.local.engine.submit(plan)
        assert self.local.end(run).state is RunState.SUCCEEDED, self.local.log(run)
        expected = self.local.results(plan, run)
        submitted, other = self.started[name]
        report = self.other.end(other)
        assert report.state is RunState.SUCCEEDED, f"{report.message}\n{self.other.log(other)}"
        assert _comparable(name, self.other.results(submitted, other)) == _comparable(name, expected)
        self.other.engine.forget(other)


@contextmanager
def in_both(request: pytest.FixtureRequest, folder: Path, other: EngineBench) -> Iterator[Both]:
    """Start the packages of the tests that were chosen.

    Args:
        request: of the fixture, which says which tests these are.
        folder: for the local engine.
        other: the other engine.
    """
    local = EngineBench(folder, _LOCAL)
    chosen = {item.name for item in request.session.items}
    plans = {name: other.plan(sample) for name, sample in _ALL.items() if any(f"[{name}]" in item for item in chosen)}
    yield Both(local, other, {name: (plan, other.engine.submit(plan)) for name, plan in plans.items()})
    assert isinstance(local.engine, LocalEngine)
    local.engine.quit()


def _comparable(name: str, results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The working folder of a tool has a name that its engine makes up."""
    if name != "directory of everything":
        return results
    return {key: value["tree"] for key, value in results.items()}
