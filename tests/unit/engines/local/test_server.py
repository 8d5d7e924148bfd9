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
    # while these run, it does not read the schemas of the other CWL versions, which it keeps
    blockers = [bench.submit(shell("sleep 36000")) for _ in range(2)]
    for run in blockers:
        bench.running(run)
    before = memory_of(server)
    runs = [bench.submit(shell("true")) for _ in range(JOBS)]
    assert {report.state for report in bench.engine.poll(runs).values()} == {RunState.QUEUED}
    assert memory_of(server) - before < 8 * 2**20
    for run in runs:
        bench.engine.cancel(run)
    assert {bench.end(run).state for run in runs} == {RunState.CANCELLED}
    assert memory_of(server) - before < 8 * 2**20
    for run in blockers:
        bench.engine.cancel(run)
    assert {bench.end(run).state for run in blockers} == {RunState.CANCELLED}
    assert bench.server_pid() == server and bench.run(shell("true")).state is RunState.SUCCEEDED


def spare_of(server: int, other_than: int = 0) -> int:
    """The pid of the runner that waits for a job."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = processes.descendants(processes.table(), [server]) - {other_than}
        if len(found) == 1 and alive(next(iter(found))):
            return found.pop()
        time.sleep(0.02)
    raise AssertionError(f"the server has {len(found)} children")


def test_other_versions_are_read_when_there_is_nothing_to_do(own_bench: Bench) -> None:
    tool = shell("true") | {"cwlVersion": "v1.1"}
    for _ in range(5):  # on a busy machine they may have been read before the first look
        assert own_bench.run(tool).state is RunState.SUCCEEDED, "a job that came sooner had to wait for that"
        server = own_bench.server_pid()
        first = spare_of(server)
        if gone(first, 30):
            break
        own_bench.engine.quit()
        assert gone(server)
    assert not alive(first), "a spare that knows more has not come"
    assert spare_of(server, first) != first
    assert own_bench.run(tool).state is RunState.SUCCEEDED
