"""Steps run in real containers, on Slurm and without it; Toil's server runs the runs itself (`--bypass_celery`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pygeoapi_oapip.model.run import RunState
from tests.integration.containers.conftest import daemon
from tests.integration.containers.daemon import IMAGE, Daemon

from .conftest import start_toil
from .engine_bench import EngineBench, wes_settings
from .packages import Document, Sample, bound, file, shell
from .slurm import Slurm
from .toil import ToilServer

__all__ = ["daemon"]


@pytest.fixture(scope="module")
def toil_with_docker(daemon: Daemon, slurm: Slurm) -> Iterator[ToilServer]:
    server = start_toil(celery=False, environment={**slurm.environment, "DOCKER_HOST": daemon.host})
    yield server
    server.remove()


@pytest.fixture(scope="module", params=["single_machine", "slurm"])
def bench(
    request: pytest.FixtureRequest, toil_with_docker: ToilServer, tmp_path_factory: pytest.TempPathFactory
) -> EngineBench:
    block = wes_settings(toil_with_docker, batch_system=request.param)
    return EngineBench(tmp_path_factory.mktemp("containers") / request.param, block)


def contained(command: str, image: str = IMAGE, **more: Any) -> Document:
    return shell(command, requirements={"DockerRequirement": {"dockerPull": image}}, **more)


def test_steps_run_in_containers_and_fail_with_their_cause(bench: EngineBench, daemon: Daemon) -> None:
    given = contained(
        "cat $0 /etc/made-of-busybox", inputs={"text": bound("File")}, stdout="out.txt", outputs={"out": "stdout"}
    )
    plans = {
        "good": bench.plan(Sample(given, lambda folder: {"text": file(folder, "in.txt", "given\n")})),
        "bad": bench.plan(Sample(contained("echo sorry >&2; exit 42"))),
        "missing": bench.plan(Sample(contained("true", "127.0.0.1:9/no/such:image"))),
    }
    runs = {name: bench.engine.submit(plan) for name, plan in plans.items()}
    reports = {name: bench.end(run) for name, run in runs.items()}
    assert reports["good"].state is RunState.SUCCEEDED, f"{reports['good'].message}\n{bench.log(runs['good'])}"
    assert bench.results(plans["good"], runs["good"])["out"]["text"] == "given\nin the container\n"
    assert reports["bad"].state is RunState.FAILED
    assert "42" in reports["bad"].message and "sorry" in reports["bad"].message
    assert reports["missing"].state is RunState.FAILED
    assert "127.0.0.1:9/no/such:image" in reports["missing"].message
    assert daemon.containers() == []
