"""Objects of a job on their way into the bucket: parallel, in parts, and none twice."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import StorageUnavailable, VersionConflict
from .s3_address import ObjectAddress
from .s3_client import transfers
from .s3_objects import listed
from .s3_plan import Found, Piece

WATCH = 1.0
"""Seconds between two looks whether the objects are still wanted."""
_CHECKSUM = "CRC32"

Reader = Callable[[ObjectAddress], Any]
"""The client that can read an object of another bucket; None where the server can copy it itself."""


class Upload:
    """The upload of one job.

    Args:
        client: of the bucket.
        base: folder of the job in the bucket.
        reader: for objects of other buckets.
        wanted: as in `Storage.publish`.
    """

    def __init__(self, client: Any, base: ObjectAddress, reader: Reader, wanted: Callable[[], bool]) -> None:
        self._client = client
        self._base = base
        self._reader = reader
        self._wanted = wanted
        self._due = 0.0

    def run(self, pieces: Mapping[str, Piece]) -> None:
        """Make the objects that are not there yet, and look that all are there as a whole.

        An object is visible only when all of its bytes have come, and the bytes of a job's outputs do not change once
        it has ended: so one of the right size is one that an earlier try has made.

        Raises:
            StorageUnavailable: one is not as it should be; another try will tell.
            VersionConflict: not wanted any more.
            OSError: a file cannot be read.
            Exceptions of boto3.
        """
        self._check()
        there = self._sizes()
        missing = [piece for piece in pieces.values() if there.get(piece.key) != piece.size]
        if missing:
            abort_parts(self._client, self._base)
            self._transfer(missing)
            there = self._sizes()
        wrong = [piece.key for piece in pieces.values() if there.get(piece.key) != piece.size]
        if wrong:
            raise StorageUnavailable(f"{len(wrong)} results are not whole in the storage (the first: {wrong[0]!r})")

    def _sizes(self) -> dict[str, int]:
        return {item["Key"]: item["Size"] for item in listed(self._client, self._base)}

    def _transfer(self, pieces: Sequence[Piece]) -> None:
        done: SimpleQueue[Any] = SimpleQueue()
        with transfers(self._client) as manager:
            futures = [self._begin(manager, piece, _Told(done)) for piece in pieces]
            for _ in futures:
                self._next(done).result()

    def _begin(self, manager: Any, piece: Piece, told: _Told) -> Any:
        self._check()
        bucket = self._base.bucket
        kind = {"ContentType": piece.media_type} if piece.media_type else {}
        extra = {"ChecksumAlgorithm": _CHECKSUM, **kind}
        if not isinstance(piece.source, Found):
            source = io.BytesIO(b"") if piece.source is None else str(piece.source)
            return manager.upload(source, bucket, piece.key, extra, [told])
        reader, address = self._reader(piece.source.address), piece.source.address
        if reader is None:
            place = {"Bucket": address.bucket, "Key": address.key}
            return manager.copy(place, bucket, piece.key, {}, [told])
        return manager.upload(_Stream(reader, address), bucket, piece.key, extra, [told])

    def _next(self, done: SimpleQueue[Any]) -> Any:
        while True:
            self._check()
            try:
                return done.get(timeout=WATCH)
            except Empty:
                continue

    def _check(self) -> None:
        if time.monotonic() < self._due:
            return
        if not self._wanted():
            raise VersionConflict("the job is dismissed, or another process stores its results")
        self._due = time.monotonic() + WATCH


class _Told:
    """Puts a transfer into a queue when it has ended."""

    def __init__(self, done: SimpleQueue[Any]) -> None:
        self._done = done

    def on_done(self, future: Any, **_: Any) -> None:
        """Called by `s3transfer`."""
        self._done.put(future)


class _Stream:
    """An object of another server as a file that can be read once; opened when its turn has come."""

    def __init__(self, client: Any, address: ObjectAddress) -> None:
        self._client = client
        self._address = address
        self._body: Any = None

    def read(self, amount: int = -1) -> bytes:
        """The next bytes."""
        if self._body is None:
            self._body = self._client.get_object(Bucket=self._address.bucket, Key=self._address.key)["Body"]
        return bytes(self._body.read(None if amount < 0 else amount))


def abort_parts(client: Any, base: ObjectAddress) -> None:
    """Remove the parts of large objects whose upload was broken off: nobody sees them, and they take room."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=base.bucket, Prefix=base.folder):
        for upload in page.get("Uploads", ()):
            if upload["Key"].startswith(base.folder):
                client.abort_multipart_upload(Bucket=base.bucket, Key=upload["Key"], UploadId=upload["UploadId"])


def remove_all(client: Any, base: ObjectAddress) -> None:
    """Remove all objects of a folder, whole ones and parts."""
    assert base.key.strip("/"), "never a whole bucket"
    abort_parts(client, base)
    batch: list[dict[str, str]] = []
    for item in listed(client, base):
        batch.append({"Key": item["Key"]})
        if len(batch) == 1000:
            _remove(client, base.bucket, batch)
            batch = []
    if batch:
        _remove(client, base.bucket, batch)


def _remove(client: Any, bucket: str, batch: Sequence[dict[str, str]]) -> None:
    answer = client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    if errors := [error for error in answer.get("Errors", ()) if error.get("Code") != "NoSuchKey"]:
        raise StorageUnavailable(f"{len(errors)} objects could not be removed ({errors[0].get('Code')})")
