"""Steps out of task logs."""

from __future__ import annotations

from pygeoapi_oapip.engines.wes.api import RunLog, Task
from pygeoapi_oapip.engines.wes.progress import progress_of
from pygeoapi_oapip.engines.wes.quirks import STANDARD, TOIL
from pygeoapi_oapip.model.json import JSONObject

DOCUMENT: JSONObject = {
    "$graph": [{"id": "#tool", "class": "CommandLineTool"}, {"id": "#main", "steps": {"one": {}, "two": {}}}]
}


def run_log(*tasks: tuple[str, int | None]) -> RunLog:
    rows = tuple(Task(name, code, None, None, "") for name, code in tasks)
    return RunLog("RUNNING", None, "", "", rows, "", {}, None, True)


def test_tasks_of_toil_are_steps_without_its_own_jobs() -> None:
    log = run_log(("main", 0), ("main.one.tool", 0), ("main._resolve", 0), ("main.two.tool", None))
    steps, progress = progress_of(log, DOCUMENT, TOIL)
    assert [(step["name"], step["state"]) for step in steps] == [("one", "succeeded"), ("two", "running")]
    assert progress == 49


def test_parts_of_a_scattered_step_are_one_step() -> None:
    log = run_log(("one", 0), ("one_2", None), ("one_3", 4))
    steps, _ = progress_of(log, DOCUMENT, STANDARD)
    assert [(step["name"], step["state"], step["exit_code"]) for step in steps] == [("one", "failed", 4)]


def test_a_run_without_tasks_has_no_steps() -> None:
    assert progress_of(run_log(), {"class": "CommandLineTool"}, STANDARD) == ([], 0)
    assert progress_of(run_log(), {"$graph": []}, STANDARD) == ([], 0)
