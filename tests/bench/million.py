"""The job list with very many jobs: any page, any filter."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.postgres.server import binaries

from .figures import Figure, below
from .filling import add_jobs, open_database, postgres_databases
from .load import Connection, median
from .reading import LIMIT, SETTLE


def million_jobs(folder: Path, number: int, times: int) -> list[Figure]:
    """The list over SQLite, and over PostgreSQL where its programs are."""
    home = folder / "million"
    database = open_database(home)
    add_jobs(database, number)
    database.close()
    with LiveServer(home, {"retention": {"jobs": 0}}) as server:
        time.sleep(SETTLE)
        figures = _rows(server.url, f"{number} jobs in SQLite", number, times)
    (home / "oapip.db").unlink()
    programs = binaries()
    if programs is None:
        return [*figures, Figure("the same in PostgreSQL", "not measured: there is no initdb")]
    with postgres_databases(programs, 1) as [database]:
        add_jobs(database, number)
        database.close()
        connection = database.address.render_as_string(hide_password=False)
        with LiveServer(home, {"retention": {"jobs": 0}, "connection": connection}) as server:
            time.sleep(SETTLE)
            return figures + _rows(server.url, f"{number} jobs in PostgreSQL", number, times)


def _rows(url: str, where: str, number: int, times: int) -> list[Figure]:
    connection = Connection(url)
    half = (datetime.now(UTC) - timedelta(seconds=number // 2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    paths = {
        "first page": "/jobs",
        "deep page by next links": _deep(connection, number),
        "one status": "/jobs?status=failed",
        "a status that 1 of 100000 has": "/jobs?status=dismissed",
        "a status that none has": "/jobs?status=running",
        "one process": "/jobs?processID=echo-0007",
        "one process, rare status": "/jobs?processID=echo-0007&status=dismissed",
        "three processes": "/jobs?processID=echo-0007,echo-0008,echo-0009",
        "datetime": f"/jobs?datetime=../{half}",
        "minDuration that a fifth has, the oldest": "/jobs?minDuration=3600",
        "minDuration that none has": "/jobs?minDuration=86400",
        "maxDuration": "/jobs?maxDuration=5",
        "all filters at once": "/jobs?processID=echo-0007&status=successful&minDuration=1&maxDuration=9000"
        f"&datetime=../{half}",
    }
    figures = [
        below(f"GET /jobs, {where}: {what}, median", median(connection, [path], times), LIMIT)
        for what, path in paths.items()
    ]
    connection.close()
    return figures


def _deep(connection: Connection, number: int) -> str:
    """A page beyond nine tenths of the list. An offset counts from a cursor, so ten requests reach it."""
    step = number // 10
    path = f"/jobs?limit=10&offset={step}"
    for turn in range(9):
        links = json.loads(connection.get(path))["links"]
        parts = urlsplit(next(link["href"] for link in links if link["rel"] == "next"))
        path = f"{parts.path}?{parts.query}" + (f"&offset={step}" if turn < 8 else "")
    return path
