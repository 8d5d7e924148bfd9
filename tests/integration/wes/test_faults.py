"""Nothing that passes fails a job: each one is run once, and succeeds, whatever its WES server answers in between."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import Witness

from .engine_bench import wes_settings
from .fault_proxy import Asked, Fault, FaultProxy
from .serving import deploy_witness, ended, server, successes, until
from .toil import ToilServer

SPAN = 4.0
"""Seconds that a fault lasts; longer than the engine's `timeout`."""


def _starts_a_run(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.endswith("/runs")


def _posts(door: FaultProxy) -> int:
    return sum(map(_starts_a_run, door.asked))


def _more_posts_than(door: FaultProxy, seen: int) -> bool:
    return _posts(door) > seen


@pytest.fixture(scope="module")
def door(toil: ToilServer) -> Iterator[FaultProxy]:
    """Between the server and Toil, for all tests of this module."""
    door = FaultProxy(toil.port)
    yield door
    door.close()


@pytest.fixture(scope="module")
def running(toil: ToilServer, door: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    block = wes_settings(toil, url=door.origin, timeout=3)
    with server(tmp_path_factory.mktemp("faults"), block) as live:
        deploy_witness(live)
        yield live


@pytest.fixture
def live(running: LiveServer) -> LiveServer:
    if not running.running():
        running.start()
    return running


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness")


def test_faults_while_a_run_is_started_neither_lose_nor_double_it(
    live: LiveServer, door: FaultProxy, toil: ToilServer, witness: Witness
) -> None:
    before = set(toil.runs())
    jobs = {}
    for fault in Fault:
        seen = _posts(door)
        with door.breaking(fault, _starts_a_run):
            jobs[witness.submit(live, fault.name)] = fault.name
            until(partial(_more_posts_than, door, seen), "the run is asked for")
            time.sleep(1)
    successes(live, jobs, witness)
    assert len(set(toil.runs()) - before) == len(jobs)


def test_faults_of_every_kind_while_runs_go_on_are_waited_out(
    live: LiveServer, door: FaultProxy, witness: Witness
) -> None:
    jobs = {witness.submit(live, token, (len(Fault) + 3) * SPAN): token for token in ("a", "b")}
    until(lambda: set(witness.runs()) == {"a", "b"}, "the tools run")
    for fault in Fault:
        with door.breaking(fault):
            time.sleep(SPAN)
            assert {live.get(f"/jobs/{job}").json()["status"] for job in jobs} == {"running"}, fault
    successes(live, jobs, witness)


def test_a_long_silence_at_the_end_of_a_run_is_waited_out(
    live: LiveServer, door: FaultProxy, toil: ToilServer, witness: Witness
) -> None:
    job = witness.submit(live, "silent", 2)
    until(lambda: witness.runs(), "the tool runs")
    with door.breaking(Fault.SILENCE):
        until(lambda: "RUNNING" not in toil.runs().values(), "the run is over")
        time.sleep(2 * SPAN)
        assert live.get(f"/jobs/{job}").json()["status"] == "running"
    successes(live, {job: "silent"}, witness)


def test_the_wes_server_is_stopped_and_started(live: LiveServer, toil: ToilServer, witness: Witness) -> None:
    jobs = {witness.submit(live, "before", 8): "before"}
    until(lambda: witness.runs(), "the tool runs")
    toil.server.stop()
    jobs[witness.submit(live, "meanwhile")] = "meanwhile"
    time.sleep(SPAN)
    assert live.get("/health").status_code in (200, 503)
    toil.start()
    successes(live, jobs, witness)


def test_a_server_killed_between_request_and_answer_finds_its_run_again(
    live: LiveServer, door: FaultProxy, toil: ToilServer, witness: Witness
) -> None:
    before = set(toil.runs())

    def kill(asked: Asked) -> None:
        if _starts_a_run(asked):
            live.kill_all()

    door.after_reply = kill
    try:
        job = witness.submit(live, "killed")
        until(lambda: not live.running(), "the server is dead")
    finally:
        door.after_reply = lambda asked: None
    until(lambda: not live.processes(), "all of it is dead")
    live.start()
    successes(live, {job: "killed"}, witness)
    assert len(set(toil.runs()) - before) == 1


def test_a_run_whose_worker_died_ends_by_our_deadline_with_the_truth(
    toil: ToilServer, tmp_path: Path, witness: Witness
) -> None:
    assert toil.worker is not None
    with server(tmp_path / "dead", wes_settings(toil)) as live:
        deploy_witness(live)
        job = witness.submit(live, "orphan", 600)
        unwanted = witness.submit(live, "unwanted", 600)
        try:
            until(lambda: len(witness.runs()) == 2, "the tools run")
            toil.worker.kill()
            assert live.dismiss(unwanted).json()["status"] == "dismissed"
            time.sleep(SPAN)
            assert live.get(f"/jobs/{job}").json()["status"] == "running"
        finally:
            toil.start_worker()
    # now, because nobody can say how long the tools took to begin
    with server(tmp_path / "dead", wes_settings(toil, deadline=1)) as live:
        end = ended(live, job)
        assert ended(live, unwanted)["status"] == "dismissed"
    assert end["status"] == "failed"
    assert "did not end within 1 s (deadline)" in end["message"], end["message"]
    # Toil ends no step whose leader was killed with the worker
    for group in {os.getpgid(pid) for pid in witness.processes()}:
        os.killpg(group, signal.SIGKILL)
    assert set(witness.runs().values()) == {1}
