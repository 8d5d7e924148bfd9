"""Every package has the same results on Kubernetes as in the local engine, value by value."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..same_results import Both, in_both
from ..wes.engine_bench import EngineBench
from ..wes.packages import NOT_ON_TOIL, SAMPLES
from .namespace import Namespace


@pytest.fixture(scope="module")
def both(
    request: pytest.FixtureRequest, namespace: Namespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    little = {"spec": {"containers": [{"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]}}
    leader = namespace.settings(volumes={"claim": "same"}).leader
    leader["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "50m", "memory": "64Mi"}}
    settings = namespace.settings(volumes={"claim": "same", "path": "jobs"}, steps=little, leader=leader)
    cluster = EngineBench(namespace.volume("same"), settings.model_dump(mode="json"))
    with in_both(request, tmp_path_factory.mktemp("both"), cluster) as both:
        yield both


@pytest.mark.parametrize("name", [*SAMPLES, *NOT_ON_TOIL])
def test_a_package_has_the_same_results_on_kubernetes_as_in_the_local_engine(both: Both, name: str) -> None:
    both.compare(name)
