from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.postgres.conftest import server
from tests.integration.witness import Witness

__all__ = ["server"]


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness")
