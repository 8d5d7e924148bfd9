"""The contract suites over the stores in a database, for any database: the fixture `database` is an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from pygeoapi_oapip.retention import Limits, Retention
from pygeoapi_oapip.store.accounts import AccountStore
from pygeoapi_oapip.store.base import JobStore, ProcessStore
from pygeoapi_oapip.store.notifications import NotificationStore
from pygeoapi_oapip.store.sql import (
    Database,
    SqlAccountStore,
    SqlJobStore,
    SqlNotificationStore,
    SqlProcessStore,
)
from pygeoapi_oapip.testing.account_contract import AccountContract, MovingClock
from pygeoapi_oapip.testing.fair_contract import of
from pygeoapi_oapip.testing.job_contracts import JobContracts
from pygeoapi_oapip.testing.notification_contract import NotificationContract
from pygeoapi_oapip.testing.store_contract import NOON, SECOND, ProcessStoreContract, ended


class SqlJobs(JobContracts):
    @pytest.fixture
    def jobs(self, database: Database) -> JobStore:
        return SqlJobStore(database)

    def test_retention_reads_no_jobs_of_those_who_have_few(self, database: Database, jobs: JobStore) -> None:
        """However many they are: one statement counts, and pages are read of one user alone."""
        for number in range(40):
            ended(jobs, jobs.add(of(f"user{number % 8}", number), durable=False))
        retention = Retention(jobs, Limits(jobs_per_user=5))
        with statements(database) as asked:
            assert retention.expired() == []
        assert len(asked) == 1 and "GROUP BY" in asked[0]
        first = ended(jobs, jobs.add(replace(of("user3", 0), created=NOON - SECOND)))
        with statements(database) as asked:
            assert [found.job_id for found in retention.expired()] == [first.id]
        # who has too many, a page of his jobs (in PostgreSQL two statements), and the one that goes
        assert len(asked) <= 4, asked


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What the database is asked."""
    asked: list[str] = []

    def seen(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "FROM jobs" in statement:  # PostgreSQL is told how a transaction is to be read, too
            asked.append(statement)

    with database.read() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", seen)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", seen)


class SqlProcesses(ProcessStoreContract):
    @pytest.fixture
    def processes(self, database: Database) -> ProcessStore:
        return SqlProcessStore(database)


class SqlNotifications(NotificationContract):
    @pytest.fixture
    def stores(self, database: Database) -> tuple[JobStore, NotificationStore]:
        return SqlJobStore(database), SqlNotificationStore(database)


class SqlAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, database: Database) -> tuple[MovingClock, AccountStore]:
        clock = MovingClock()
        return clock, SqlAccountStore(database, clock=clock)
