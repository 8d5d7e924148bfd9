"""The contract suites over every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.store.accounts import AccountStore, MemoryAccountStore
from pygeoapi_oapip.store.base import JobStore, ProcessStore
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.store.memory_notifications import MemoryNotificationStore
from pygeoapi_oapip.store.notifications import NotificationStore
from pygeoapi_oapip.store.sql import (
    Database,
    SqlAccountStore,
    SqlJobStore,
    SqlNotificationStore,
    SqlProcessStore,
    upgrade,
)
from pygeoapi_oapip.testing.account_contract import AccountContract, MovingClock
from pygeoapi_oapip.testing.fair_contract import JobTurnContract, QuotaContract
from pygeoapi_oapip.testing.job_list_contract import JobPagesContract
from pygeoapi_oapip.testing.notification_contract import CreatedJobContract, NotificationContract
from pygeoapi_oapip.testing.store_contract import (
    JobLeaseContract,
    JobListContract,
    JobStoreContract,
    ProcessStoreContract,
)


class _Jobs(
    JobStoreContract,
    JobLeaseContract,
    JobListContract,
    JobPagesContract,
    CreatedJobContract,
    JobTurnContract,
    QuotaContract,
):
    pass


class TestMemoryJobs(_Jobs):
    @pytest.fixture
    def jobs(self) -> JobStore:
        return MemoryJobStore()


class TestMemoryProcesses(ProcessStoreContract):
    @pytest.fixture
    def processes(self) -> ProcessStore:
        return MemoryProcessStore()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/oapip.db")
    upgrade(database)
    yield database
    database.close()


class TestSqliteJobs(_Jobs):
    @pytest.fixture
    def jobs(self, sqlite: Database) -> JobStore:
        return SqlJobStore(sqlite)


class TestSqliteProcesses(ProcessStoreContract):
    @pytest.fixture
    def processes(self, sqlite: Database) -> ProcessStore:
        return SqlProcessStore(sqlite)


class TestMemoryNotifications(NotificationContract):
    @pytest.fixture
    def stores(self) -> tuple[JobStore, NotificationStore]:
        jobs = MemoryJobStore()
        return jobs, MemoryNotificationStore(jobs)


class TestSqliteNotifications(NotificationContract):
    @pytest.fixture
    def stores(self, sqlite: Database) -> tuple[JobStore, NotificationStore]:
        return SqlJobStore(sqlite), SqlNotificationStore(sqlite)


class TestMemoryAccounts(AccountContract):
    @pytest.fixture
    def accounts(self) -> tuple[MovingClock, AccountStore]:
        clock = MovingClock()
        return clock, MemoryAccountStore(clock=clock)


class TestSqliteAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, sqlite: Database) -> tuple[MovingClock, AccountStore]:
        clock = MovingClock()
        return clock, SqlAccountStore(sqlite, clock=clock)
