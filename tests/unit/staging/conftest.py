from __future__ import annotations

from collections.abc import Iterator

import pytest

from .site import Site
from .small_s3 import SmallS3, small_s3


@pytest.fixture
def s3() -> Iterator[SmallS3]:
    """An S3 server in memory with the bucket `bucket`."""
    with small_s3() as state:
        yield state


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server on this machine."""
    with Site() as made:
        yield made
