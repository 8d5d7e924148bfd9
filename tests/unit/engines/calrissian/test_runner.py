"""What is done in the pod before and after Calrissian, with a program in its place."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pygeoapi_oapip.engines.calrissian.inpod as inpod

RUNNER = Path(inpod.__file__).with_name("runner.py").read_text(encoding="utf-8")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def plan(tmp_path: Path) -> dict[str, Any]:
    out = tmp_path / "out"
    return {
        "out": str(out),
        "outdir": str(out / "outputs"),
        "tmp": str(tmp_path / "tmp"),
        "bring_in": [],
        "take_out": [],
        "retries": 0,
    }


def prepared(folder: Path, plan: dict[str, Any], program: str) -> list[str]:
    (folder / "runner.py").write_text(RUNNER, encoding="utf-8")
    (folder / "steps.py").write_text("import json, os, sys\nplan = json.load(open(sys.argv[1]))\n" + program)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return [sys.executable, str(folder / "runner.py"), str(folder / "plan.json")]


@pytest.fixture
def run(tmp_path: Path, plan: dict[str, Any]) -> Run:
    def start(program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            prepared(tmp_path, plan, program), capture_output=True, text=True, check=False, timeout=60
        )

    return start


def report(plan: dict[str, Any]) -> Any:
    return json.loads((Path(plan["out"]) / "run" / "exit.json").read_text())


def test_outputs_have_places_below_the_folder_of_outputs(run: Run, plan: dict[str, Any]) -> None:
    program = """
os.mkdir(plan["outdir"] + "/d"); open(plan["outdir"] + "/d/a b.txt", "w").write("x")
url = "file://" + plan["outdir"] + "/d/a%20b.txt"
row = {"class": "File", "location": url, "path": "/p", "dirname": "/"}
print(json.dumps({"f": [row], "n": 1, "far": {"class": "File", "location": "s3://b/x"}}))
"""
    assert run(program).returncode == 0
    found = report(plan)
    assert found["outputs"] == {
        "f": [{"class": "File", "location": "d/a b.txt"}],
        "n": 1,
        "far": {"class": "File", "location": "s3://b/x"},
    }
    assert found["exit_code"] == 0 and found["started"] <= found["finished"]


def test_results_can_be_read_and_removed_by_the_server(run: Run, plan: dict[str, Any]) -> None:
    program = """
os.mkdir(plan["outdir"] + "/d", 0o700); open(plan["outdir"] + "/d/x", "w").close()
os.chmod(plan["outdir"] + "/d/x", 0o400); print("{}")
"""
    run(program)
    folder = Path(plan["outdir"]) / "d"
    assert folder.stat().st_mode & 0o777 == 0o777 and (folder / "x").stat().st_mode & 0o777 == 0o666


def test_scratch_space_is_gone_at_the_end(run: Run, plan: dict[str, Any]) -> None:
    run("open(plan['tmp'] + '/left', 'w').close(); sys.exit(1)")
    assert not Path(plan["tmp"]).exists()


def test_a_failure_has_its_code_and_a_log_with_times(run: Run, plan: dict[str, Any]) -> None:
    done = run("print('{}'); sys.stderr.write('so sorry\\n'); sys.exit(33)")
    assert done.returncode == 33 and "so sorry" in done.stderr
    assert report(plan)["exit_code"] == 33 and report(plan)["outputs"] is None
    log = (Path(plan["out"]) / "logs" / "leader.log").read_text()
    assert log.startswith("20") and log.endswith(" so sorry\n")


@pytest.mark.parametrize("said", ["", "{", "[]", "null"])
def test_a_success_without_an_output_object_has_no_outputs(run: Run, plan: dict[str, Any], said: str) -> None:
    assert run(f"print({said!r})").returncode == 0
    assert report(plan)["outputs"] is None


def test_files_are_brought_in_and_taken_out(run: Run, plan: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "x.txt").write_text("given")
    work = tmp_path / "work"
    plan["bring_in"] = [[str(tmp_path / "in"), str(work / "inputs")]]
    plan["take_out"] = [[str(work / "outputs"), str(Path(plan["out"]) / "outputs")]]
    plan["outdir"] = str(work / "outputs")
    run("import shutil; shutil.copy(plan['bring_in'][0][1] + '/deep/x.txt', plan['outdir']); print('{}')")
    assert (Path(plan["out"]) / "outputs" / "x.txt").read_text() == "given"


def test_a_volume_that_lacks_the_inputs_is_a_failure_with_its_cause(run: Run, plan: dict[str, Any]) -> None:
    plan["bring_in"] = [["/no/such/folder", str(Path(plan["out"]) / "x")]]
    assert run("print('{}')").returncode == 1
    assert report(plan)["message"].startswith("The job's volume cannot be used: ")


def test_a_second_pod_does_not_run_what_has_ended(run: Run, plan: dict[str, Any]) -> None:
    plan["retries"] = 5
    run("print('{}'); sys.exit(7)")
    before = report(plan)
    assert run("print('{}')").returncode == 7
    assert report(plan) == before


def test_a_second_pod_runs_nothing_unless_it_is_allowed(tmp_path: Path, run: Run, plan: dict[str, Any]) -> None:
    (Path(plan["out"]) / "run").mkdir(parents=True)
    (Path(plan["out"]) / "run" / "tries.json").write_text('{"tries": 1}')
    assert run(f"open({str(tmp_path / 'ran')!r}, 'w')").returncode == 1
    assert "ended from outside" in report(plan)["message"] and not (tmp_path / "ran").exists()


def test_an_end_from_outside_leaves_no_report(tmp_path: Path, plan: dict[str, Any]) -> None:
    program = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
print("{}"); open(plan["out"] + "/run/here", "w").close(); time.sleep(600)
"""
    with subprocess.Popen(prepared(tmp_path, plan, program), stderr=subprocess.DEVNULL) as pod:
        deadline = time.monotonic() + 120
        while not (Path(plan["out"]) / "run" / "here").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        pod.send_signal(signal.SIGTERM)
        assert pod.wait(120) == 143
    assert not (Path(plan["out"]) / "run" / "exit.json").exists()


def test_calrissian_that_was_killed_is_the_cause(run: Run, plan: dict[str, Any]) -> None:
    run("import signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "OOMKilled" in report(plan)["message"] and report(plan)["outputs"] is None


def test_a_full_volume_is_the_cause(tmp_path: Path, run: Run, plan: dict[str, Any]) -> None:
    # the disk says that it is full; no disk has to be filled
    full = RUNNER.replace(
        "space = os.statvfs", 'space = type("Full", (), {"f_bavail": 0, "f_frsize": 1})\n        os.statvfs'
    )
    assert full != RUNNER
    arguments = prepared(tmp_path, plan, "sys.exit(1)")
    (tmp_path / "runner.py").write_text(full, encoding="utf-8")
    subprocess.run(arguments, capture_output=True, check=False, timeout=600)
    assert report(plan)["message"] == "The job's volume is full (No space left on device)."


def test_room_for_the_report_is_kept_until_the_end(run: Run, plan: dict[str, Any]) -> None:
    run("assert os.path.getsize(plan['out'] + '/run/reserve') == 65536; print('{}')")
    assert report(plan)["exit_code"] == 0
    assert not (Path(plan["out"]) / "run" / "reserve").exists()


def test_a_report_that_cannot_be_written_is_told_to_the_cluster(tmp_path: Path, plan: dict[str, Any]) -> None:
    (Path(plan["out"]) / "run" / "exit.json.part").mkdir(parents=True)
    arguments = prepared(tmp_path, plan, "print('{}')")
    words = tmp_path / "words"
    code = RUNNER.replace("/dev/termination-log", str(words))
    (tmp_path / "runner.py").write_text(code, encoding="utf-8")
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=600)
    assert words.read_text().startswith("The job's volume cannot be used: ") and "Traceback" not in done.stderr
