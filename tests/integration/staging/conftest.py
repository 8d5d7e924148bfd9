from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.s3.seaweed import SeaweedFS
from tests.unit.staging.site import Site


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A running S3 server with a bucket for inputs."""
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("inputs")
        yield server


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server."""
    with Site() as made:
        yield made
