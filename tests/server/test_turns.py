"""A real server with several users: one user's jobs do not stand before those of another one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import requests

from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.store.sql import Database, SqlJobStore
from pygeoapi_oapip.testing.live_server import LiveServer

from .conftest import UNTIL

PATIENCE = 240.0
PASSWORD = "a long password"


class Users:
    """What two users do at a server."""

    def __init__(self, url: str, gates: Path, jobs: SqlJobStore) -> None:
        self.url = url
        self.gates = gates
        self.jobs = jobs

    def ask(self, user: str, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, self.url + path, auth=(user, PASSWORD), timeout=PATIENCE, **options)
        assert answer.ok, answer.text
        return answer.json()

    def run(self, user: str, gate: str) -> str:
        """Start a job that runs until the gate is open."""
        body = {"inputs": {"file": str(self.gates / gate)}}
        headers = {"Prefer": "respond-async"}
        return str(self.ask(user, "POST", "/processes/until/execution", json=body, headers=headers)["jobID"])

    def open(self, gate: str) -> None:
        """Let the job end."""
        (self.gates / gate).touch()

    def until(self, job_id: str, phase: Phase) -> Job:
        """Wait until a job is so far."""
        end = time.monotonic() + PATIENCE
        while (job := self.jobs.get(job_id, EVERYTHING)).phase is not phase:
            assert time.monotonic() < end and (not job.ended or job.phase is phase), f"{job.phase}: {job.message}"
            time.sleep(0.05)
        return job


def test_a_second_users_job_starts_next(tmp_path: Path) -> None:
    packages, gates, home = (tmp_path / name for name in ("packages", "gates", "server"))
    for folder in (packages, gates):
        folder.mkdir()
    (packages / "until.cwl").write_text(UNTIL)
    for name in ("alice", "bob"):
        write_account(tmp_path / "passwords", Account(name, hash_password(PASSWORD)))
    manager = {
        "packages": [str(packages)],
        "auth": {"type": "basic", "file": str(tmp_path / "passwords")},
        "engines": {"local": {"type": "local", "workers": 1, "containers": "none"}},
        "limits": {"quotas": {"users": {"alice": {"running": 5}}}},
    }
    with LiveServer(home, manager) as server:
        users = Users(server.url, gates, SqlJobStore(Database(f"sqlite:///{home / 'oapip.db'}")))
        alice = [users.run("alice", f"a{number}") for number in range(12)]
        users.until(alice[0], Phase.RUNNING)
        for job_id in alice[1:5]:
            users.until(job_id, Phase.SUBMITTED)
        told = users.ask("alice", "GET", f"/jobs/{alice[-1]}")
        assert told["status"] == "accepted"
        assert told["message"] == "waiting: 7th of 7 jobs of this user, 5 run now (at most 5 jobs at once)"
        bob = users.run("bob", "b")
        users.until(bob, Phase.SUBMITTED)
        users.open("a0")
        # four jobs of alice wait longer in the engine for the one place there
        users.until(bob, Phase.RUNNING)
        assert all(users.jobs.get(job_id, EVERYTHING).started is None for job_id in alice[1:])
        users.open("b")
        users.until(alice[1], Phase.RUNNING)
        users.until(alice[5], Phase.SUBMITTED)
        for number in range(12):
            users.open(f"a{number}")
        for job_id in alice:
            users.until(job_id, Phase.SUCCESSFUL)
