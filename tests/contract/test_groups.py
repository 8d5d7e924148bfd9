"""The contract suite of groups over stores that need no server, and processes that race for the last place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.store.accounts import MemoryAccountStore
from pygeoapi_oapip.store.memory import MemoryJobStore
from pygeoapi_oapip.store.sql import Database, SqlAccountStore, SqlJobStore, upgrade
from pygeoapi_oapip.testing.group_contract import GroupContract, Grouped
from tests.unit.store.racers import check_that_nobody_slips_through


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/oapip.db", busy_timeout=120)
    upgrade(made)
    return made


class TestMemoryGroups(GroupContract):
    @pytest.fixture
    def grouped(self) -> Grouped:
        accounts = MemoryAccountStore()
        return MemoryJobStore(accounts=accounts), accounts


class TestSqliteGroups(GroupContract):
    @pytest.fixture
    def grouped(self, database: Database) -> Grouped:
        return SqlJobStore(database), SqlAccountStore(database)


def test_processes_at_once_do_not_slip_through_the_quotas(database: Database) -> None:
    check_that_nobody_slips_through(database)
