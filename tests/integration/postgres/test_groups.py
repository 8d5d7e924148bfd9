"""The contract suites of groups and of sealed tokens over PostgreSQL, and processes that race for the last place."""

from __future__ import annotations

import pytest

from pygeoapi_oapip.store.job_tokens import JobTokenStore
from pygeoapi_oapip.store.sql import Database, SqlAccountStore, SqlJobStore, SqlJobTokenStore
from pygeoapi_oapip.testing.group_contract import GroupContract, Grouped
from pygeoapi_oapip.testing.job_token_contract import JobTokenContract
from tests.unit.store.racers import check_that_nobody_slips_through

pytestmark = pytest.mark.postgres


class TestPostgresGroups(GroupContract):
    @pytest.fixture
    def grouped(self, database: Database) -> Grouped:
        return SqlJobStore(database), SqlAccountStore(database)


class TestPostgresJobTokens(JobTokenContract):
    @pytest.fixture
    def tokens(self, database: Database) -> JobTokenStore:
        return SqlJobTokenStore(database)


def test_processes_at_once_do_not_slip_through_the_quotas(database: Database) -> None:
    check_that_nobody_slips_through(database)
