"""Faults of the server and of the way to it: no run fails for one that passes, none is lost, none runs twice."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pygeoapi_oapip.engines.wes.record import Stage
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.testing.wes_server import Fault, WesServer

from .conftest import Desk, tool

KINDS = [
    Fault("GET", "", "status", 500),
    Fault("GET", "", "status", 503),
    Fault("GET", "", "text", 200),
    Fault("GET", "", "text", 502),
    Fault("GET", "", "text", 404),
    Fault("GET", "", "half"),
    Fault("GET", "", "before"),
    Fault("GET", "", "after"),
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [(path, kind) for path in ("service-info", "runs/[^/]+/status", "runs/[^/]+") for kind in KINDS]
    + [("/logs/[^/]+", kind) for kind in KINDS if kind.kind != "text"],  # a log may be any text, and may be missing
    ids=lambda item: f"{item.kind}-{item.status}" if isinstance(item, Fault) else item,
)
def test_faulty_answers_are_asked_again(desk: Desk, server: WesServer, path: str, kind: Fault) -> None:
    server.faults.append(replace(kind, path=path, times=2))
    run = desk.submit(tool("echo hello >&2"))
    desk.success(run)
    assert server.faults[0].times == 0
    assert "hello" in desk.log(run)
    assert len(server.of_job(run.job_id)) == 1


@pytest.mark.parametrize(
    "kind",
    [
        Fault("POST", "runs", "after"),
        Fault("POST", "runs", "before"),
        Fault("POST", "runs", "half"),
        Fault("POST", "runs", "text", 200),
        Fault("POST", "runs", "text", 502),
        Fault("POST", "runs", "status", 500),
        Fault("POST", "runs", "status", 503),
        Fault("POST", "runs", "status", 429),
        Fault("POST", "runs", "status", 401),
        Fault("POST", "runs", "text", 404),
    ],
    ids=lambda kind: f"{kind.kind}-{kind.status}",
)
@pytest.mark.parametrize("lists_tags", [True, False])
def test_a_lost_answer_to_the_request_for_a_run_makes_one_run(
    desk: Desk, server: WesServer, kind: Fault, lists_tags: bool
) -> None:
    server.faults.append(replace(kind))
    server.tags = lists_tags
    run = desk.submit(tool("echo x"))
    desk.success(run)
    assert len(server.of_job(run.job_id)) == 1
    if kind.kind == "after":
        assert server.count("POST", "runs") == 1, "the run that was started was found"
        assert "found: the run" in desk.log(run)


def test_a_request_that_is_done_after_its_time_is_not_sent_again(desk: Desk, server: WesServer) -> None:
    desk.open(timeout=4)
    server.faults.append(Fault("POST", "runs", "silence", seconds=6))
    run = desk.submit()
    desk.success(run)
    assert server.count("POST", "runs") == 1
    assert "found: the run" in desk.log(run)


def test_a_request_that_a_silent_server_never_did_is_sent_again(desk: Desk, server: WesServer) -> None:
    desk.open(timeout=1)
    server.faults.append(Fault("POST", "runs", "silence", seconds=2000))
    run = desk.submit()
    desk.success(run)
    assert server.count("POST", "runs") >= 2


@pytest.mark.parametrize("lists_tags", [True, False])
def test_a_crash_between_request_and_save_adopts_the_run(desk: Desk, server: WesServer, lists_tags: bool) -> None:
    server.tags = lists_tags
    run = desk.submit()
    desk.success(run)
    record = desk.record(run)
    record.save(replace(record.state(), stage=Stage.SENDING, run_id="", word="", state=RunState.QUEUED))
    (desk.folder / "home" / "known-runs.txt").unlink()
    desk.open()
    desk.success(run)
    assert server.count("POST", "runs") == 1


def test_a_crash_between_save_and_request_sends_it(desk: Desk, server: WesServer) -> None:
    plan = desk.plan()
    desk.open(url="http://127.0.0.1:1")
    run = desk.engine.submit(plan)
    desk.until(run, lambda report: "cannot be reached" in report.message)
    desk.engine.close()
    record = desk.record(run)
    record.save(replace(record.state(), stage=Stage.SENDING, posted=time.time()))
    desk.open()
    desk.success(run)
    assert len(server.of_job(run.job_id)) == 1


def test_two_runs_that_are_searched_at_once_do_not_hide_each_other(desk: Desk, server: WesServer) -> None:
    server.tags = False
    server.faults.append(Fault("POST", "runs", "after", times=4))
    runs = [desk.submit() for _ in range(4)]
    for run in runs:
        desk.success(run)
        assert len(server.of_job(run.job_id)) == 1
    assert server.count("POST", "runs") == 4


@pytest.mark.parametrize(("lists", "words"), [(True, "does not repeat the requests"), (False, "no list of runs")])
def test_where_nobody_can_tell_the_run_is_lost_and_not_repeated(
    desk: Desk, server: WesServer, lists: bool, words: str
) -> None:
    server.lists, server.tags, server.repeats = lists, False, False
    server.faults.append(Fault("POST", "runs", "after"))
    run = desk.submit()
    report = desk.end(run)
    assert report.state is RunState.LOST
    assert words in report.message and "does not run twice" in report.message
    assert server.count("POST", "runs") == 1


def test_a_run_that_the_server_could_not_start_is_sent_again(desk: Desk, server: WesServer) -> None:
    server.faults.append(Fault("POST", "runs", "status", 500))
    stale = desk.submit()
    desk.success(stale)
    server.faults.append(Fault("POST", "runs", "after"))
    run = desk.submit()
    desk.success(run)
    assert len(server.of_job(run.job_id)) == 1


def test_a_failure_has_its_cause_though_its_log_comes_late(desk: Desk, server: WesServer) -> None:
    server.faults.append(Fault("GET", "/logs/.*", "status", 503, times=4))
    report = desk.end(desk.submit(tool("echo broken >&2; exit 3")))
    assert "exit code 3" in report.message and "broken" in report.message


def test_a_log_that_never_comes_does_not_hold_a_run(
    desk: Desk, server: WesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygeoapi_oapip.engines.wes.run.FAULTS_WITHOUT_LOG", 3)
    server.faults.append(Fault("GET", "/logs/.*", "status", 500, times=1000))
    desk.success(desk.submit())
    report = desk.end(desk.submit(tool("exit 3")))
    assert report.state is RunState.FAILED
    assert "exit code 3" in report.message and "a log that cannot be read now" in report.message


def test_a_server_that_is_away_is_waited_for(desk: Desk) -> None:
    desk.open(url="http://127.0.0.1:1")
    run = desk.submit()
    report = desk.until(run, lambda report: bool(report.message))
    assert report.state is RunState.QUEUED
    assert "cannot be reached" in report.message
    desk.engine.cancel(run)
    assert desk.end(run).state is RunState.CANCELLED


def test_a_run_that_its_server_has_forgotten_is_lost(desk: Desk, server: WesServer) -> None:
    run = desk.submit(tool("sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    gone = server.runs.pop(desk.record(run).state().run_id)
    report = desk.end(run)
    assert report.state is RunState.LOST
    assert "does not know the run" in report.message and gone.run_id in report.message
    server.runs[gone.run_id] = gone


def test_a_run_that_never_ends_is_ended_by_the_deadline(desk: Desk, server: WesServer) -> None:
    run = desk.submit(tool("sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    [there] = server.of_job(run.job_id)
    there.state = "RUNNING"
    desk.engine.close()
    desk.open(deadline=0.5)
    report = desk.end(run)
    assert report.state is RunState.FAILED
    assert "deadline" in report.message and "RUNNING" in report.message and "may go on there" in report.message
    assert server.count("POST", "runs/.*/cancel") == 1


def test_a_run_that_is_canceling_for_ever_is_given_up(desk: Desk, server: WesServer) -> None:
    run = desk.submit(tool("sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    [there] = server.of_job(run.job_id)
    there.state = "CANCELING"
    desk.engine.cancel(run)
    report = desk.end(run)
    assert report.state is RunState.CANCELLED
    assert "did not confirm" in report.message


def test_outputs_that_come_late_are_read_again(desk: Desk, server: WesServer) -> None:
    run = desk.submit(tool(f"while [ ! -e {desk.folder}/go ]; do sleep 0.1; done; echo hello"))
    desk.until(run, lambda report: bool(desk.record(run).state().run_id))
    server.of_job(run.job_id)[0].outputs_after = 3
    (desk.folder / "go").touch()
    desk.success(run)
    assert "said" in desk.engine.outputs(run)


def test_outputs_that_never_come_end_the_run_with_the_truth(
    desk: Desk, server: WesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygeoapi_oapip.engines.wes.run.READS", 3)
    run = desk.submit(tool(f"while [ ! -e {desk.folder}/go ]; do sleep 0.1; done; echo hello"))
    desk.until(run, lambda report: bool(desk.record(run).state().run_id))
    server.of_job(run.job_id)[0].outputs_after = 1000
    (desk.folder / "go").touch()
    report = desk.end(run)
    assert report.state is RunState.FAILED and "gives no outputs" in report.message


@pytest.mark.parametrize("state", ["EXECUTOR_ERROR", "COMPLETE", "CANCELED"])
def test_cancelling_what_has_ended_at_the_server_is_quiet(desk: Desk, server: WesServer, state: str) -> None:
    run = desk.submit(tool("sleep 600"))
    desk.until(run, lambda report: report.state is RunState.RUNNING)
    desk.engine.close()
    server.of_job(run.job_id)[0].state = state
    desk.record(run).cancel()
    desk.open()
    assert desk.end(run).state is RunState.CANCELLED
