"""`kill -9` of any process of the server, at random, under load: no job lost, none run twice, none stuck."""

from __future__ import annotations

import itertools
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from pygeoapi_oapip.store.lease import LeaseOwner
from pygeoapi_oapip.store.sql import Database, SqlJobStore
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import PACKAGE, Witness

from .victims import KINDS, really_runs, victims

ROUNDS = int(os.environ.get("OAPIP_KILLS", "12"))
"""Number of kills: each kind of process twice."""
JOBS = 5
"""Jobs of a round: two run, the others wait."""
PATIENCE = 120.0
"""Seconds until a server that hangs is a failure. How long it takes is printed; that depends on the machine."""


class Rounds:
    """One server under attack."""

    def __init__(self, server: LiveServer, witness: Witness) -> None:
        self.server = server
        self.witness = witness
        self.accepted: dict[str, str] = {}
        self.killed: Counter[str] = Counter()
        self.truth: list[float] = []
        self.claims: list[float] = []
        self._store = SqlJobStore(Database(f"sqlite:///{server.home / 'oapip.db'}"))

    def play(self, number: int, kind: str) -> None:
        """Submit, kill one process of the kind while jobs run, and wait until all is true again."""
        attempts = itertools.count()
        wait_until(lambda: self._kill(kind, f"t{number}-{next(attempts)}"), f"a {kind} at work")
        self.killed[kind] += 1
        began = time.monotonic()
        if kind == "supervisor":
            wait_until(lambda: not self.server.running(), "the end of the supervisor")
            self.server.start()
            began = time.monotonic()
        if kind in ("supervisor", "worker"):
            wait_until(self._claimed, "a new owner of the jobs")
            self.claims.append(time.monotonic() - began)
        wait_until(lambda: self._running() is not None, "an answer")
        self._until_true(kind)

    def _kill(self, kind: str, token: str) -> bool:
        """False where the jobs had ended, or the process was gone, before it could be killed."""
        for part in range(JOBS):
            self._submit(f"{token}-{part}")
        until = time.monotonic() + 5
        while not (self.witness.processes() and victims(self.server)[kind]):
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        time.sleep(random.uniform(0.0, 0.3))
        if not (alive := victims(self.server)[kind]):
            return False
        try:
            os.kill(random.choice(alive), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _until_true(self, kind: str) -> None:
        """Wait until each job that is said to run does, or is said to have ended."""
        began = time.monotonic()
        stuck = self._stale()
        while stuck:
            assert time.monotonic() < began + PATIENCE, f"{kind} killed: {stuck} do not run\n{self.server.output()}"
            time.sleep(0.05)
            stuck &= self._stale()
        self.truth.append(time.monotonic() - began)

    def _submit(self, token: str) -> None:
        try:
            answer = self.witness.offer(self.server, token, random.randint(2, 9) / 10)
        except requests.RequestException:
            return
        if answer.status_code == 201:
            self.accepted[str(answer.json()["jobID"])] = token

    def _claimed(self) -> bool:
        owners = [LeaseOwner.parse(owner) for owner in self._store.lease_owners()]
        return not any(owner is not None and owner.is_dead() for owner in owners)

    def _running(self) -> list[str] | None:
        try:
            answer = self.server.get("/jobs?status=running&limit=1000")
        except requests.RequestException:
            return None
        return [row["jobID"] for row in answer.json()["jobs"]] if answer.status_code == 200 else None

    def _stale(self) -> set[str]:
        return {job for job in self._running() or () if not really_runs(self.server, job)}


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)


def kinds() -> Iterator[str]:
    """Each kind equally often, in a random order."""
    while True:
        yield from random.sample(KINDS, len(KINDS))


@pytest.mark.slow
def test_no_job_is_lost_or_run_twice(tmp_path: Path) -> None:
    random.seed(ROUNDS)
    with LiveServer(tmp_path / "server") as server:
        server.deploy(PACKAGE)
        rounds = Rounds(server, Witness(tmp_path / "witness"))
        for number, kind in zip(range(ROUNDS), kinds(), strict=False):
            rounds.play(number, kind)
        check(rounds)


def check(rounds: Rounds) -> None:
    server, accepted = rounds.server, rounds.accepted
    ends = {job: server.ended(job) for job in accepted}
    runs = rounds.witness.runs()
    print(f"killed {dict(rounds.killed)}; {len(accepted)} jobs, {Counter(end['status'] for end in ends.values())}")
    print(f"states true after {max(rounds.truth):.2f} s at most; orphans claimed after {told(rounds.claims)}")
    assert len(accepted) >= ROUNDS * JOBS // 2
    assert min(rounds.killed[kind] for kind in KINDS) >= ROUNDS // len(KINDS) - 1
    assert not [token for token, count in runs.items() if count > 1], "run twice"
    for job, token in accepted.items():
        status = ends[job]["status"]
        assert status in ("successful", "failed"), ends[job]
        if status == "successful":
            assert runs[token] == 1
            assert server.get(f"/jobs/{job}/results/said").text == f"done {token}\n"
        else:
            assert "signal 9" in ends[job]["message"] or "killed" in ends[job]["message"], ends[job]
    failed = sum(end["status"] == "failed" for end in ends.values())
    assert failed <= rounds.killed["job child"]


def told(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s at most" if seconds else "no kill of it"
