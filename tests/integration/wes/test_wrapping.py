"""Wrapped packages on Toil, and on Slurm below it: stage steps are part of the run, and keys are in a file there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.traces import left_with
from tests.integration.eoepca.shapes import SHAPES, app, arg, expect, package, run
from tests.integration.eoepca.stage_tools import write_tools

from ..long import long
from .conftest import start_toil
from .engine_bench import wes_settings
from .packages import bound, found, shell
from .serving import deploy, ended, log, server
from .slurm import Slurm
from .toil import ToilServer

SECRET = "kept-from-all-7c2e"
_SHAPES = (
    "nested",
    "many",
    "both",
    *(pytest.param(name, marks=long) for name in ("two", "missing", "values")),
)
"""Arrays of arrays, several Directories, File and Directory; two Directories out, no values, and plain values."""
_TOOL = shell(
    "mkdir out; cat $0/* > out/all.txt",
    inputs={"item": bound("Directory"), "more": {"type": "Directory[]?"}, "flag": {"type": "boolean", "default": True}},
    outputs={"out": found("Directory", "out"), "none": found("File?", "none")},
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the administrator of the cluster puts there."""
    file = tmp_path_factory.mktemp("cluster") / "keys.json"
    file.write_text(json.dumps({"STAGEOUT_AWS_SECRET_ACCESS_KEY": SECRET}))
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def toil_alone() -> Iterator[ToilServer]:
    toil = start_toil(celery=False)
    yield toil
    toil.remove()


@pytest.fixture(scope="module")
def live(toil_alone: ToilServer, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("wrapped")
    wrap = {**write_tools(home / "tools", SECRET), "secret_files": {"hpc": str(keys)}}
    limits = {"check_references": False}
    with server(home / "server", wes_settings(toil_alone), staging={"wrap": wrap}, limits=limits) as live:
        deploy(live, _TOOL, "wrapped")
        yield live


@pytest.mark.slow
def test_wrapped_package_runs_on_toil(live: LiveServer, toil_alone: ToilServer) -> None:
    address = "https://data.example/scene"
    job = live.submit("wrapped", {"item": {"href": address}, "flag": False})
    end = ended(live, job, 900.0)
    assert end["status"] == "successful", f"{end['message']}\n{log(live, job)[-3000:]}"
    results = live.get(f"/jobs/{job}/results", headers={"Accept": "application/json"}).json()
    assert set(results) == {"out"}
    place = Path(urlsplit(results["out"]["value"]["href"]).path)
    assert (place / "all.txt").read_text() == f"{address}\n"
    assert left_with(live.home, SECRET) == []
    assert SECRET not in log(live, job)
    assert left_with(toil_alone.work, SECRET) == []


@pytest.fixture(scope="module")
def on_slurm(toil: ToilServer, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("on-slurm")
    wrap = {**write_tools(home / "tools", SECRET), "secret_files": {"hpc": str(keys)}}
    block = wes_settings(toil, batch_system="slurm")
    with server(home / "server", block, staging={"wrap": wrap}, limits={"check_references": False}) as live:
        yield live


@pytest.mark.slow
@pytest.mark.parametrize("name", _SHAPES)
def test_packages_of_usual_shapes_run_on_slurm(on_slurm: LiveServer, slurm: Slurm, name: str) -> None:
    before = set(slurm.history())
    _, results = run(on_slurm, package(name), SHAPES[name].given)
    expect(name, results)
    assert set(slurm.history()) - before
    assert left_with(on_slurm.home, SECRET) == []


@pytest.mark.slow
def test_tools_whose_secrets_nobody_can_give_are_refused_before_there_is_a_job(
    toil_alone: ToilServer, tmp_path: Path
) -> None:
    block, staging = wes_settings(toil_alone), {"wrap": write_tools(tmp_path / "tools", SECRET)}
    with server(tmp_path / "server", block, staging=staging, limits={"check_references": False}) as live:
        live.deploy(app("stores", "mkdir out", {"a": arg("Directory?")}, {"out": "Directory"}))
        live.deploy(app("fetches", "true", {"a": arg("Directory")}, {}))
        answer = live.post("/processes/stores/execution", json={"inputs": {}})
        assert answer.status_code == 400, answer.text
        detail = answer.json()["detail"]
        assert "STAGEOUT_AWS_SECRET_ACCESS_KEY" in detail and "hpc" in detail and "secret_files" in detail
        assert live.get("/jobs").json()["jobs"] == []
        asked = {"inputs": {"a": {"href": "https://data.example/scene"}}}
        fetched = live.post("/processes/fetches/execution", json=asked, headers={"Prefer": "respond-async"})
        assert fetched.status_code == 201, fetched.text
        live.dismiss(str(fetched.json()["jobID"]))
