from __future__ import annotations

from collections.abc import Iterator

import pytest

from .seaweed import SeaweedFS


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A running S3 server with a bucket for inputs."""
    with SeaweedFS(tmp_path_factory.mktemp("s3")) as server:
        server.bucket("inputs")
        yield server
