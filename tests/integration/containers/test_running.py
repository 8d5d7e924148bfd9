"""Tools run in real containers: files go in and out, failures have their cause, nothing is left behind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.settings import LocalEngine as Settings

from ...unit.engines.local.conftest import Bench, shell
from .daemon import IMAGE, Daemon


def contained(command: str, image: str = IMAGE, kind: str = "requirements", **more: Any) -> dict[str, Any]:
    return shell(command, **{kind: {"DockerRequirement": {"dockerPull": image}}, **more})


@pytest.mark.parametrize("kind", ["requirements", "hints"])
def test_files_go_into_a_container_and_out_of_it(bench: Bench, daemon: Daemon, kind: str) -> None:
    given = bench.folder / f"{kind}.txt"
    given.write_text("given\n")
    tool = contained("cat $0 /etc/made-of-busybox", kind=kind, stdout="out.txt", outputs={"out": "stdout"})
    tool["inputs"] = {"text": {"type": "File", "inputBinding": {}}}
    plan = bench.plan(
        tool, {"text": {"class": "File", "location": given.as_uri()}}, requires_container=kind == "requirements"
    )
    bench.engine.check(plan)
    run = bench.engine.submit(plan)
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}"
    assert (bench.workspace(run) / "outputs" / "out.txt").read_text() == "given\nin the container\n"
    assert "Pulling" not in bench.log(run) and daemon.containers() == []


def test_a_short_tool_takes_not_much_more_than_the_container(bench: Bench, daemon: Daemon) -> None:
    # the best of four: a machine may stall for a moment, the engine may not
    reports = [bench.run(contained("true")) for _ in range(4)]
    assert {report.state for report in reports} == {RunState.SUCCEEDED}
    bare = []
    for _ in range(4):
        began = time.monotonic()
        daemon.docker("run", "--rm", "--net=none", IMAGE, "true")
        bare.append(time.monotonic() - began)
    print(f"bare {min(bare):.2f} s, as a job {min(report.usage['wall_seconds'] for report in reports):.2f} s")
    assert min(report.usage["wall_seconds"] for report in reports) < 3 + 5 * min(bare)


def test_a_failure_in_a_container_has_its_code_and_words(bench: Bench, daemon: Daemon) -> None:
    report = bench.run(contained("echo so sorry >&2; exit 42"))
    assert report.state is RunState.FAILED
    assert report.message == "The tool ended with exit code 42:\nso sorry"
    assert daemon.containers() == []


@pytest.mark.parametrize("kind", ["requirements", "hints"])
def test_an_image_that_is_not_there_is_the_cause(bench: Bench, kind: str) -> None:
    report = bench.run(contained("true", "127.0.0.1:9/no/such:image", kind))
    assert report.state is RunState.FAILED
    assert report.message.startswith("The container image 127.0.0.1:9/no/such:image is not available: Error response")
    assert "refused" in report.message and "\n" not in report.message


@pytest.mark.parametrize("field", ["dockerLoad", "dockerImport"])
def test_an_image_is_not_read_from_an_address(bench: Bench, field: str) -> None:
    tool = contained("true")
    tool["requirements"]["DockerRequirement"] = {field: "http://192.0.2.1/image.tar", "dockerImageId": "mine"}
    report = bench.run(tool)
    assert report.state is RunState.FAILED
    assert report.message == f"{field} of DockerRequirement is not supported; use dockerPull."


def running(bench: Bench, daemon: Daemon, tool: dict[str, Any]) -> Any:
    run = bench.submit(tool)
    bench.until(run, lambda report: report.ended or "ready" in bench.log(run).splitlines())
    assert len(daemon.containers()) == 1, bench.report(run).message
    return run


def test_a_dismissed_container_is_gone(bench: Bench, daemon: Daemon) -> None:
    run = running(bench, daemon, contained("trap '' TERM; echo ready >&2; sleep 600; sleep 600"))
    began = time.monotonic()
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    assert daemon.containers() == []
    assert time.monotonic() - began < 200


def test_the_container_of_a_killed_runner_is_gone(bench: Bench, daemon: Daemon, kill: Any) -> None:
    run = running(bench, daemon, contained("echo ready >&2; sleep 600"))
    kill(bench.running(run))
    assert bench.end(run).state is RunState.LOST
    deadline = time.monotonic() + 120
    while daemon.containers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert daemon.containers() == []


def test_a_tool_time_limit_ends_a_container_that_ignores_it(bench: Bench, daemon: Daemon) -> None:
    tool = contained("trap '' TERM; sleep 600; sleep 600")
    tool["requirements"]["ToolTimeLimit"] = {"timelimit": 1}
    report = bench.run(tool)
    assert report.state is RunState.FAILED and "time limit of 1 seconds" in report.message
    assert daemon.containers() == []


def test_the_time_limit_of_the_engine_ends_a_container(bench: Bench, daemon: Daemon) -> None:
    limited = Bench(bench.folder, bench.home, containers="docker", workers=2, cores=2, time_limit=2.0, stop_grace=0.2)
    report = limited.run(contained("trap '' TERM; sleep 600; sleep 600"))
    assert report.message == "The job exceeded the time limit of 2 seconds."
    assert daemon.containers() == []
    limited.engine.close()


def test_a_step_that_fails_beside_others_leaves_no_container(bench: Bench, daemon: Daemon) -> None:
    parallel = Bench(bench.folder, bench.home, containers="docker", workers=2, cores=2, parallel_steps=True)
    steps = {
        name: {"run": {k: v for k, v in contained(command).items() if k != "cwlVersion"}, "in": {}, "out": []}
        for name, command in (("short", "sleep 1; exit 3"), ("long", "sleep 3"))
    }
    document = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": {}, "outputs": {}, "steps": steps}
    report = parallel.run(document)
    assert report.state is RunState.FAILED and "exit code 3" in report.message
    assert daemon.containers() == []
    parallel.engine.close()


def test_without_containers_a_needed_one_is_refused(daemon: Daemon, bench: Bench, tmp_path: Path) -> None:
    engine = LocalEngine("local", Settings(containers="none"), tmp_path)
    with pytest.raises(PlanRejected, match="DockerRequirement.*no container engine"):
        engine.check(bench.plan(contained("true"), requires_container=True))


def test_a_document_of_version_1_0_runs_in_a_container(bench: Bench) -> None:
    report = bench.run(contained("true") | {"cwlVersion": "v1.0"})
    assert report.state is RunState.SUCCEEDED, report.message
