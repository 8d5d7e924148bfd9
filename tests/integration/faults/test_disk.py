"""The disk of the jobs is full or read-only: the server lives, says so, and goes on when there is room."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer, processes_of
from tests.integration.witness import PACKAGE, Witness

from .disk import SmallDisk, small_disk

WRITER = """
cwlVersion: v1.2
class: CommandLineTool
id: writer
baseCommand: [sh, -c, 'head -c 100000000 /dev/zero']
inputs: {}
outputs: {zeros: stdout}
stdout: zeros.bin
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=16) as made:
        yield made


@pytest.fixture
def live(disk: SmallDisk, tmp_path: Path) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "server", {"output_dir": str(disk.folder / "jobs")}) as made:
        made.deploy(PACKAGE)
        yield made


def waits(live: LiveServer, jobs: list[str], word: str) -> list[Mapping[str, Any]]:
    """Wait until each job says that it waits, or ended; the states."""
    deadline = time.monotonic() + 180
    while True:
        states = [live.get(f"/jobs/{job}").json() for job in jobs]
        if all(state["status"] == "failed" or word in state.get("message", "") for state in states):
            return states
        assert time.monotonic() < deadline, states
        time.sleep(0.1)


def check_words(live: LiveServer, states: list[Mapping[str, Any]], disk: SmallDisk) -> None:
    """What users and administrators read is clear and gives nothing away."""
    for state in states:
        print(state["status"], state.get("message"))
        assert str(disk.folder) not in str(state) and "Traceback" not in str(state)
    assert live.running()
    assert "Traceback" not in live.output() and "defect" not in live.output(), live.output()


@pytest.mark.slow
def test_a_full_disk(disk: SmallDisk, live: LiveServer, witness: Witness) -> None:
    running = witness.submit(live, "running", 15.0)
    deadline = time.monotonic() + 180
    while not witness.processes():
        assert time.monotonic() < deadline, "the tool is not seen"
        time.sleep(0.05)
    disk.fill()
    jobs = [witness.submit(live, f"full{number}") for number in range(6)]
    check_words(live, waits(live, jobs, "No space left"), disk)
    assert live.get("/processes").status_code == 200
    assert live.ended(running)["status"] in ("successful", "failed")
    disk.empty()
    after = [witness.submit(live, f"after{number}") for number in range(3)]
    for job in (*jobs, *after):
        assert live.ended(job)["status"] == "successful"
    assert not {token: count for token, count in witness.runs().items() if count > 1}
    check_words(live, [live.get(f"/jobs/{job}").json() for job in (running, *jobs)], disk)


@pytest.mark.slow
def test_a_tool_that_fills_the_disk(disk: SmallDisk, live: LiveServer, witness: Witness) -> None:
    live.deploy(WRITER)
    ends = [live.ended(live.submit("writer", {})) for _ in range(2)]
    assert [end["status"] for end in ends] == ["failed", "failed"]
    assert all("No space left" in end["message"] for end in ends), ends
    check_words(live, ends, disk)
    assert live.ended(witness.submit(live, "after"))["status"] == "successful"


@pytest.mark.slow
def test_a_disk_that_becomes_read_only(disk: SmallDisk, live: LiveServer, witness: Witness) -> None:
    done = witness.submit(live, "before")
    assert live.ended(done)["status"] == "successful"
    freeze(disk, live)
    jobs = [witness.submit(live, f"frozen{number}") for number in range(6)]
    check_words(live, waits(live, jobs, "Read-only file system"), disk)
    assert live.get(f"/jobs/{done}/results/said").text == "done before\n"
    assert disk.remount("rw")
    after = [witness.submit(live, f"after{number}") for number in range(3)]
    for job in (*jobs, *after):
        assert live.ended(job)["status"] == "successful"
    assert witness.runs() == dict.fromkeys(
        ["before", *(f"frozen{n}" for n in range(6)), *(f"after{n}" for n in range(3))], 1
    )
    check_words(live, [], disk)


def freeze(disk: SmallDisk, live: LiveServer) -> None:
    """Make the disk read-only; the kernel refuses while a file is open for writing, as the fork server's log is."""
    deadline = time.monotonic() + 120
    while not disk.remount("ro"):
        assert time.monotonic() < deadline, "the disk stays in use"
        for pid in dict(processes_of(str(disk.folder / "jobs"))):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
