"""Stored objects on their way out: ranges, breaks that are mended, folders as archives made while they are sent."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from ..errors import StorageUnavailable
from .s3_address import ObjectAddress
from .s3_faults import serving

CHUNK = 1 << 18
MENDS = 5
"""Breaks in a row, without a byte between them, after which the rest is given up."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every member, so that the same content always gives the same archive."""


@dataclass(frozen=True, slots=True)
class ObjectContent:
    """One object."""

    client: Any
    address: ObjectAddress
    size: int
    etag: str
    modified: datetime

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """As `Content.pieces`; where the connection breaks, the rest is asked for anew."""
        end = self.size if length is None else min(self.size, start + length)
        at, breaks = start, 0
        while at < end:
            try:
                for piece in self._from(at, end):
                    at, breaks = at + len(piece), 0
                    yield piece
            except StorageUnavailable:
                breaks += 1
                if at == start or breaks > MENDS:
                    raise
                time.sleep(min(4.0, 0.25 * 2**breaks))

    def _from(self, start: int, end: int) -> Iterator[bytes]:
        with serving(self.address.name):
            answer = self.client.get_object(
                Bucket=self.address.bucket,
                Key=self.address.key,
                Range=f"bytes={start}-{end - 1}",
                IfMatch=f'"{self.etag}"',
            )
            with closing(answer["Body"]) as body:
                while piece := body.read(CHUNK):
                    yield piece


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    path: str
    content: ObjectContent


@dataclass(frozen=True, slots=True)
class ArchiveContent:
    """A folder as a zip archive; nothing is kept on this machine."""

    name: str
    members: Sequence[Member]

    @property
    def size(self) -> None:
        """Known at the end."""
        return None

    @property
    def etag(self) -> str:
        """Of the names and the bytes of the members."""
        rows = "\n".join(f"{member.path}\t{member.content.etag}" for member in self.members)
        return sha256(f"{self.name}\n{rows}".encode("utf-8", "replace")).hexdigest()[:32]

    @property
    def modified(self) -> datetime | None:
        """Of the newest member."""
        return max((member.content.modified for member in self.members), default=None)

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The whole archive; `start` and `length` do not count."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member in self.members:
                info = zipfile.ZipInfo(f"{self.name}/{member.path}", _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(info, "w", force_zip64=True) as part:
                    for piece in member.content.pieces():
                        part.write(piece)
                        yield from sink.drained()
                yield from sink.drained()
        yield from sink.drained()


class _Sink(io.RawIOBase):
    """Takes what `zipfile` writes, which then goes on without seeking."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._held.append(bytes(piece))
        return len(piece)

    def drained(self) -> Iterator[bytes]:
        """What was written since the last call."""
        held, self._held = b"".join(self._held), []
        if held:
            yield held
