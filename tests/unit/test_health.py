"""What is told of the engines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Engine, EngineHealth
from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.health import engine_parts, examine
from pygeoapi_oapip.settings import LocalEngine as Settings
from pygeoapi_oapip.testing.fake_engine import FakeEngine


class Patient(FakeEngine):
    """An engine that says of itself what a test says, and notes how long it may wait."""

    def __init__(self, ok: bool, detail: str) -> None:
        super().__init__()
        self.state = EngineHealth(ok, detail)
        self.waits: list[float] = []

    def health(self, wait: float) -> EngineHealth:
        """See Examined."""
        self.waits.append(wait)
        return self.state


def test_an_engine_that_does_not_work_is_named() -> None:
    engines: Mapping[str, Engine] = {"a": Patient(True, "fine"), "b": Patient(False, "away"), "c": FakeEngine()}
    ok, parts = engine_parts(engines)
    assert not ok
    assert parts["engines"] == {"ok": False, "detail": "does not work: b", "names": ["a", "b", "c"]}
    assert parts["engine a"] == {"ok": True, "detail": "fine"}
    assert parts["engine b"] == {"ok": False, "detail": "away"}
    assert "engine c" not in parts


def test_engines_that_work_are_listed() -> None:
    ok, parts = engine_parts({"a": Patient(True, "fine")})
    assert ok and parts["engines"] == {"ok": True, "detail": "a", "names": ["a"]}


def test_all_are_asked_before_anybody_waits() -> None:
    engines = {"a": Patient(True, ""), "b": Patient(True, "")}
    examine(engines, 600.0)
    assert all(engine.waits[0] == 0.0 and 0.0 < engine.waits[1] <= 600.0 for engine in engines.values())


def test_the_local_engine_tells_its_cwltool(tmp_path: Path) -> None:
    found = LocalEngine("local", Settings(containers="none"), tmp_path / "home").health(0.0)
    assert found.ok and found.detail.startswith("cwltool 3.") and found.detail.endswith("containers: none")


def test_a_container_engine_that_was_asked_for_and_is_not_there_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = LocalEngine("local", Settings(containers="docker"), tmp_path / "home").health(30.0)
    assert not found.ok and "docker does not answer" in found.detail
