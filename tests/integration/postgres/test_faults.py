"""What a server does when its PostgreSQL goes away, comes back, or is at work for others."""

from __future__ import annotations

import psycopg
import pytest

from pygeoapi_oapip.errors import StoreUnavailable
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.store.migrations import HEAD, create, migrate
from pygeoapi_oapip.store.sql import Database, SqlJobStore, SqlProcessStore
from pygeoapi_oapip.testing.store_contract import NOON, job_at
from tests.unit.store.processes import (
    check_that_a_killed_claimer_leaves_whole_leases,
    check_that_many_start_at_once,
)
from tests.unit.store.schemas import schema_of

from .server import Server

pytestmark = pytest.mark.postgres


def test_it_goes_on_after_the_server_was_away(server: Server, database: Database) -> None:
    jobs = SqlJobStore(database)
    job = jobs.add(job_at())
    server.stop()
    try:
        with pytest.raises(StoreUnavailable, match="cannot be reached") as error:
            jobs.get(job.id, EVERYTHING)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            jobs.add(job_at())
        assert str(server.port) not in error.value.detail and server.password not in error.value.detail
    finally:
        server.start()
    assert jobs.get(job.id, EVERYTHING) == job
    assert jobs.save(job).version == 2


def test_a_wrong_password_is_refused_without_being_shown(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(server.url(), "no-such-secret")
    with pytest.raises(StoreUnavailable) as error:
        SqlProcessStore(database).revision()
    assert "no-such-secret" not in repr(database) + error.value.detail + caplog.text


def test_a_missing_table_is_named_as_such(empty: Database) -> None:
    with pytest.raises(StoreUnavailable, match="no tables"):
        SqlProcessStore(empty).revision()


def test_a_locked_row_ends_in_a_fault_and_then_works(database: Database, server: Server) -> None:
    jobs = SqlJobStore(database)
    job = jobs.add(job_at())
    hasty = Database(_plain(database), server.password, busy_timeout=2.0)
    with psycopg.connect(_plain(database).replace("+psycopg", ""), password=server.password) as other:
        other.execute("SELECT 1 FROM jobs FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            SqlJobStore(hasty).save(job)
        hasty.close()
        assert list(jobs.claim("w", NOON, 1, NOON)) == []
    assert jobs.save(job).version == 2


def test_the_steps_make_the_same_tables(empty: Database, server: Server) -> None:
    with empty.write() as connection:
        create(connection)
        at_once = schema_of(connection)
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        migrate(connection, HEAD)
        assert schema_of(connection) == at_once


def test_many_processes_start_at_once(empty: Database) -> None:
    check_that_many_start_at_once(empty)


def test_a_killed_claimer_leaves_whole_leases(database: Database) -> None:
    check_that_a_killed_claimer_leaves_whole_leases(database)


def _plain(database: Database) -> str:
    return database.address.set(password=None).render_as_string(hide_password=False)
