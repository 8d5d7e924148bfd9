from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.wired.close()


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Site]:
    """Where the anonymous may run public processes."""
    made = Site(tmp_path, anonymous="run")
    yield made
    made.wired.close()
