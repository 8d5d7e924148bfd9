"""The database goes away under load and comes back: 503 meanwhile, and no accepted job is lost."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from pygeoapi_oapip.store.sql import Database
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.postgres.server import Server
from tests.integration.witness import PACKAGE, Witness
from tests.unit.store.child import begin

from .load import Load, check_accepted_jobs

AWAY = float(os.environ.get("OAPIP_AWAY", "30"))
"""Seconds without database."""
LONGEST = AWAY - 5
"""Seconds until the last answer; most come after the ten that a request waits for a lock."""


@pytest.mark.slow
def test_a_locked_sqlite_file(tmp_path: Path, witness: Witness) -> None:
    with LiveServer(tmp_path / "server") as live:
        live.deploy(PACKAGE)
        with Load(live, witness) as load:
            time.sleep(3)
            with begin("lock", Database(f"sqlite:///{live.home / 'oapip.db'}")) as other:
                assert other.stdout is not None and other.stdout.readline() == "locked\n"
                [worker] = [pid for pid, command in live.processes().items() if " worker " in command]
                os.kill(worker, signal.SIGKILL)
                time.sleep(AWAY)
                other.kill()
                other.communicate()
            time.sleep(3)
        report(load)
        assert load.unfit(longest=LONGEST) == []
        assert {answer.status for answer in load.of("GET")} == {200}, "reading does not need the lock"
        assert 503 in {answer.status for answer in load.of("POST")}
        check_accepted_jobs(live, load, witness)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_stopped_postgresql_server(server: Server, tmp_path: Path, witness: Witness) -> None:
    secret = tmp_path / "secret"
    secret.write_text(server.password)
    manager = {"connection": server.new_database(), "connection_password": {"file": str(secret)}}
    with LiveServer(tmp_path / "server", manager) as live:
        live.deploy(PACKAGE)
        with Load(live, witness) as load:
            time.sleep(3)
            server.stop()
            try:
                [worker] = [pid for pid, command in live.processes().items() if " worker " in command]
                os.kill(worker, signal.SIGKILL)
                time.sleep(AWAY)
            finally:
                server.start()
            time.sleep(3)
        report(load)
        assert load.unfit(longest=LONGEST) == []
        assert 503 in {answer.status for answer in load.of("POST")}
        check_accepted_jobs(live, load, witness)


def report(load: Load) -> None:
    for what in ("GET", "POST"):
        answers = load.of(what)
        slowest = max(answer.seconds for answer in answers)
        print(f"{what}: {dict(Counter(answer.status for answer in answers))}, slowest {slowest:.2f} s")
