"""Fills the database of a live server with many processes and jobs, past its doors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from pygeoapi_oapip.model.identity import ANONYMOUS_NAME
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.fetch import refuse_all
from pygeoapi_oapip.store.rows import job_row
from pygeoapi_oapip.store.sql import Database, SqlProcessStore, upgrade
from pygeoapi_oapip.store.tables import jobs as table

ECHO = b"""cwlVersion: v1.2
class: CommandLineTool
id: echo
label: Echo
doc: Repeats a message.
baseCommand: echo
inputs:
  message: {type: string, inputBinding: {}}
  times: {type: int, default: 1}
outputs:
  said: {type: stdout}
"""
_BATCH = 5000


def open_database(home: Path) -> Database:
    """The SQLite database of a server in `home`, made where there is none."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{home / 'oapip.db'}")
    upgrade(database)
    return database


def add_processes(database: Database, number: int) -> None:
    """Deploy `number` processes that differ in their id."""
    store = SqlProcessStore(database)
    process = read_deployment(ECHO, "application/cwl", workflow=None, fetch=refuse_all, max_bytes=10**6)
    for position in range(number):
        store.add(replace(process, id=f"echo-{position:04}"))


def add_jobs(database: Database, number: int) -> str:
    """Add `number` ended jobs, one a second, and give the id of one in the middle."""
    start = datetime.now(UTC) - timedelta(seconds=number + 10)
    middle = ""
    rows = []
    for position in range(number):
        job = Job.new("echo-0000", 1, ANONYMOUS_NAME, "local", {"inputs": {}, "outputs": None, "response": None})
        moment = start + timedelta(seconds=position)
        done = job.advance(Phase.SUCCESSFUL, moment, started=moment, outputs={}, progress=100)
        rows.append(job_row(replace(done, created=moment, version=1)))
        if position == number // 2:
            middle = job.id
        if len(rows) == _BATCH or position == number - 1:
            with database.write() as connection:
                connection.execute(insert(table), rows)
            rows = []
    return middle
