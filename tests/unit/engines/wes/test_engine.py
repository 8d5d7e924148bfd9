"""Runs through the engine: what is refused, what is shown, and what is kept."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.base import Examined
from pygeoapi_oapip.engines.wes.engine import WesEngine
from pygeoapi_oapip.errors import PlanRejected, RunLost
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import NO_PACKAGE, Package
from pygeoapi_oapip.model.run import RunRef, RunState
from pygeoapi_oapip.model.value import FileOutput
from pygeoapi_oapip.packages.remote import read_remote
from pygeoapi_oapip.settings import WesEngine as Settings
from pygeoapi_oapip.testing.wes_server import WesServer, basic

from .conftest import PATIENCE, Desk, tool

WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "inputs": {},
    "outputs": {"said": {"type": "File", "outputSource": "two/said"}},
    "steps": {
        "one": {"run": {**tool("echo one")}, "in": {}, "out": ["said"]},
        "two": {
            "run": {
                **tool('cat "$1"; echo broken >&2; exit "$2"'),
                "inputs": {
                    "f": {"type": "File", "inputBinding": {"position": 1}},
                    "code": {"type": "int", "inputBinding": {"position": 2}},
                },
            },
            "in": {"f": "one/said", "code": {"default": 0}},
            "out": ["said"],
        },
    },
}


def test_making_an_engine_asks_nobody(server: WesServer, tmp_path: Path) -> None:
    engine = WesEngine("hpc", Settings(url=server.url), tmp_path / "home")
    assert isinstance(engine, Examined)
    assert server.requests == [] and not (tmp_path / "home").exists()


def test_inputs_reach_the_tool_and_outputs_come_back(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.txt").write_text("content")
    document = tool(
        'cat "$1"/*; cat "$2"',
        inputs={
            "d": {"type": "Directory", "inputBinding": {"position": 1}},
            "f": {"type": "File", "inputBinding": {"position": 2}},
        },
    )
    (tmp_path / "in" / "a_b.txt").write_text("folder ")
    (tmp_path / "in" / "a b.txt").unlink()
    (tmp_path / "file").write_text("file")
    order = {
        "d": {"class": "Directory", "location": (tmp_path / "in").as_uri()},
        "f": {"class": "File", "location": (tmp_path / "file").as_uri()},
    }
    run = desk.submit(document, order)
    desk.success(run)
    said = desk.engine.outputs(run)["said"]
    assert isinstance(said, FileOutput)
    assert (said.name, said.media_type, said.size) == ("said.txt", "text/plain", 11)
    assert (tmp_path / run.job_id / said.href).read_text() == "folder file"


def test_steps_are_reported(desk: Desk) -> None:
    run = desk.submit(WORKFLOW)
    report = desk.success(run)
    assert {step.name: (step.state, step.exit_code) for step in report.steps} == {
        "one": (RunState.SUCCEEDED, 0),
        "two": (RunState.SUCCEEDED, 0),
    }


def test_a_failure_names_the_step_its_exit_code_and_its_last_words(desk: Desk) -> None:
    document = json.loads(json.dumps(WORKFLOW))
    document["steps"]["two"]["in"]["code"]["default"] = 3
    run = desk.submit(document)
    report = desk.end(run)
    assert report.state is RunState.FAILED
    assert "two" in report.message and "ended with exit code 3" in report.message and "broken" in report.message
    assert str(desk.server.folder) not in report.message
    assert "broken" in desk.log(run)


def test_a_run_that_the_server_refuses_fails_with_its_words(desk: Desk, server: WesServer) -> None:
    server.versions = ["v1.0"]
    run = desk.submit()
    report = desk.end(run)
    assert report.state is RunState.FAILED
    assert "(400)" in report.message and "workflow_type_version is not supported" in report.message
    assert server.runs == {}


def test_versions_that_the_server_does_not_run_are_refused_before_there_is_a_job(desk: Desk, server: WesServer) -> None:
    server.versions = ["v1.0"]
    assert desk.engine.health(PATIENCE).ok
    with pytest.raises(PlanRejected, match=r"CWL v1\.2; .* runs v1\.0"):
        desk.engine.check(desk.plan())


def test_a_server_that_is_not_known_yet_refuses_nothing(desk: Desk) -> None:
    desk.open(url="http://127.0.0.1:1")
    desk.engine.check(desk.plan())


REMOTE = read_remote({"id": "p", "outputs": {}}, "http://example.org/processes/p").package


@pytest.mark.parametrize("package", [NO_PACKAGE, REMOTE])
def test_what_is_no_cwl_is_refused(desk: Desk, package: Package, tmp_path: Path) -> None:
    plan = Plan("j", "p", package, {}, tmp_path, "eve")
    with pytest.raises(PlanRejected):
        desk.engine.check(plan)
    with pytest.raises(PlanRejected):
        desk.engine.submit(plan)


def test_at_most_so_many_runs_at_once(desk: Desk, server: WesServer) -> None:
    desk.open(max_running=1)
    first = desk.submit(tool("sleep 600"))
    desk.until(first, lambda report: report.state is RunState.RUNNING)
    second = desk.submit()
    waiting = desk.until(second, lambda report: bool(report.message))
    assert waiting.state is RunState.QUEUED and "max_running" in waiting.message
    other = desk.open(max_running=1)
    assert other.poll([second])[second.job_id].state is RunState.QUEUED
    assert server.of_job(second.job_id) == []
    desk.engine.cancel(first)
    desk.end(first)
    desk.success(second)


def test_the_place_of_a_job_that_ended_in_a_crash_is_free_again(desk: Desk) -> None:
    desk.open(max_running=1)
    gone = desk.folder / "home" / "running" / "gone"
    gone.parent.mkdir(parents=True)
    gone.write_text(str(desk.folder / "gone"))
    desk.success(desk.submit())


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_secrets_are_sent_and_kept_nowhere(
    desk: Desk, server: WesServer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WES_SECRET", "tope-secret")
    secret = {"env": "WES_SECRET"}
    if kind == "basic":
        server.credentials = basic("eve", "tope-secret")
        desk.open(username="eve", password=secret)
    else:
        server.credentials = "Bearer tope-secret"
        desk.open(token=secret)
    run = desk.submit(tool("echo x; exit 1"))
    desk.end(run)
    desk.success(desk.submit())
    assert "tope-secret" not in repr(desk.engine.settings) + desk.log(run) + repr(run)
    kept = b"".join(path.read_bytes() for path in desk.folder.rglob("*") if path.is_file())
    assert b"tope-secret" not in kept
    assert not any("tope-secret" in str(there.request) for there in server.runs.values())


def test_wrong_credentials_are_said_and_waited_for(desk: Desk, server: WesServer) -> None:
    server.credentials = "Bearer other"
    run = desk.submit()
    report = desk.until(run, lambda report: bool(report.message))
    assert report.state is RunState.QUEUED and "refuses the credentials (401)" in report.message
    server.credentials = ""
    desk.success(run)


def test_logs_are_there_while_the_run_goes_on_and_after_the_server_is_gone(desk: Desk, server: WesServer) -> None:
    run = desk.submit(tool("echo hello >&2; sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    deadline = time.monotonic() + PATIENCE
    while "hello" not in desk.log(run):
        assert time.monotonic() < deadline
    desk.engine.cancel(run)
    desk.end(run)
    desk.open(url="http://127.0.0.1:1")
    assert "hello" in desk.log(run)


def test_the_log_of_a_server_that_is_away_says_so(desk: Desk) -> None:
    run = desk.submit(tool("sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    desk.engine.close()
    desk.open(url="http://127.0.0.1:1")
    assert "cannot be read now" in desk.log(run)


def test_a_run_without_its_folder_is_lost(desk: Desk) -> None:
    stranger = RunRef("hpc", "j", "j", {"workspace": str(desk.folder / "nowhere")})
    assert desk.engine.poll([stranger]) == {}
    assert list(desk.engine.logs(stranger)) == []
    with pytest.raises(RunLost):
        desk.engine.outputs(stranger)
    desk.engine.cancel(stranger)
    desk.engine.forget(stranger)


def test_an_output_that_is_in_no_mapped_folder_names_the_setting(desk: Desk) -> None:
    desk.open(outputs={})
    report = desk.end(desk.submit())
    assert report.state is RunState.FAILED and "`outputs`" in report.message


def test_an_input_that_is_gone_is_waited_for(desk: Desk, tmp_path: Path) -> None:
    document = tool('cat "$1"', inputs={"f": {"type": "File", "inputBinding": {}}})
    run = desk.submit(document, {"f": {"class": "File", "location": (tmp_path / "late").as_uri()}})
    time.sleep(0.5)
    assert not desk.report(run).ended
    (tmp_path / "late").write_text("x")
    desk.success(run)
