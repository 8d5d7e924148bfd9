from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian import reports
from pygeoapi_oapip.engines.calrissian.folder import JobFolder
from pygeoapi_oapip.engines.calrissian.joblog import read_logs
from pygeoapi_oapip.model.run import RunState

from .conftest import folder_of

AT = "2026-11-22T14:00:0%d+00:00"


def event(kind: str, step: str, second: int = 0, **more: Any) -> dict[str, Any]:
    return {"event": kind, "step": step, "time": AT % second, **more}


def told(folder: JobFolder, *events: dict[str, Any], **documents: Any) -> JobFolder:
    (folder.workspace / "run").mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in events)
    (folder.workspace / "run" / "events.jsonl").write_text(text, encoding="utf-8")
    for name, document in documents.items():
        (folder.workspace / "run" / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def log(folder: JobFolder, name: str, *lines: str) -> None:
    path = folder.workspace / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"2026-11-22T14:00:01.123456789Z {line}\n" for line in lines), encoding="utf-8")


EXIT = {"exit_code": 0, "started": AT % 0, "finished": AT % 9, "outputs": {}}


def test_a_success_has_its_times_steps_and_usage(tmp_path: Path) -> None:
    usage: dict[str, Any] = {"elapsed_seconds": 4, "total_cpu_hours": None, "total_tasks": 1, "children": []}
    steps = (event("wait", "a", 1), event("run", "a", 2), event("end", "a", 3, exit_code=0))
    report = reports.final(told(folder_of(tmp_path), *steps, exit=EXIT, usage=usage))
    assert report is not None and report.state is RunState.SUCCEEDED and report.progress == 100
    assert [(step.name, step.state, step.exit_code) for step in report.steps] == [("a", RunState.SUCCEEDED, 0)]
    assert report.usage == {"wall_seconds": 4.0, "tasks": 1.0}
    assert report.started is not None and report.finished is not None


def test_a_failure_names_step_code_reason_and_last_words(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    log(folder, "steps/second.log", "so", "sorry")
    steps = (event("end", "first", exit_code=0), event("end", "second", exit_code=137, reason="OOMKilled"))
    report = reports.final(told(folder, *steps, exit={**EXIT, "exit_code": 1, "outputs": None}))
    assert report is not None and report.state is RunState.FAILED
    assert report.message == "Step second: the tool ended with exit code 137 (OOMKilled):\nso\nsorry"


def test_a_failure_without_a_failed_step_has_the_words_of_calrissian(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    log(folder, "leader.log", "INFO all is well", "ERROR not any more", "because")
    report = reports.final(told(folder, exit={**EXIT, "exit_code": 1, "outputs": None}))
    assert report is not None
    assert report.message == "Calrissian could not run the package:\nERROR not any more\nbecause"


@pytest.mark.parametrize("exit_code", [0, 1])
def test_an_end_without_outputs_is_no_success(tmp_path: Path, exit_code: int) -> None:
    report = reports.final(told(folder_of(tmp_path), exit={**EXIT, "exit_code": exit_code, "outputs": None}))
    assert report is not None and report.state is RunState.FAILED


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"', "null"])
def test_a_report_that_is_still_written_is_none(tmp_path: Path, content: str) -> None:
    folder = told(folder_of(tmp_path))
    (folder.workspace / "run" / "exit.json").write_text(content, encoding="utf-8")
    assert reports.final(folder) is None


@pytest.mark.parametrize("row", ["{", "[]", '{"event": "end"}', '{"event": "end", "step": 3}', '{"step": "x"}'])
def test_events_that_make_no_sense_are_passed_over(tmp_path: Path, row: str) -> None:
    folder = told(folder_of(tmp_path))
    (folder.workspace / "run" / "events.jsonl").write_text(row + "\n", encoding="utf-8")
    assert reports.steps_of(folder.events()) == ()
    assert reports.going_on(folder, []).state in (RunState.QUEUED, RunState.RUNNING)


def test_a_run_that_goes_on_tells_what_runs_and_what_waits(tmp_path: Path) -> None:
    steps = (
        event("end", "a", exit_code=0),
        event("run", "b"),
        event("wait", "c", reason="Unschedulable: no node"),
    )
    report = reports.going_on(told(folder_of(tmp_path), *steps, planned={"steps": 4}), [])
    assert (report.state, report.progress) == (RunState.RUNNING, 25)
    assert report.message == "running b; c waits: Unschedulable: no node"


def test_a_run_whose_pod_waits_is_queued_and_says_why(tmp_path: Path) -> None:
    state = {"waiting": {"reason": "ErrImagePull", "message": "gone"}}
    pod = {"metadata": {}, "status": {"containerStatuses": [{"state": state}]}}
    report = reports.going_on(told(folder_of(tmp_path)), [pod])
    assert (report.state, report.message) == (RunState.QUEUED, "ErrImagePull: gone")


@pytest.mark.parametrize("status", [{}, {"conditions": None}, {"conditions": [{"type": "Failed", "status": "False"}]}])
def test_a_job_without_a_final_condition_goes_on(status: dict[str, Any]) -> None:
    assert reports.job_end({"metadata": {}, "status": status}) is None


def test_lines_of_all_logs_come_in_the_order_of_time(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder.workspace / "logs" / "steps").mkdir(parents=True)
    (folder.workspace / "logs" / "leader.log").write_text(
        "2026-11-22T14:00:00.5+00:00 INFO begins\n2026-11-22T14:00:02.000001+00:00 ERROR ends\nmore\n"
    )
    (folder.workspace / "logs" / "steps" / "a.log").write_text("2026-11-22T14:00:01.123456789Z hello\n")
    lines = list(read_logs(folder))
    assert [(line.source, line.level, line.text) for line in lines] == [
        ("", "INFO", "INFO begins"),
        ("a", "", "hello"),
        ("", "ERROR", "ERROR ends"),
        ("", "INFO", "more"),
    ]
