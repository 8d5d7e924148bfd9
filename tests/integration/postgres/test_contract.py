"""The contract suites over PostgreSQL."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.store.base import JobStore, ProcessStore
from pygeoapi_oapip.store.notifications import NotificationStore
from pygeoapi_oapip.store.sql import Database, SqlJobStore, SqlNotificationStore, SqlProcessStore
from pygeoapi_oapip.testing.job_list_contract import JobPagesContract
from pygeoapi_oapip.testing.notification_contract import CreatedJobContract, NotificationContract
from pygeoapi_oapip.testing.store_contract import (
    JobLeaseContract,
    JobListContract,
    JobStoreContract,
    ProcessStoreContract,
)

pytestmark = pytest.mark.postgres


class TestPostgresJobs(JobStoreContract, JobLeaseContract, JobListContract, JobPagesContract, CreatedJobContract):
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
