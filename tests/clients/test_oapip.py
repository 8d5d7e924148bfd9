"""The `oapip` commands and a real server, as a user has them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.testing.live_server import LiveServer

PACKAGES = Path(__file__).parents[2] / "pygeoapi_oapip" / "cli" / "examples" / "packages"
SLEEP = """\
cwlVersion: v1.2
class: CommandLineTool
id: doze
baseCommand: [sh, -c]
arguments: ["set -e; echo begun >&2; sleep $0; echo done > out.txt", $(inputs.seconds)]
inputs: {seconds: int}
outputs: {out: {type: File, outputBinding: {glob: out.txt}}}
"""


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("oapip")
    with LiveServer(folder, {"staging": {"allow_files": [str(folder)]}}) as live:
        yield live
    until(lambda: not live.processes(), "a process outlived the server")


def oapip(server: LiveServer, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, arguments, env={"OAPIP_SERVER": server.url})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def doze(server: LiveServer) -> str:
    path = server.home / "doze.cwl"
    path.write_text(SLEEP)
    oapip(server, "deploy", str(path))
    return "doze"


def test_a_package_goes_the_whole_way(server: LiveServer) -> None:
    package = str(PACKAGES / "count-words.cwl")
    assert "count-words 1.0.0 deployed" in oapip(server, "deploy", package).stdout
    assert "Duplicated process (409)" in oapip(server, "deploy", package, code=1).stderr
    assert "replaced" in oapip(server, "deploy", package, "--replace").stdout
    assert "count-words" in oapip(server, "processes").stdout
    assert "text: string" in oapip(server, "describe", "count-words").stdout
    results = oapip(server, "execute", "count-words", "-i", "text=one two three", "--wait").stdout
    assert json.loads(results) == {"words": 3}
    results = oapip(server, "execute", "count-words", "-i", "text=one", "--sync").stdout
    assert json.loads(results) == {"words": 1}
    oapip(server, "undeploy", "count-words")
    assert "No such process (404)" in oapip(server, "describe", "count-words", code=1).stderr


def test_a_package_may_get_another_id(server: LiveServer) -> None:
    oapip(server, "deploy", str(PACKAGES / "count-words.cwl"), "--id", "another")
    assert json.loads(oapip(server, "execute", "another", "-i", "text=a b", "--wait").stdout) == {"words": 2}


def test_a_document_is_packed_with_those_it_refers_to(server: LiveServer) -> None:
    (server.home / "flow.cwl").write_text(
        "cwlVersion: v1.2\nclass: Workflow\nid: flow\ninputs: {seconds: int}\n"
        "outputs: {out: {type: File, outputSource: step/out}}\n"
        "steps: {step: {run: doze-part.cwl, in: {seconds: seconds}, out: [out]}}\n"
    )
    (server.home / "doze-part.cwl").write_text(SLEEP)
    oapip(server, "deploy", str(server.home / "flow.cwl"), "--id", "flow")
    folder = server.home / "flow-out"
    oapip(server, "execute", "flow", "-i", "seconds=0", "--outdir", str(folder))
    assert (folder / "out.txt").read_text() == "done\n"


def test_a_failing_job_is_exit_code_1(server: LiveServer, doze: str) -> None:
    assert "failed" in oapip(server, "execute", doze, "-i", "seconds=-1", "--wait", code=1).stderr


def test_a_job_is_watched_logged_and_its_files_fetched(server: LiveServer, doze: str) -> None:
    job = oapip(server, "execute", doze, "-i", "seconds=1").stdout.strip()
    assert "begun" in oapip(server, "logs", "-f", job).stdout
    assert "successful" in oapip(server, "status", "--watch", job).stdout
    folder = server.home / "fetched"
    oapip(server, "results", job, "--outdir", str(folder))
    assert (folder / "out.txt").read_text() == "done\n"
    assert job in oapip(server, "jobs", "--process", doze, "--status", "successful").stdout


def test_a_dismissed_job_stops(server: LiveServer, doze: str) -> None:
    job = oapip(server, "execute", doze, "-i", "seconds=600").stdout.strip()
    assert oapip(server, "dismiss", job).stdout == f"{job} dismissed\n"
    assert "dismissed" in oapip(server, "status", "--watch", job, code=1).stdout


def test_the_cwl_runner_gives_local_files_and_gets_outputs(server: LiveServer) -> None:
    (server.home / "a.txt").write_text("content\n")
    (server.home / "cat.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: cat\nstdout: copy.txt\noutputs: {out: stdout}\n"
        "inputs: {file: {type: File, inputBinding: {}}}\n"
    )
    (server.home / "job.yml").write_text("file: {class: File, path: a.txt}\n")
    arguments = ["--quiet", "--outdir", str(server.home / "o"), *(str(server.home / n) for n in ("cat.cwl", "job.yml"))]
    output = json.loads(oapip(server, "cwl-runner", *arguments).stdout)
    assert (output["out"]["basename"], output["out"]["size"]) == ("copy.txt", 8)
    assert Path(output["out"]["path"]).read_text() == "content\n"


def test_a_killed_worker_is_replaced_and_no_job_is_lost(server: LiveServer, doze: str) -> None:
    job = oapip(server, "execute", doze, "-i", "seconds=2").stdout.strip()
    [worker] = [pid for pid, command in server.processes().items() if "cli worker" in command]
    os.kill(worker, signal.SIGKILL)
    assert "successful" in oapip(server, "status", "--watch", job).stdout
    told = "worker process was ended by signal 9; starting it again"
    until(lambda: told in server.output(), "the end of the worker is not told")


def test_killed_web_processes_are_replaced(server: LiveServer) -> None:
    for pid in [pid for pid, command in server.processes().items() if "cli.web" in command]:
        os.kill(pid, signal.SIGKILL)
    environment = {"OAPIP_SERVER": server.url}
    until(lambda: CliRunner().invoke(main, ["processes"], env=environment).exit_code == 0, "no web process answers")


def test_a_second_server_at_the_same_address_says_so(server: LiveServer) -> None:
    bind = server.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    result = CliRunner().invoke(main, ["serve", "--config", str(server.configuration), "--bind", bind])
    assert result.exit_code == 1
    assert "is in use" in result.stderr


def test_jobs_outlive_a_restart(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "home")
    server.start()
    (tmp_path / "doze.cwl").write_text(SLEEP)
    oapip(server, "deploy", str(tmp_path / "doze.cwl"))
    job = oapip(server, "execute", "doze", "-i", "seconds=5").stdout.strip()
    assert server.stop() == 0
    server.start()
    try:
        assert "successful" in oapip(server, "status", "--watch", job).stdout
    finally:
        server.stop()
