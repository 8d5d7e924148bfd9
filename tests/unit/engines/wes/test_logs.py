"""Logs of Toil and of plain cwltool: their lines, and the cause of a failure."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from pygeoapi_oapip.engines.wes.api import Task
from pygeoapi_oapip.engines.wes.logs import cause_of, parse, path_hider, step_name
from pygeoapi_oapip.engines.wes.quirks import STANDARD, TOIL, Quirks

RUN = "run-c4278fa1"
HIDE = path_hider(RUN)
TOIL_FAILS = """\
[2026-11-22T13:45:54+0000] [MainThread] [I] [toil.cwl.cwltoil] Starting workflow
Log from job "kind-CWLJob/instance-nqn_d5b1" follows:
=========>
\t[2026-11-22T13:45:57+0000] [MainThread] [I] [cwltool] [job main.one.t] /tmp/toilwf-628f/b920/tmp-out1lt$ sh \\
\t    -c \\
\t    'echo step one'
\t[2026-11-22T13:45:59+0000] [MainThread] [I] [cwltool] [job main.one.t] completed success
\t[2026-11-22T13:45:59+0000] [MainThread] [W] [cwltool] [job main.two.u] exited with status: 3
\t[2026-11-22T13:45:59+0000] [MainThread] [W] [cwltool] [job main.two.u] completed permanentFail
\t[2026-11-22T13:45:59+0000] [MainThread] [E] [toil.cwl.cwltoil] Failed command standard error:
\tbroken
\tno file /scratch/toilwf-628f/b920/data.tif
\t
\t[2026-11-22T13:45:59+0000] [MainThread] [C] [toil.worker] Worker crashed with traceback:
\tTraceback (most recent call last):
\t  File "/opt/toil/lib/python3.11/site-packages/toil/worker.py", line 591, in workerScript
\t    job._runner(
\tcwl_utils.errors.WorkflowException: permanentFail
\t
\t[2026-11-22T13:45:59+0000] [MainThread] [E] [toil.worker] Exiting the worker because of a failed job on host vm
<=========
"""
TOIL_INVALID = f"""\
Traceback (most recent call last):
  File "/opt/toil/bin/toil-cwl-runner", line 8, in <module>
    sys.exit(main())
             ^^^^^^
cwl_utils.errors.WorkflowException: Tool definition file:///srv/wes/{RUN}/execution/a.cwl#u failed validation:
a.cwl:3:1:  Object 'a.cwl#u' is not valid because
              value 'hello' does not contain an expression
"""
CWLTOOL_FAILS = """\
INFO [job tool] tmp$ sh -c \\
    'echo broken; exit 3'
hello
broken
WARNING [job tool] exited with status: 3
WARNING [job tool] completed permanentFail
"""


@pytest.mark.parametrize(
    ("name", "quirks", "step"),
    [
        ("main.two.u", TOIL, "two"),
        ("main.outer.inner.tool", TOIL, "outer/inner"),
        ("main.two.u_3", TOIL, "two"),
        ("tool", TOIL, "tool"),
        ("my.step", STANDARD, "my.step"),
        ("step_2", STANDARD, "step"),
    ],
)
def test_names_of_tasks_are_names_of_steps(name: str, quirks: Quirks, step: str) -> None:
    assert step_name(name, quirks) == step


def test_the_cause_of_a_failure_in_a_log_of_toil() -> None:
    cause = cause_of(TOIL_FAILS, (), TOIL, HIDE)
    assert cause is not None and (cause.step, cause.exit_code) == ("two", 3)
    assert str(cause) == "two: ended with exit code 3\nbroken\nno file data.tif"


def test_the_cause_of_a_failure_in_a_log_of_cwltool() -> None:
    cause = cause_of(CWLTOOL_FAILS, (), STANDARD, HIDE)
    assert str(cause) == "tool: ended with exit code 3\nhello\nbroken"


def test_a_package_that_the_server_refuses_is_explained_without_a_traceback() -> None:
    text = str(cause_of(TOIL_INVALID, (), TOIL, HIDE))
    assert text.startswith("the workflow failed") is False
    assert "failed validation" in text and "does not contain an expression" in text
    assert "Traceback" not in text and "/srv" not in text and "/opt" not in text


def test_a_tool_that_was_killed_says_so() -> None:
    cause = cause_of("WARNING [job a] was terminated by signal: SIGKILL\n", (), STANDARD, HIDE)
    assert str(cause) == "a: was ended by SIGKILL"


def test_without_a_word_the_task_logs_tell() -> None:
    cause = cause_of("", (Task("main.two.u", 7, None, None, ""),), TOIL, HIDE)
    assert str(cause) == "two: failed with exit code 7"


def test_an_empty_log_tells_nothing() -> None:
    assert cause_of("", (), TOIL, HIDE) is None


def test_a_message_is_short_however_long_the_log() -> None:
    log = "INFO x\n" + "noise " * 100_000 + "\nWARNING [job a] exited with status: 1\n"
    assert len(str(cause_of(log, (), STANDARD, HIDE))) <= 2000


def test_lines_have_their_time_level_and_step() -> None:
    lines = list(parse(TOIL_FAILS, TOIL, HIDE))
    assert lines[0].time == datetime(2026, 11, 22, 13, 45, 54, tzinfo=UTC)
    assert [line.text for line in lines if line.source == "two"] == [
        "exited with status: 3",
        "completed permanentFail",
    ]
    assert [line.level for line in lines if line.text == "exited with status: 3"] == ["WARNING"]
    assert "broken" in [line.text for line in lines if line.level == ""]
    assert not any("/opt" in line.text or "/tmp" in line.text for line in lines)


def test_strange_bytes_are_lines_too() -> None:
    text = "\x00\x1b[31m\ud800 [2026-99-99T00:00:00+0000] [a] [I] [b] c\r\n\n"
    assert len(list(parse(text, TOIL, HIDE))) == 2
    [line] = parse("[2026-13-45T99:99:99+0000] [a] [I] [b] c", TOIL, HIDE)
    assert (line.time, line.text) == (None, "c")


@pytest.mark.parametrize("text", ["/" * 200_000, "[job " * 50_000, "a." * 100_000 + "Error", "file:///tmp/" * 20_000])
def test_no_line_takes_long(text: str) -> None:
    began = time.monotonic()
    assert list(parse(text, TOIL, HIDE))
    cause_of(text, (), TOIL, HIDE)
    assert time.monotonic() - began < 60
