from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from pygeoapi_oapip.store.sql import Database, upgrade

from ..required import cannot_run
from .server import Server, binaries


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    folder = binaries()
    if folder is None or sys.platform == "win32":
        reason = "no PostgreSQL server programs (initdb) in PATH, pg_config --bindir or /usr/lib/postgresql"
        cannot_run("postgres", reason)
    running = Server(folder)
    yield running
    running.remove()


@pytest.fixture
def empty(server: Server) -> Iterator[Database]:
    """A new database without tables."""
    database = Database(server.new_database(), server.password, busy_timeout=30)
    yield database
    database.close()


@pytest.fixture
def database(empty: Database) -> Database:
    upgrade(empty)
    return empty
