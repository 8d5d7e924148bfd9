"""Clients of S3 servers: the only module that loads boto3, when the first of them is needed."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import Any

from ..settings_s3 import S3Access, S3Source, S3Storage

CONNECT, READ = 5.0, 30.0
"""Seconds for connecting, and between two pieces of an answer."""
TRIES = 4
"""Of one request, with pauses; then it is the caller's turn."""
PARALLEL = 10
"""Requests at once of one transfer."""
PART = 8 * 1024**2
"""Bytes of a part of a large file; grows by itself for files of more than 10,000 parts."""

_WAITING = 64
"""Pieces of 256 KiB that wait for the disk; the SDK's 1000 are 250 MiB where the disk is slower than the network."""

_LOCK = threading.Lock()
_QUIET = ("boto3", "botocore", "s3transfer")


def make_client(access: S3Access, seconds: float | None = None, endpoint: str | None = None) -> Any:
    """A client, which threads may share.

    Args:
        access: server and keys. A source without credentials is read unsigned; a storage without finds them by itself.
        seconds: for a look that must not take long: one try with this limit.
        endpoint: in place of that of `access`.
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    for name in _QUIET:
        # in DEBUG these write the headers of requests
        if logging.getLogger(name).level < logging.INFO:
            logging.getLogger(name).setLevel(logging.INFO)
    keys = access.credentials
    unsigned = keys is None and not isinstance(access, S3Storage)
    style = access.addressing if access.addressing != "auto" or not access.endpoint else "path"
    config = Config(
        signature_version=UNSIGNED if unsigned else "s3v4",
        connect_timeout=CONNECT if seconds is None else seconds,
        read_timeout=READ if seconds is None else seconds,
        retries={"mode": "standard", "total_max_attempts": TRIES if seconds is None else 1},
        s3={"addressing_style": style},
        max_pool_connections=4 * PARALLEL,
        user_agent_extra="pygeoapi-oapip",
    )
    with _LOCK:
        # making clients is not thread-safe; one session reads the description of the service once
        return _session().client(
            "s3",
            endpoint_url=endpoint or access.endpoint,
            region_name=access.region,
            aws_access_key_id=keys.access_key if keys else None,
            aws_secret_access_key=keys.secret_key if keys else None,
            aws_session_token=keys.session_token if keys else None,
            config=config,
        )


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()


class Clients:
    """Clients by access, made when they are needed.

    Args:
        sources: where inputs may come from, first match first.
    """

    def __init__(self, sources: tuple[S3Source, ...] = ()) -> None:
        self.sources = sources
        self._made: dict[tuple[int, float | None], Any] = {}
        self._lock = threading.Lock()

    def source(self, bucket: str) -> S3Source | None:
        """How a bucket may be read; None where it may not."""
        from fnmatch import fnmatchcase

        fits = (source for source in self.sources if any(fnmatchcase(bucket, name) for name in source.buckets))
        return next(fits, None)

    def of(self, source: S3Source, seconds: float | None = None) -> Any:
        """The client of a source."""
        key = (self.sources.index(source), seconds)
        with self._lock:
            if key not in self._made:
                self._made[key] = make_client(source, seconds)
            return self._made[key]


def transfers(client: Any, parallel: int = PARALLEL) -> Any:
    """An `s3transfer` manager, to be used in a `with` block: large files go in parts, several at once, and memory
    stays flat."""
    from s3transfer.manager import TransferConfig, TransferManager

    config = TransferConfig(
        multipart_threshold=2 * PART,
        multipart_chunksize=PART,
        max_request_concurrency=parallel,
        max_in_memory_upload_chunks=4,
        max_in_memory_download_chunks=4,
        max_io_queue_size=_WAITING,
    )
    return TransferManager(client, config)
