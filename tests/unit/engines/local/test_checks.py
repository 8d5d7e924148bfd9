"""What is refused before a job exists, and what is a temporary fault."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.local import containers
from pygeoapi_oapip.engines.local.containers import ContainerDetector
from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.errors import EngineUnavailable, PlanRejected, RunLost
from pygeoapi_oapip.model.run import RunRef
from pygeoapi_oapip.settings import LocalEngine as Settings

from .conftest import Bench, shell


def test_a_container_is_needed_and_there_is_no_engine_for_it(bench: Bench) -> None:
    with pytest.raises(PlanRejected, match="no container engine"):
        bench.engine.check(bench.plan(shell("true"), requires_container=True))


def test_a_hint_of_a_container_is_no_need(bench: Bench) -> None:
    tool = shell("echo here >&2", hints={"DockerRequirement": {"dockerPull": "no/such:image"}})
    bench.engine.check(bench.plan(tool))
    run = bench.submit(tool)
    assert bench.end(run).state == "succeeded", bench.report(run).message


def test_more_than_the_machine_has_is_refused(bench: Bench) -> None:
    tool = shell("true", requirements={"ResourceRequirement": {"coresMin": 100, "ramMin": 1024}})
    with pytest.raises(PlanRejected, match="asks for 100 cores and 1024 MiB.*this server has 4 cores"):
        bench.engine.check(bench.plan(tool))


def test_a_container_engine_is_found_by_asking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(containers, "_TIMEOUT", 120.0)
    assert ContainerDetector("auto").found(120) == ""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    assert ContainerDetector("auto").found(120) == ""
    docker.write_text("#!/bin/sh\nexit 0\n")
    assert ContainerDetector("auto").found(120) == "docker"
    assert ContainerDetector("docker").found(120) == "docker"
    assert ContainerDetector("podman").found(120) == ""
    assert ContainerDetector("none").found(120) == ""


def fake_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return docker


def test_a_check_never_waits_for_a_container_engine_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    fake_docker(tmp_path, monkeypatch, f"echo asked >> {tmp_path}/asked; {waits}")
    monkeypatch.setattr(containers, "_TIMEOUT", 600.0)
    monkeypatch.setattr(containers, "_FRESH", {True: 600.0, False: 0.0})
    detector = ContainerDetector("docker")
    detector.start()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(detector.found, 600.0)
        assert detector.found(0.1) == ""
        assert not first.done()
        (tmp_path / "go").touch()
        assert first.result(120) == "docker"
    assert [detector.found(0.0) for _ in range(100)] == ["docker"] * 100
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_container_engine_that_hangs_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_docker(tmp_path, monkeypatch, "exec sleep 600")
    monkeypatch.setattr(containers, "_TIMEOUT", 0.3)
    began = time.monotonic()
    assert ContainerDetector("docker").found() == ""
    assert time.monotonic() - began < 200


def test_a_container_engine_that_comes_later_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = fake_docker(tmp_path, monkeypatch, "exit 1")
    monkeypatch.setattr(containers, "_FRESH", {True: 60.0, False: 0.0})
    detector = ContainerDetector("docker")
    assert detector.found() == ""
    docker.write_text("#!/bin/sh\nexit 0\n")
    deadline = time.monotonic() + 60
    while detector.found() != "docker" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert detector.found() == "docker"


def test_a_workspace_that_cannot_be_written_is_a_temporary_fault(bench: Bench) -> None:
    plan = bench.plan(shell("true"))
    plan.workspace.rmdir()
    plan.workspace.write_text("not a folder")
    with pytest.raises(EngineUnavailable, match="cannot be written"):
        bench.engine.submit(plan)


def test_a_home_that_cannot_be_written_is_a_temporary_fault(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    engine = LocalEngine("local", Settings(), blocked / "home")
    with pytest.raises(EngineUnavailable, match="cannot write to its folder"):
        engine.start()


def test_a_constructor_has_no_effects(tmp_path: Path) -> None:
    LocalEngine("local", Settings(), tmp_path / "home")
    assert os.listdir(tmp_path) == []


def test_outputs_that_are_gone_are_lost(bench: Bench) -> None:
    with pytest.raises(RunLost):
        bench.engine.outputs(RunRef("local", "x", "x", {"workspace": str(bench.folder / "nowhere")}))
