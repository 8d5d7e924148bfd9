"""Two hundred jobs at once: all succeed, in order, with flat memory, and the status of a job is quick to read."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import PACKAGE, Witness

JOBS = 200
WARM_UP = 12
"""Jobs before the measurement, so that each web process has loaded what requests need."""
SLOTS = 4
"""Jobs that may overtake each other: as many as run at once, and those handed over while one is forked."""
LATE = 3
"""Jobs whose process may have got no time after it was forked; each is overtaken by others, which move by one place."""


class Sampler(threading.Thread):
    """Memory of the processes, and the time that the status of a job takes, while the jobs run."""

    def __init__(self, server: LiveServer, witness: Witness) -> None:
        super().__init__()
        self._server = server
        self._witness = witness
        self.ended = threading.Event()
        self.job = ""
        self.seconds: list[float] = []
        self.memory: dict[str, list[tuple[int, float]]] = {}

    def watch(self, job: str) -> str:
        """Ask for this job from now on."""
        self.job = job
        return job

    def run(self) -> None:
        with requests.Session() as session:
            for turn in itertools.count():
                if self.job:
                    began = time.monotonic()
                    assert session.get(f"{self._server.url}/jobs/{self.job}", timeout=240).status_code == 200
                    self.seconds.append(time.monotonic() - began)
                if turn % 20 == 0:
                    self._measure()
                if self.ended.wait(0.05):
                    return

    def _measure(self) -> None:
        done = sum(self._witness.runs().values())
        for pid, command in servers(self._server).items():
            megabytes = resident(pid)
            if megabytes:
                self.memory.setdefault(f"{kind_of(command)} {pid}", []).append((done, megabytes))


def servers(live: LiveServer) -> dict[int, str]:
    """The processes that stay: web, worker, fork server; without the children of jobs, which look like it."""
    found = dict(live.processes())
    engine = [pid for pid in found if kind_of(found[pid]) == "fork server"]
    return {pid: command for pid, command in found.items() if pid not in engine[1:]}


def kind_of(command: str) -> str:
    kinds = {"cli.web": "web", " worker ": "worker", " serve ": "supervisor", "engines.local": "fork server"}
    return next((kind for word, kind in kinds.items() if word in command), "tool")


def resident(pid: int) -> float:
    """Resident memory in MB; 0 where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Rss:")), 0.0)


def moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@pytest.mark.slow
def test_two_hundred_jobs_at_once(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "witness")
    with LiveServer(tmp_path / "server") as live:
        live.deploy(PACKAGE)
        for number in range(WARM_UP):
            live.ended(witness.submit(live, f"first{number}"))
        sampler = Sampler(live, witness)
        sampler.start()
        began = time.monotonic()
        jobs = [sampler.watch(witness.submit(live, f"t{number}", 0.01)) for number in range(JOBS)]
        print(f"{JOBS} jobs submitted in {time.monotonic() - began:.1f} s", end=", ")
        states = [live.ended(job) for job in jobs]
        print(f"ended after {time.monotonic() - began:.1f} s")
        sampler.ended.set()
        sampler.join()
        assert [state["status"] for state in states] == ["successful"] * JOBS
        assert set(witness.runs().values()) == {1}
        check_speed(sampler.seconds)
        check_memory(sampler.memory)
        check_order(states)


def check_order(states: Sequence[Mapping[str, str]]) -> None:
    created = sorted(states, key=lambda state: moment(state["created"]))
    started = sorted(states, key=lambda state: moment(state["started"]))
    places = {state["jobID"]: place for place, state in enumerate(started)}
    moved = sorted(abs(places[state["jobID"]] - place) for place, state in enumerate(created))
    print(f"largest differences between the order of submission and of start: {moved[-1 - LATE :]}")
    assert moved[-1 - LATE] <= SLOTS + LATE


def check_speed(seconds: list[float]) -> None:
    quantiles = statistics.quantiles(seconds, n=20)
    print(f"GET /jobs/ID, {len(seconds)} times: median {quantiles[9] * 1e3:.1f} ms, p95 {quantiles[18] * 1e3:.1f} ms")
    # a read that waits for jobs takes longer; the bench tells what is usual
    assert quantiles[9] < 10


def check_memory(memory: dict[str, list[tuple[int, float]]]) -> None:
    """The largest process of each kind does not grow; one that serves its first requests late may catch up with it."""
    kinds = itertools.groupby(sorted(memory), key=lambda name: name.rpartition(" ")[0])
    for kind, names in kinds:
        samples = [sample for name in names for sample in memory[name]]
        early = max((size for done, size in samples if 40 <= done <= 70), default=0.0)
        late = max((size for done, size in samples if done >= JOBS - 20), default=0.0)
        print(f"{kind}: {early:.0f} MB at 50 jobs, {late:.0f} MB at {JOBS}")
        assert early == 0 or late < 1.1 * early + 16
