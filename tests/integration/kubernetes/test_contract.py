"""The engine passes the contract suite, with the real Calrissian on a real cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Engine
from pygeoapi_oapip.engines.calrissian.engine import CalrissianEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.settings import CalrissianEngine as Settings
from pygeoapi_oapip.testing.engine_contract import EngineContract

from ...contract.test_engines import plan_of
from .namespace import Namespace


@pytest.fixture(scope="module")
def jobs(namespace: Namespace) -> Path:
    """The folder of the jobs, which is a volume of the cluster."""
    return namespace.volume("jobs")


@pytest.fixture(scope="module")
def settings(namespace: Namespace, jobs: Path) -> Settings:
    return namespace.settings(volumes={"claim": "jobs"})


class TestCalrissianEngine(EngineContract):
    @pytest.fixture
    def engine(self, settings: Settings, tmp_path: Path) -> Iterator[Engine]:
        engine = CalrissianEngine("cluster", settings, tmp_path)
        yield engine
        engine.close()

    @pytest.fixture
    def restarted(self, settings: Settings, tmp_path: Path) -> Iterator[Engine]:
        engine = CalrissianEngine("cluster", settings, tmp_path)
        yield engine
        engine.close()

    @pytest.fixture
    def make_plan(self, jobs: Path) -> Callable[[str, str], Plan]:
        return lambda job_id, behaviour: plan_of(jobs / job_id, job_id, behaviour)
