"""Processes are killed at bad moments: no job is lost without a report, none runs twice, none stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.local import processes
from pygeoapi_oapip.engines.local.engine import LocalEngine
from pygeoapi_oapip.engines.local.protocol import VERSION
from pygeoapi_oapip.engines.local.record import JobFolder
from pygeoapi_oapip.model.run import RunRef, RunState
from pygeoapi_oapip.settings import LocalEngine as Settings

from .conftest import Bench, alive, gone, shell

UNTIL_GO = "while [ ! -e $0/go ]; do sleep 0.1; done"
Kill = Callable[[int], None]
TREE = """
echo $$ >> pids
setsid sh -c 'echo $$ >> pids; sleep 601' &
(setsid sh -c '(trap "" TERM; cd /; echo $$ >> '$PWD'/pids; sleep 602) &' &) &
(env -i /bin/sh -c 'echo $$ >> pids; sleep 603' &)
sleep 0.3; echo ready >&2; sleep 604
"""


def pids_of(bench: Bench, run: RunRef, count: int) -> list[int]:
    found: list[int] = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        files = (bench.workspace(run) / "work").glob("*/pids")
        found = [int(line) for file in files for line in file.read_text().split()]
        time.sleep(0.02)
    assert len(found) >= count
    return found


def test_a_killed_runner_is_a_lost_run_and_its_tools_end(bench: Bench, kill: Kill) -> None:
    run = bench.submit(shell("echo $$ > pids; sleep 600"))
    runner = bench.running(run)
    tools = pids_of(bench, run, 1)
    kill(runner)
    report = bench.end(run)
    assert report.state is RunState.LOST
    assert "signal 9" in report.message and "out of memory" in report.message
    assert all(gone(pid) for pid in tools)


def test_cancel_ends_the_whole_tree(bench: Bench) -> None:
    run = bench.submit(shell(TREE))
    runner = bench.running(run)
    bench.until(run, lambda _: "ready" in bench.log(run))
    tree = [runner, *pids_of(bench, run, 4)]
    began = time.monotonic()
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    assert time.monotonic() - began < 200
    assert all(gone(pid) for pid in tree)
    bench.engine.forget(run)
    assert not (bench.workspace(run) / "work").exists()


def test_cancel_works_without_a_fork_server(own_bench: Bench, kill: Kill) -> None:
    run = own_bench.submit(shell(TREE))
    runner = own_bench.running(run)
    own_bench.until(run, lambda _: "ready" in own_bench.log(run))
    tree = [runner, *pids_of(own_bench, run, 4)]
    kill(own_bench.server_pid())
    began = time.monotonic()
    own_bench.engine.cancel(run)
    assert time.monotonic() - began < 200
    assert own_bench.end(run).state is RunState.CANCELLED
    assert all(gone(pid) for pid in tree)


def test_a_killed_fork_server_loses_nothing(own_bench: Bench, kill: Kill) -> None:
    count = "echo run >> $0/count"
    folder = {"class": "Directory", "location": own_bench.folder.as_uri()}
    inputs = {"folder": {"type": "Directory", "inputBinding": {}}}
    tool = shell(f"{UNTIL_GO}; readlink -f $0 >&2; {count}", inputs=inputs)
    runs = [own_bench.submit(tool, {"folder": folder}) for _ in range(4)]
    runners = [own_bench.running(run) for run in runs[:2]]
    server = own_bench.server_pid()
    kill(server)
    assert gone(server)
    assert all(alive(pid) for pid in runners)
    own_bench.engine.wait(runs[:2], 0.2)
    (own_bench.folder / "go").touch()
    reports = [own_bench.end(run) for run in runs]
    assert {report.state for report in reports} == {RunState.SUCCEEDED}
    assert (own_bench.folder / "count").read_text().count("run") == 4
    assert own_bench.server_pid() != server


def test_quit_leaves_the_running_and_no_process_of_its_own(own_bench: Bench) -> None:
    run = own_bench.submit(shell(UNTIL_GO.replace("$0", str(own_bench.folder))))
    own_bench.running(run)
    server = own_bench.server_pid()
    below = processes.descendants(processes.table(), [server])
    own_bench.engine.quit()
    assert gone(server)
    (own_bench.folder / "go").touch()
    assert own_bench.end(run).state is RunState.SUCCEEDED
    assert all(gone(pid) for pid in below)
    assert not own_bench.engine._client.address.exists()


def test_cancel_of_a_waiting_run_keeps_it_from_starting(own_bench: Bench) -> None:
    first = [own_bench.submit(shell("sleep 600")) for _ in range(2)]
    waiting = own_bench.submit(shell("echo started > $HOME/../../started"))
    assert own_bench.report(waiting).state is RunState.QUEUED
    own_bench.engine.cancel(waiting)
    own_bench.engine.cancel(waiting)
    assert own_bench.report(waiting).state is RunState.CANCELLED
    for run in first:
        own_bench.engine.cancel(run)
    assert {own_bench.end(run).state for run in first} == {RunState.CANCELLED}
    assert own_bench.report(waiting).state is RunState.CANCELLED
    assert "pid" not in own_bench.record(waiting, "started")


def test_no_zombie_is_left(bench: Bench) -> None:
    assert bench.run(shell("true")).state is RunState.SUCCEEDED
    server = bench.server_pid()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        table = processes.table()
        if not [p for p in table.values() if p.parent == server and p.zombie]:
            return
        time.sleep(0.02)
    pytest.fail("the fork server has zombies")


def test_a_home_with_a_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 20) / ("path" * 20)
    bench = Bench(tmp_path, home)
    assert len(str(bench.engine._client.address)) < 100
    assert bench.run(shell("true")).state is RunState.SUCCEEDED
    bench.engine.quit()


def test_an_idle_fork_server_ends_by_itself(tmp_path: Path) -> None:
    engine = LocalEngine("local", Settings(), tmp_path, idle=0.3)
    engine.start()
    pid = int(engine._client.ask({"op": "hello", "version": VERSION, "slots": 1, "cores": 1, "memory": 1})["pid"])
    engine.close()
    assert gone(pid)


def test_a_report_is_written_once(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    folder.make()
    assert folder.finish(RunState.LOST, "first")
    assert not folder.finish(RunState.SUCCEEDED, "second")
    record = folder.read("exit")
    assert record is not None and record["message"] == "first"
    assert [path.name for path in folder.run.iterdir()] == ["exit.json"]


def test_a_process_is_recognised_by_more_than_its_pid() -> None:
    import os

    own = processes.mark(os.getpid())
    assert processes.lives(own)
    assert not processes.lives(own | {"ticks": own["ticks"] - 1})
    assert not processes.lives(own | {"boot": "another"})
    assert processes.find(own | {"pid": 2**22 + 1}) is None
