"""The fork server over time: its memory with many jobs, its start, and what it does when there is nothing to do."""

from __future__ import annotations

import time
from pathlib import Path

from pygeoapi_oapip.engines.local import processes
from pygeoapi_oapip.model.run import RunState

from .conftest import Bench, alive, gone, shell

JOBS = 200


def memory_of(pid: int) -> int:
    """Anonymous bytes of the process. Those shared with a forked child count too: how many are private depends on
    whether a spare lives at that moment."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def test_two_hundred_waiting_jobs_leave_the_memory_as_it_was(bench: Bench) -> None:
    assert bench.run(shell("true")).state is RunState.SUCCEEDED
    server = bench.server_pid()  # which allows two jobs at once
    time.sleep(4)  # it reads the schemas of the other CWL versions while nothing runs, and keeps them
    blockers = [bench.submit(shell("sleep 60")) for _ in range(2)]
    for run in blockers:
        bench.running(run)
    before = memory_of(server)
    runs = [bench.submit(shell("true")) for _ in range(JOBS)]
    assert {report.state for report in bench.engine.poll(runs).values()} == {RunState.QUEUED}
    assert memory_of(server) - before < 8 * 2**20
    for run in [*runs, *blockers]:
        bench.engine.cancel(run)
    assert {bench.end(run).state for run in [*runs, *blockers]} == {RunState.CANCELLED}
    assert memory_of(server) - before < 8 * 2**20
    assert bench.server_pid() == server and bench.run(shell("true")).state is RunState.SUCCEEDED


def spare_of(server: int) -> int:
    """The pid of the runner that waits for a job."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = processes.descendants(processes.table(), [server])
        if len(found) == 1:
            return found.pop()
        time.sleep(0.02)
    raise AssertionError(f"the server has {len(found)} children")


def test_other_versions_are_read_when_there_is_nothing_to_do(own_bench: Bench) -> None:
    run = own_bench.submit(shell("true") | {"cwlVersion": "v1.1"})
    assert own_bench.end(run).state is RunState.SUCCEEDED, "a job that came sooner had to wait for that"
    server = own_bench.server_pid()
    first = spare_of(server)
    assert gone(first), "a spare that knows more has not come"
    second = spare_of(server)
    assert alive(second) and second != first
    assert own_bench.run(shell("true") | {"cwlVersion": "v1.1"}).state is RunState.SUCCEEDED
