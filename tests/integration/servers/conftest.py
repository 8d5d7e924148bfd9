"""Two servers over one PostgreSQL database and one folder for jobs, as on two machines with a shared disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pygeoapi_oapip.store.sql import Database
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.postgres.conftest import server
from tests.integration.postgres.server import Server
from tests.integration.witness import PACKAGE, Witness

__all__ = ["server"]

Pair = tuple[LiveServer, LiveServer]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Database]:
    """The database of both."""
    database = Database(server.new_database(), server.password)
    yield database
    database.close()


@pytest.fixture(scope="module")
def running(shared: Database, home: Path) -> Iterator[Pair]:
    secret = home / "secret"
    secret.write_text(str(shared.address.password))
    manager = {
        "connection": shared.address.set(password=None).render_as_string(hide_password=False),
        "connection_password": {"file": str(secret)},
        "output_dir": str(home / "jobs"),
    }
    one, other = (LiveServer(home / name, manager, workers=1) for name in ("server-a", "server-b"))
    with ExitStack() as both:
        for live in (one, other):
            both.callback(live.stop)
            live.start()
        one.deploy(PACKAGE)
        yield one, other


@pytest.fixture
def pair(running: Pair) -> Pair:
    """Both, up."""
    for live in running:
        if not live.running():
            live.start()
    return running


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness")
