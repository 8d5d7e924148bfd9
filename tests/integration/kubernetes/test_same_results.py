"""Every package has the same results on Kubernetes as in the local engine, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.run import RunRef, RunState

from ..wes.engine_bench import EngineBench
from ..wes.packages import SAMPLES
from .namespace import Namespace

Started = Mapping[str, tuple[Plan, RunRef]]


@dataclass(frozen=True)
class Both:
    """The packages in both engines; all of them were started at once."""

    local: EngineBench
    cluster: EngineBench
    started: Started
    """On the cluster."""


@pytest.fixture(scope="module")
def both(
    request: pytest.FixtureRequest, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    folder: Path = tmp_path_factory.mktemp("both")
    local = EngineBench(folder / "local", {"type": "local", "containers": "none", "workers": 1, "cores": 4})
    little = {"spec": {"containers": [{"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]}}
    leader = namespace.settings(volumes={"claim": "same"}).leader
    leader["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}}
    settings = namespace.settings(volumes={"claim": "same", "path": "jobs"}, steps=little, leader=leader)
    cluster = EngineBench(namespace.volume("same"), settings.model_dump(mode="json"))
    chosen = {item.name for item in request.session.items}
    plans = {
        name: cluster.plan(sample) for name, sample in SAMPLES.items() if any(f"[{name}]" in item for item in chosen)
    }
    yield Both(local, cluster, {name: (plan, cluster.engine.submit(plan)) for name, plan in plans.items()})
    assert isinstance(local.engine, LocalEngine)
    local.engine.quit()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_has_the_same_results_on_kubernetes_as_in_the_local_engine(both: Both, name: str) -> None:
    plan = both.local.plan(SAMPLES[name])
    run = both.local.engine.submit(plan)
    assert both.local.end(run).state is RunState.SUCCEEDED, both.local.log(run)
    expected = both.local.results(plan, run)
    submitted, other = both.started[name]
    report = both.cluster.end(other)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{both.cluster.log(other)}"
    assert _comparable(name, both.cluster.results(submitted, other)) == _comparable(name, expected)


def _comparable(name: str, results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The working folder of a tool has a name that its engine makes up."""
    if name != "directory of everything":
        return results
    return {key: value["tree"] for key, value in results.items()}
