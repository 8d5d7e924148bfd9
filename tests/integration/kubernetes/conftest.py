from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.required import cannot_run

from .cluster import CannotStart, TestCluster
from .namespace import Namespace


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    try:
        running = TestCluster()
    except CannotStart as reason:
        cannot_run("kubernetes", reason)
    yield running
    running.remove()


@pytest.fixture(scope="module")
def namespace(cluster: TestCluster) -> Iterator[Namespace]:
    # not below pytest's own folders: those are closed to the user of the pods
    made = Namespace(cluster, Path(tempfile.mkdtemp(prefix="volumes-", dir=cluster.folder)))
    made.folder.chmod(0o755)
    yield made
    made.remove()
