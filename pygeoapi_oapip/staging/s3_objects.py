"""Lists, heads and downloads of objects."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UnresolvableReference
from .s3_address import ObjectAddress
from .s3_client import transfers
from .s3_faults import Fault, fault_of


class Known:
    """Tells `s3transfer` what a list or HEAD has told, so that it does not ask again; with the ETag, all parts of a
    download are of the same object."""

    def __init__(self, size: int, etag: str) -> None:
        self._size = size
        self._etag = etag

    def on_queued(self, future: Any, **_: Any) -> None:
        """Called by `s3transfer`."""
        future.meta.provide_transfer_size(self._size)
        future.meta.provide_object_etag(self._etag)


def listed(client: Any, at: ObjectAddress) -> Iterator[Any]:
    """All objects of a folder: `Key`, `Size`, `LastModified`, `ETag`, by key."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=at.bucket, Prefix=at.folder):
        yield from page.get("Contents", ())


def beside(client: Any, at: ObjectAddress) -> Iterator[ObjectAddress]:
    """Folders whose names begin as that of a folder, and go on with `-`."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=at.bucket, Prefix=f"{at.folder[:-1]}-", Delimiter="/"
    )
    for page in pages:
        for found in page.get("CommonPrefixes", ()):
            yield ObjectAddress(at.bucket, found["Prefix"])


def places(at: ObjectAddress, objects: list[Any], target: Path) -> dict[Path, Any]:
    """The objects of a folder by the same paths below `target`, whose folders are made.

    Raises:
        UnresolvableReference: one object is called as the folder of another one.
        OSError: the disk is full or read-only.
    """
    wanted: dict[Path, Any] = {}
    for item in objects:
        path = item["Key"][len(at.folder) :]
        try:
            (target / path if path.endswith("/") else (target / path).parent).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise _both(at, item["Key"]) from None
        if path and not path.endswith("/"):
            wanted[target / path] = item
    if (both := next((path for path in wanted if path.is_dir()), None)) is not None:
        raise _both(at, wanted[both]["Key"])
    return wanted


def download(client: Any, at: ObjectAddress, objects: list[Any], target: Path) -> None:
    """Download objects of a folder to the same paths below `target`; those that are there already are left.

    Raises:
        UnresolvableReference: one object is called as the folder of another one.
        OSError: the disk is full or read-only.
    """
    wanted = places(at, objects, target)
    times = {path: item["LastModified"].timestamp() for path, item in wanted.items()}
    missing = {path: item for path, item in wanted.items() if not is_copy(path, item["Size"], times[path])}
    with transfers(client) as manager:
        futures = {
            path: manager.download(at.bucket, item["Key"], str(path), None, [Known(item["Size"], item["ETag"])])
            for path, item in missing.items()
        }
        for path, future in futures.items():
            future.result()
            os.utime(path, (time.time(), times[path]))


def is_copy(path: Path, size: int, modified: float) -> bool:
    """True if an earlier try has downloaded the whole object: then the file has its time, too."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size == size and abs(found.st_mtime - modified) < 1e-3


def _both(at: ObjectAddress, key: str) -> UnresolvableReference:
    return UnresolvableReference(f"s3://{at.bucket}: {key[:200]!r} is a file and a folder at the same time")


def head(client: Any, at: ObjectAddress) -> Any:
    """HEAD of an object; None where there is none."""
    from botocore.exceptions import ClientError

    try:
        return client.head_object(Bucket=at.bucket, Key=at.key)
    except ClientError as error:
        if fault_of(error) is Fault.MISSING:
            return None
        raise
