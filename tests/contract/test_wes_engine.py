"""The engine of type `wes` passes the contract suite on a minimal WES server, which runs CWL with cwltool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Engine
from pygeoapi_oapip.engines.wes.engine import WesEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.settings import WesEngine as Settings
from pygeoapi_oapip.testing.engine_contract import EngineContract
from pygeoapi_oapip.testing.wes_server import WesServer
from tests.contract.test_engines import plan_of


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WesServer]:
    with WesServer(tmp_path_factory.mktemp("wes")) as server:
        yield server


class TestWesEngine(EngineContract):
    @pytest.fixture
    def settings(self, server: WesServer) -> Settings:
        runs = str(server.folder / "runs")
        return Settings(url=server.url, outputs={runs: runs})

    @pytest.fixture
    def engine(self, settings: Settings, tmp_path: Path) -> Iterator[Engine]:
        engine = WesEngine("hpc", settings, tmp_path / "home")
        yield engine
        engine.close()

    @pytest.fixture
    def restarted(self, settings: Settings, tmp_path: Path) -> Iterator[Engine]:
        engine = WesEngine("hpc", settings, tmp_path / "home")
        yield engine
        engine.close()

    @pytest.fixture
    def make_plan(self, tmp_path: Path) -> Callable[[str, str], Plan]:
        return lambda job_id, behaviour: plan_of(tmp_path / job_id, job_id, behaviour)
