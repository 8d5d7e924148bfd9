"""The contract suites over every store that needs no server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.store.accounts import AccountStore, MemoryAccountStore
from pygeoapi_oapip.store.base import JobStore, ProcessStore
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.store.memory_notifications import MemoryNotificationStore
from pygeoapi_oapip.store.notifications import NotificationStore
from pygeoapi_oapip.store.sql import Database, upgrade
from pygeoapi_oapip.testing.account_contract import AccountContract, MovingClock
from pygeoapi_oapip.testing.job_contracts import JobContracts
from pygeoapi_oapip.testing.notification_contract import NotificationContract
from pygeoapi_oapip.testing.store_contract import ProcessStoreContract

from .sql_stores import SqlAccounts, SqlJobs, SqlNotifications, SqlProcesses


class TestMemoryJobs(JobContracts):
    @pytest.fixture
    def jobs(self) -> JobStore:
        return MemoryJobStore()


class TestMemoryProcesses(ProcessStoreContract):
    @pytest.fixture
    def processes(self) -> ProcessStore:
        return MemoryProcessStore()


class TestMemoryNotifications(NotificationContract):
    @pytest.fixture
    def stores(self) -> tuple[JobStore, NotificationStore]:
        jobs = MemoryJobStore()
        return jobs, MemoryNotificationStore(jobs)


class TestMemoryAccounts(AccountContract):
    @pytest.fixture
    def accounts(self) -> tuple[MovingClock, AccountStore]:
        clock = MovingClock()
        return clock, MemoryAccountStore(clock=clock)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(made)
    yield made
    made.close()


class TestSqliteJobs(SqlJobs):
    """SQLite."""


class TestSqliteProcesses(SqlProcesses):
    """SQLite."""


class TestSqliteNotifications(SqlNotifications):
    """SQLite."""


class TestSqliteAccounts(SqlAccounts):
    """SQLite."""
