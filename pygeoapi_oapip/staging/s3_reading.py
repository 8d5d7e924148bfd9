"""Objects that become inputs: several at once, within the limits of the input, from the cache where they are there."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cache import FileCache, key_of
from .s3_client import transfers
from .s3_objects import Known, is_copy
from .transfer import Intake

_AHEAD = 200
"""Downloads that are begun and not yet finished; a folder may have many more objects."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object as a list or HEAD tells of it."""

    bucket: str
    key: str
    size: int
    etag: str
    modified: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key[:200]}"


class _Counting(Known):
    """Counts the bytes of one object while they come; its error ends the download."""

    def __init__(self, found: Found, intake: Intake) -> None:
        super().__init__(found.size, found.etag)
        self._found = found
        self._intake = intake

    def on_progress(self, future: Any, bytes_transferred: int, **_: Any) -> None:
        """Called by `s3transfer`, with a negative number where a part is read again."""
        self._intake.moved(str(self._found), bytes_transferred)


class ObjectReader:
    """Downloads objects with one client.

    Args:
        client: for their bucket.
        scope: what the client reads with: server and account. Files are shared within it.
        intake: limits of the input.
        cache: where files are kept for further jobs.
    """

    def __init__(self, client: Any, scope: tuple[str, str], intake: Intake, cache: FileCache | None) -> None:
        self._client = client
        self._scope = scope
        self._intake = intake
        self._cache = cache

    def read(self, objects: Iterable[tuple[Found, Path]]) -> None:
        """Put each object at its path; those that are there already are left.

        Raises:
            TooLarge, Unavailable, Stopped, OSError, and what the SDK raises.
        """
        manager = self._intake.transfer.keep(("s3", id(self._client)), lambda: transfers(self._client))
        running: deque[tuple[Found, Path, Any]] = deque()
        try:
            for found, path in objects:
                self._intake.look()
                if is_copy(path, found.size, found.modified) or self._taken(found, path):
                    continue
                self._intake.expect(str(found), found.size, path.parent)
                watch = [_Counting(found, self._intake)]
                running.append((found, path, manager.download(found.bucket, found.key, str(path), subscribers=watch)))
                if len(running) > _AHEAD:
                    self._finish(*running.popleft())
            while running:
                self._finish(*running.popleft())
        finally:
            self._end(running)

    def _finish(self, found: Found, path: Path, future: Any) -> None:
        future.result()
        os.utime(path, (time.time(), found.modified))
        if self._cache is not None:
            self._cache.put(self._key(found), _version(found), path, {"size": found.size})

    def _end(self, running: Iterable[tuple[Found, Path, Any]]) -> None:
        """After an error: nothing is written any more when this returns."""
        rest = [future for _, _, future in running]
        for future in rest:
            future.cancel()
        for future in rest:
            # the first error is told; those of the others are what `cancel` makes
            with suppress(Exception):
                future.result()

    def _taken(self, found: Found, path: Path) -> bool:
        if self._cache is None or not self._cache.take(self._key(found), _version(found), found.size, path):
            return False
        os.utime(path, (time.time(), found.modified))
        return True

    def _key(self, found: Found) -> str:
        return key_of("s3", *self._scope, found.bucket, found.key)


def _version(found: Found) -> str:
    return f"{found.etag} {found.modified}"
