"""The contract suite over stores of sealed tokens that need no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.store.job_tokens import JobTokenStore, MemoryJobTokenStore
from pygeoapi_oapip.store.sql import Database, SqlJobTokenStore, upgrade
from pygeoapi_oapip.testing.job_token_contract import JobTokenContract


class TestMemoryJobTokens(JobTokenContract):
    @pytest.fixture
    def tokens(self) -> JobTokenStore:
        return MemoryJobTokenStore()


class TestSqliteJobTokens(JobTokenContract):
    @pytest.fixture
    def tokens(self, tmp_path: Path) -> JobTokenStore:
        database = Database(f"sqlite:///{tmp_path}/oapip.db")
        upgrade(database)
        return SqlJobTokenStore(database)
