"""Every package has the same results on Toil as in the local engine, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.run import RunRef, RunState

from .engine_bench import EngineBench, wes_settings
from .packages import SAMPLES
from .toil import ToilServer

Started = Mapping[str, tuple[Plan, RunRef]]


@dataclass(frozen=True)
class Both:
    """The packages in both engines; all of them were started at once, because a run of Toil takes ten seconds."""

    local: EngineBench
    wes: EngineBench
    started: Started
    """In the WES engine."""


@pytest.fixture(scope="module")
def both(request: pytest.FixtureRequest, toil: ToilServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    local = EngineBench(folder / "local", {"type": "local", "containers": "none", "workers": 1, "cores": 4})
    wes = EngineBench(folder / "wes", wes_settings(toil))
    chosen = {item.name for item in request.session.items}
    plans = {name: wes.plan(sample) for name, sample in SAMPLES.items() if any(f"[{name}]" in item for item in chosen)}
    yield Both(local, wes, {name: (plan, wes.engine.submit(plan)) for name, plan in plans.items()})
    assert isinstance(local.engine, LocalEngine)
    local.engine.quit()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_has_the_same_results_on_toil_as_in_the_local_engine(both: Both, name: str) -> None:
    plan = both.local.plan(SAMPLES[name])
    run = both.local.engine.submit(plan)
    assert both.local.end(run).state is RunState.SUCCEEDED, both.local.log(run)
    expected = both.local.results(plan, run)
    submitted, other = both.started[name]
    report = both.wes.end(other)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{both.wes.log(other)}"
    assert _comparable(name, both.wes.results(submitted, other)) == _comparable(name, expected)


def _comparable(name: str, results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The working folder of a tool has a name that its engine makes up."""
    if name != "directory of everything":
        return results
    return {key: value["tree"] for key, value in results.items()}
