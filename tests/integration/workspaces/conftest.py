"""A real S3 server with a bucket for each user, and a FAKE workspace API that tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pygeoapi_oapip.testing.fake_workspace_api import FakeWorkspaceApi
from tests.integration.s3.seaweed import SeaweedFS

KEYS = {f"ws-{user}": (f"{user}-key", f"{user}-secret-word") for user in ("alice", "bob")}
"""Each pair of keys opens one bucket."""


def credentials(s3: SeaweedFS, bucket: str) -> Mapping[str, Any]:
    """As the workspace API tells them."""
    access, secret = KEYS[bucket]
    return {
        "endpoint": s3.endpoint,
        "region": "us-east-1",
        "access": access,
        "secret": secret,
        "bucketname": bucket,
    }


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A running S3 server with the buckets of alice and bob."""
    with SeaweedFS(tmp_path_factory.mktemp("s3"), KEYS) as server:
        for bucket in KEYS:
            server.bucket(bucket)
        yield server


@pytest.fixture(scope="session")
def session_api(s3: SeaweedFS) -> Iterator[FakeWorkspaceApi]:
    with FakeWorkspaceApi() as server:
        yield server


@pytest.fixture
def api(session_api: FakeWorkspaceApi, s3: SeaweedFS) -> FakeWorkspaceApi:
    """The fake, as it is when all is well."""
    session_api.workspaces = {bucket: credentials(s3, bucket) for bucket in KEYS}
    session_api.status, session_api.body = 0, None
    session_api.hold.set()
    return session_api
