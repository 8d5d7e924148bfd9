"""Every engine passes the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Engine, Eventful
from pygeoapi_oapip.engines.builtin.engine import BuiltinEngine
from pygeoapi_oapip.engines.builtin.program import Course
from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import NO_PACKAGE, Package, Process, Source
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import Literal, OutputValue
from pygeoapi_oapip.settings import LocalEngine as Settings
from pygeoapi_oapip.testing.engine_contract import BEHAVIOURS, EngineContract
from pygeoapi_oapip.testing.fake_engine import FakeBackEnd, FakeEngine, Script

LONG = 600.0
SCRIPTS = {
    "echo": Script(outputs={"said": Literal("hello")}, log=["hello"]),
    "fail": Script(outcome=RunState.FAILED, message="The tool ended with exit code 3: broken"),
    "long": Script(ends=LONG, log=["hello"]),
}
COMMANDS = {
    "echo": "echo hello; echo hello >&2",
    "fail": "echo broken >&2; exit 3",
    "long": "echo hello >&2; exec sleep 600",
}


def plan_of(workspace: Path, job_id: str, behaviour: str) -> Plan:
    workspace.mkdir(parents=True)
    document: JSONObject = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", COMMANDS[behaviour]],
        "inputs": {},
        "outputs": {"said": {"type": "stdout"}},
        "stdout": "said.txt",
    }
    package = Package(document, "", b"", "application/cwl+json")
    return Plan(job_id, behaviour, package, {}, workspace, "anonymous")


class TestFakeEngine(EngineContract):
    @pytest.fixture
    def back_end(self) -> FakeBackEnd:
        return FakeBackEnd()

    @pytest.fixture
    def engine(self, back_end: FakeBackEnd) -> Engine:
        return FakeEngine("fake", SCRIPTS, back_end)

    @pytest.fixture
    def restarted(self, back_end: FakeBackEnd) -> Engine:
        return FakeEngine("fake", SCRIPTS, back_end)

    @pytest.fixture
    def make_plan(self, tmp_path: Path) -> Callable[[str, str], Plan]:
        return lambda job_id, behaviour: plan_of(tmp_path / job_id, job_id, behaviour)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    yield home
    LocalEngine("local", Settings(), home).quit()


class TestLocalEngine(EngineContract):
    @pytest.fixture
    def engine(self, home: Path) -> Iterator[Engine]:
        engine = LocalEngine("local", Settings(workers=4, cores=4, containers="none"), home)
        yield engine
        engine.close()

    @pytest.fixture
    def restarted(self, home: Path) -> Iterator[Engine]:
        engine = LocalEngine("local", Settings(workers=4, cores=4, containers="none"), home)
        yield engine
        engine.close()

    @pytest.fixture
    def make_plan(self, tmp_path: Path) -> Callable[[str, str], Plan]:
        return lambda job_id, behaviour: plan_of(tmp_path / job_id, job_id, behaviour)


class Scripted:
    """A built-in process that behaves as the suite asks."""

    def __init__(self, behaviour: str) -> None:
        self.process = Process(behaviour, "1", behaviour, "", {}, {}, NO_PACKAGE, source=Source.BUILTIN)

    def check(self, order: JSONObject) -> None:
        """Takes everything."""

    def course(self, order: JSONObject) -> Course:
        failure = "it ended with code 3: broken" if self.process.id == "fail" else ""
        return Course(LONG if self.process.id == "long" else 0.0, failure, ["hello"])

    def outputs(self, order: JSONObject, folder: Path) -> Mapping[str, OutputValue]:
        return {"said": Literal("hello")}


class TestBuiltinEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> Engine:
        return BuiltinEngine("builtin", {name: Scripted(name) for name in BEHAVIOURS})

    @pytest.fixture
    def restarted(self, engine: Engine) -> Engine:
        return BuiltinEngine("builtin", {name: Scripted(name) for name in BEHAVIOURS})

    @pytest.fixture
    def make_plan(self, tmp_path: Path) -> Callable[[str, str], Plan]:
        return lambda job_id, behaviour: plan_of(tmp_path / job_id, job_id, behaviour)


@pytest.mark.parametrize(
    "engine", [FakeEngine(), LocalEngine("local", Settings(), Path("unused")), BuiltinEngine("builtin", {})]
)
def test_engines_with_events_are_recognised(engine: Engine) -> None:
    assert isinstance(engine, Eventful)
