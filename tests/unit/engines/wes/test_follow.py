"""How many requests it takes to follow many runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from pygeoapi_oapip.engines.wes import follow as follow_module
from pygeoapi_oapip.engines.wes.record import Stage, State
from pygeoapi_oapip.model.run import RunRef, RunState
from pygeoapi_oapip.testing.wes_server import Fault, WesRun, WesServer

from .conftest import PATIENCE, Desk

MANY = 150


def sent(desk: Desk, server: WesServer, count: int) -> list[RunRef]:
    """Runs that the server has, and that go on."""
    found = []
    for number in range(count):
        plan = desk.plan()
        run = RunRef("hpc", plan.job_id, plan.job_id, {"workspace": str(plan.workspace)})
        desk.record(run).create(plan, {})
        state = State(Stage.SENT, f"run-{number}", "RUNNING", RunState.RUNNING, posted=time.time())
        desk.record(run).save(state)
        server.runs[state.run_id] = WesRun(state.run_id, {"workflow_url": f"{plan.job_id}.cwl"}, state="RUNNING")
        found.append(run)
    return found


def polled(desk: Desk, runs: Sequence[RunRef], seconds: float, enough: Callable[[], bool] = lambda: True) -> float:
    """Requests a second while the runs are polled: for so long, and until there were enough."""
    desk.engine.poll(runs)
    before, began = len(desk.server.requests), time.monotonic()
    while time.monotonic() - began < seconds or not enough():
        assert time.monotonic() - began < PATIENCE
        assert len(desk.engine.poll(runs)) == len(runs)
        time.sleep(0.05)
    return (len(desk.server.requests) - before) / (time.monotonic() - began)


def test_many_runs_cost_one_list_a_look(desk: Desk, server: WesServer) -> None:
    runs = sent(desk, server, MANY)
    rate = polled(desk, runs, 3.0, lambda: server.count("GET", "runs") >= 2)
    assert rate < 1 / follow_module.SHORTEST + follow_module.SINGLE_RATE + 2
    assert server.count("GET", "runs/[^/]+/status") == 0


def test_the_end_of_one_among_many_is_seen_by_the_list(desk: Desk, server: WesServer) -> None:
    runs = sent(desk, server, MANY)
    desk.engine.poll(runs)
    chosen = desk.record(runs[7]).state().run_id
    server.runs[chosen].state = "CANCELED"
    deadline = time.monotonic() + PATIENCE
    while not (reports := desk.engine.poll(runs))[runs[7].job_id].ended:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert reports[runs[7].job_id].state is RunState.CANCELLED
    assert sum(report.ended for report in reports.values()) == 1


def test_many_ends_at_once_are_taken_by_few_threads(desk: Desk, server: WesServer) -> None:
    runs = sent(desk, server, 40)
    desk.engine.poll(runs)
    server.faults.append(Fault("GET", "runs/.*", "late", seconds=0.5, times=1000))
    for there in server.runs.values():
        there.state = "CANCELED"
    most, deadline = 0, time.monotonic() + PATIENCE
    while not all(report.ended for report in desk.engine.poll(runs).values()):
        most = max(most, sum(thread.name == "oapip-wes-step" for thread in threading.enumerate()))
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert 1 <= most <= follow_module.THREADS


def test_without_a_list_runs_are_asked_in_turn_at_a_bounded_rate(desk: Desk, server: WesServer) -> None:
    server.lists = False
    runs = sent(desk, server, 20)

    def asked() -> set[str]:
        return {request for request in list(server.requests) if request.startswith("GET runs/")}

    rate = polled(desk, runs, 6.0, lambda: len(asked()) > 10)
    assert rate < follow_module.SINGLE_RATE + 3


def test_a_list_that_is_out_of_order_does_not_keep_runs_from_ending(desk: Desk, server: WesServer) -> None:
    server.faults.append(Fault("GET", "runs", "status", 500, times=1000))
    runs = sent(desk, server, 10)
    desk.engine.poll(runs)
    server.runs[desk.record(runs[3]).state().run_id].state = "CANCELED"
    deadline = time.monotonic() + PATIENCE
    while not desk.engine.poll(runs)[runs[3].job_id].ended:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_list_of_many_pages_is_read_to_its_end(desk: Desk, server: WesServer) -> None:
    server.page = 10
    runs = sent(desk, server, 40)
    last = desk.record(runs[-1]).state().run_id
    desk.engine.poll(runs)
    server.runs[last].state = "CANCELED"
    desk.until(runs[-1], lambda report: report.state is RunState.CANCELLED)


def test_few_runs_are_asked_one_by_one(desk: Desk, server: WesServer) -> None:
    runs = sent(desk, server, 2)
    polled(desk, runs, 1.0, lambda: all(server.count("GET", f"runs/run-{number}(/status)?") for number in (0, 1)))
    assert server.count("GET", "runs") == 0


def test_a_server_that_is_away_is_asked_by_one_request_at_a_time(
    desk: Desk, server: WesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_module, "MAX_BACKOFF", 15.0)
    runs = sent(desk, server, 30)
    server.credentials = "none that we have"
    rate = polled(desk, runs, 3.0)
    assert rate < 5
    reports = desk.engine.poll(runs)
    assert all("401" in report.message and not report.ended for report in reports.values())
    server.credentials = ""
    desk.until(runs[0], lambda report: "401" not in report.message)


def test_runs_that_nobody_polls_are_left_to_others(
    desk: Desk, server: WesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_module, "LEFT", 0.3)
    desk.engine.poll(sent(desk, server, 2))
    deadline = time.monotonic() + PATIENCE
    while desk.engine._follower._thread is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    before = len(server.requests)
    time.sleep(0.5)
    assert len(server.requests) == before


def test_runs_of_hours_are_looked_at_rarely(desk: Desk, server: WesServer) -> None:
    desk.open(poll_interval=5)
    [run] = sent(desk, server, 1)
    state = desk.record(run).state()
    desk.record(run).save(State(state.stage, state.run_id, state.word, state.state, posted=time.time() - 7200))
    assert polled(desk, [run], 3.0) < 1.5
