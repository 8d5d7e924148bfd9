"""The engine of processes of other servers passes the contract suite, against a server in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Engine
from pygeoapi_oapip.engines.remote.engine import RemoteEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.packages.remote import read_remote
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.client import GuardedClient
from pygeoapi_oapip.testing.engine_contract import EngineContract
from pygeoapi_oapip.testing.remote_server import RemoteScript, RemoteServer

SCRIPTS = {
    "echo": RemoteScript(results={"said": "hello"}),
    "fail": RemoteScript(fails="exit code 3: broken"),
    "long": RemoteScript(ends=600),
}


@pytest.fixture
def remote() -> Iterator[RemoteServer]:
    with RemoteServer() as server:
        server.scripts.update(SCRIPTS)
        yield server


class TestRemoteEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> Engine:
        return RemoteEngine("remote", GuardedClient(("*",), Staging(allow_internal=True), 30.0))

    @pytest.fixture
    def restarted(self) -> Engine:
        return RemoteEngine("remote", GuardedClient(("*",), Staging(allow_internal=True), 30.0))

    @pytest.fixture
    def make_plan(self, remote: RemoteServer, tmp_path: Path) -> Callable[[str, str], Plan]:
        def make(job_id: str, behaviour: str) -> Plan:
            workspace = tmp_path / job_id
            (workspace / "logs").mkdir(parents=True, exist_ok=True)
            described: JSON = {"id": behaviour, "outputs": {"said": {"schema": {"type": "string"}}}}
            package = read_remote(described, remote.address(behaviour)).package
            assert package is not None
            return Plan(job_id, behaviour, package, {}, workspace, "anonymous")

        return make
