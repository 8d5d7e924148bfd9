"""Databases with very many processes and jobs, filled by the database itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from string import Template

import psycopg
from sqlalchemy import insert
from sqlalchemy.schema import CreateIndex, DropIndex

from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.fetch import refuse_all
from pygeoapi_oapip.store.rows import job_row
from pygeoapi_oapip.store.sql import Database, SqlProcessStore, upgrade
from pygeoapi_oapip.store.tables import jobs
from tests.integration.postgres.server import Server

ECHO = b"""cwlVersion: v1.2
class: CommandLineTool
id: say
label: Echo
doc: Repeats a message.
baseCommand: echo
inputs:
  message: {type: string, inputBinding: {}}
  times: {type: int, default: 1}
outputs:
  said: {type: stdout}
"""
_STATE = (
    '{"message":"","problem":null,"run":null,"usage":{"cpu_seconds":0.1},'
    '"steps":[["echo","succeeded",1767225600000000,1767225601000000,0]]}'
)
_REQUEST = '{"inputs":{"message":"hello"},"outputs":null,"response":null}'
# one job a second; of each 100,000 one is dismissed; one of ten failed; the oldest fifth ran for more than an hour, the
# others for less than a minute
_STATUS = "CASE WHEN n % 100000 = 7 THEN 'dismissed' WHEN n % 10 = 3 THEN 'failed' ELSE 'successful' END"
_CREATED = "$now - ($number - n) * CAST(1000000 AS BIGINT)"
_SECONDS = "CASE WHEN n < $number / 5 THEN 3600 + n % 977 ELSE n % 60 END"
_ROWS = f"""
INSERT INTO jobs (id, process_id, process_revision, owner, engine, phase, goal, status, ended, created, updated,
  started, finished, progress, attempts, version, state, outputs, request)
$series SELECT $identifier, 'echo-' || $padded, 1, $owner, 'local', {_STATUS}, 'run', {_STATUS}, $true,
  {_CREATED}, $now, {_CREATED}, {_CREATED} + ({_SECONDS}) * CAST(1000000 AS BIGINT),
  100, 0, 5, '{_STATE}', '{{}}', '{_REQUEST}' FROM $source"""
_SQLITE = {
    "series": "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < $number - 1)",
    "identifier": "lower(hex(randomblob(4)) || '-' || hex(randomblob(12)))",
    "padded": "substr('000' || (n % 1000), -4)",
    "source": "s",
    "true": "1",
}
_POSTGRES = {
    "series": "",
    "identifier": "gen_random_uuid()::text",
    "padded": "lpad((n % 1000)::text, 4, '0')",
    "source": "generate_series(0, $number - 1) AS s(n)",
    "true": "true",
}


def open_database(home: Path) -> Database:
    """The SQLite database of a server in `home`, made where there is none."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{home / 'oapip.db'}")
    upgrade(database)
    return database


@contextmanager
def postgres_databases(programs: Path, number: int) -> Iterator[list[Database]]:
    """Databases of a PostgreSQL server that lives as long as the block.

    Args:
        programs: the folder of `initdb`.
        number: how many.
    """
    server = Server(programs)
    try:
        made = [Database(server.new_database(), server.password) for _ in range(number)]
        for database in made:
            upgrade(database)
        yield made
        for database in made:
            database.close()
    finally:
        server.remove()


def add_processes(database: Database, number: int) -> None:
    """Deploy `number` processes that differ in their id."""
    store = SqlProcessStore(database)
    process = read_deployment(ECHO, "application/cwl", workflow=None, fetch=refuse_all, max_bytes=10**6)
    for position in range(number):
        store.add(replace(process, id=f"echo-{position:04}"))


def add_jobs(database: Database, number: int, owner: str = "'anonymous'") -> None:
    """Add `number` ended jobs, one a second until now. Their indexes are made afterwards, as that is faster.

    Args:
        database: where.
        number: how many.
        owner: in the words of SQL; `$padded` are four digits.
    """
    words = _SQLITE if database.sqlite else _POSTGRES
    text = Template(_ROWS.replace("$owner", owner)).safe_substitute(words)
    text = Template(text).substitute(now=int(time.time() * 1_000_000), number=number)
    with database.write(durable=False) as transaction:
        indexes = sorted(jobs.indexes, key=lambda index: str(index.name))
        for index in indexes:
            transaction.execute(DropIndex(index))
        transaction.exec_driver_sql(text if database.sqlite else text.replace("%", "%%"))
        for index in indexes:
            transaction.execute(CreateIndex(index))
    if not database.sqlite:
        url = database.address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE jobs")


def add_queued(database: Database, made: Sequence[Job]) -> None:
    """Add jobs that wait for their turn, in one transaction."""
    with database.write(durable=False) as connection:
        connection.execute(insert(jobs), [job_row(replace(job, version=1)) for job in made])


def some_jobs(database: Database, number: int) -> Sequence[str]:
    """The ids of `number` jobs in the middle of the list."""
    with database.read() as connection:
        half = connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one() // 2
        query = f"SELECT id FROM jobs ORDER BY created LIMIT {number} OFFSET {half - number // 2}"
        return [row[0] for row in connection.exec_driver_sql(query)]
