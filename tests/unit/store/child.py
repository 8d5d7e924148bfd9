"""Another process of the server, for tests.

Called as `child.py start|claim|lock URL`; the password comes from the environment."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.store.sql import Database, SqlJobStore, upgrade


def begin(action: str, database: Database) -> subprocess.Popen[str]:
    """Start this file as a process of its own."""
    url = database.address.set(password=None).render_as_string()
    environment = os.environ | {"CHILD_PASSWORD": str(database.address.password or "")}
    return subprocess.Popen(
        [sys.executable, __file__, action, url],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _start(database: Database) -> None:
    """What each process does at its start."""
    upgrade(database)
    SqlJobStore(database).add(Job.new("p", 1, "alice", "local", {}))


def _claim(database: Database) -> None:
    """Claim one job after the other until killed."""
    jobs = SqlJobStore(database)
    now = datetime.now(UTC)
    while True:
        jobs.claim("killed", now + timedelta(hours=1), 1, now)


def _lock(database: Database) -> None:
    """Hold the whole SQLite file until killed."""
    connection = sqlite3.connect(str(database.file), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    action, url = sys.argv[1:]
    {"start": _start, "claim": _claim, "lock": _lock}[action](Database(url, os.environ["CHILD_PASSWORD"] or None))
