"""The contract suites over PostgreSQL."""

from __future__ import annotations

import pytest

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
from pygeoapi_oapip.testing.fair_contract import JobTurnContract, QuotaContract
from pygeoapi_oapip.testing.job_list_contract import JobPagesContract
from pygeoapi_oapip.testing.notification_contract import CreatedJobContract, NotificationContract
from pygeoapi_oapip.testing.store_contract import (
    JobLeaseContract,
    JobListContract,
    JobStoreContract,
    ProcessStoreContract,
)

pytestmark = pytest.mark.postgres


class TestPostgresJobs(
    JobStoreContract,
    JobLeaseContract,
    JobListContract,
    JobPagesContract,
    CreatedJobContract,
    JobTurnContract,
    QuotaContract,
):
    @pytest.fixture
    def jobs(self, database: Database) -> JobStore:
        return SqlJobStore(database)


class TestPostgresProcesses(ProcessStoreContract):
    @pytest.fixture
    def processes(self, database: Database) -> ProcessStore:
        return SqlProcessStore(database)


class TestPostgresNotifications(NotificationContract):
    @pytest.fixture
    def stores(self, database: Database) -> tuple[JobStore, NotificationStore]:
        return SqlJobStore(database), SqlNotificationStore(database)


class TestPostgresAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, database: Database) -> tuple[MovingClock, AccountStore]:
        clock = MovingClock()
        return clock, SqlAccountStore(database, clock=clock)
