"""The contract suites over PostgreSQL."""

from __future__ import annotations

import pytest

from tests.contract.sql_stores import SqlAccounts, SqlJobs, SqlNotifications, SqlProcesses

pytestmark = pytest.mark.postgres


class TestPostgresJobs(SqlJobs):
    """PostgreSQL."""


class TestPostgresProcesses(SqlProcesses):
    """PostgreSQL."""


class TestPostgresNotifications(SqlNotifications):
    """PostgreSQL."""


class TestPostgresAccounts(SqlAccounts):
    """PostgreSQL."""
