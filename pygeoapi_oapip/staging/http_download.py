"""One file over http, in pieces of bounded size: a connection that breaks is taken up where it broke.

RFC 9110: Range and If-Range (13.1.5, 14), so that what is added is of the same file.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import requests

from ..errors import Unavailable, UnresolvableReference
from .transfer import Intake

CHUNK = 1 << 18
TRIES = 5
"""Breaks in a row without progress; then it is the caller's turn."""
PROGRESS = 1 << 20
"""Bytes after which a break does not count."""
WINDOW = 60.0
"""Seconds over which a slow server is measured."""
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")

Ask = Callable[[Mapping[str, str]], AbstractContextManager[requests.Response]]
"""Asks with further headers; answers other than 200, 206, 304 and 416 are raised."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the server said of a file that was read."""

    url: str
    """After redirects."""
    media_type: str
    etag: str
    modified: str
    stored: bool
    """True where it may be kept for others."""
    unchanged: bool = False
    """True: it is still the one that the conditions name, and nothing was read."""


@dataclass(slots=True)
class Download:
    """Reads `url` into a file, which an earlier try may have begun.

    Args:
        ask: sends the request.
        url: for messages.
        target: the file. Beside it, `.of` tells what it is a part of.
        intake: limits.
        least: bytes per second; a server that is slower over `WINDOW` seconds counts as away.
    """

    ask: Ask
    url: str
    target: Path
    intake: Intake
    least: int = 0
    _counted: int = 0

    def run(self, conditions: Mapping[str, str]) -> Arrived:
        """Read it, whole.

        Args:
            conditions: headers for the answer "not modified".

        Raises:
            Unavailable: it broke off too often.
            UnresolvableReference, TooLarge, Stopped, OSError.
        """
        breaks = 0
        while True:
            before = self._size()
            try:
                arrived = self._once(conditions)
            except Unavailable:
                grown = self._size() - before
                breaks = 0 if grown >= PROGRESS else breaks + 1
                if breaks >= TRIES or not self._size():
                    raise
                self.intake.transfer.pause(0.1 * 2**breaks)
                self.intake.look()
            else:
                self._note.unlink(missing_ok=True)
                return arrived

    @property
    def _note(self) -> Path:
        return self.target.with_name(self.target.name + ".of")

    def _size(self) -> int:
        return self.target.stat().st_size if self.target.exists() else 0

    def _once(self, conditions: Mapping[str, str]) -> Arrived:
        begun = self._begun()
        asked = {"Range": f"bytes={self._size()}-", "If-Range": begun} if begun else dict(conditions)
        with self.ask({"Accept-Encoding": "identity", **asked}) as response:
            if response.status_code == 304 and conditions and not begun:
                return _arrived(response, unchanged=True)
            total = self._start(response, bool(begun))
            self._write(response, total)
            return _arrived(response)

    def _begun(self) -> str:
        """What the part that is there belongs to; "" where it cannot be used."""
        try:
            note = json.loads(self._note.read_bytes())
            if self._size() and note["url"] == self.url:
                self._count()
                return str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self._drop()
        return ""

    def _drop(self) -> None:
        self.target.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._count()

    def _count(self) -> None:
        size = self._size()
        counted, self._counted = self._counted, size
        self.intake.moved(self.url, size - counted)

    def _start(self, response: requests.Response, ranged: bool) -> int | None:
        """Make the file ready for the body. Returns its size at the end, where that is known."""
        if response.status_code == 206 and ranged:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if found is not None and int(found[1]) == self._size() and not _encoded(response):
                return int(found[2])
        elif response.status_code == 200:
            self._drop()
            self._remember(response)
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isdigit() and not _encoded(response) else None
        if not ranged:
            raise UnresolvableReference(f"{self.url} answers {response.status_code}")
        self._drop()
        raise Unavailable(f"{self.url} has changed while it was read")

    def _remember(self, response: requests.Response) -> None:
        etag = response.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        if validator and not _encoded(response):
            self._note.write_text(json.dumps({"url": self.url, "validator": validator}), encoding="utf-8")

    def _write(self, response: requests.Response, total: int | None) -> None:
        if total is not None:
            self.intake.expect(self.url, total - self._size(), self.target.parent)
        pace = _Pace(self.url, self.least)
        with self.target.open("ab") as file:
            while piece := response.raw.read1(CHUNK, decode_content=True):
                file.write(piece)
                self._counted += len(piece)
                self.intake.moved(self.url, len(piece))
                pace.moved(len(piece))
        if total is not None and self._size() != total:
            raise Unavailable(f"{self.url} broke off after {self._size()} of {total} bytes")


class _Pace:
    """Ends a download that would never end."""

    def __init__(self, url: str, least: int) -> None:
        self._url = url
        self._least = least
        self._since, self._bytes = time.monotonic(), 0

    def moved(self, count: int) -> None:
        self._bytes += count
        passed = time.monotonic() - self._since
        if passed >= WINDOW:
            if self._bytes < self._least * passed:
                raise Unavailable(f"{self._url} sends less than {self._least} bytes per second (staging.min_rate)")
            self._since, self._bytes = time.monotonic(), 0


def _encoded(response: requests.Response) -> bool:
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"


def _arrived(response: requests.Response, unchanged: bool = False) -> Arrived:
    control = {part.strip().lower() for part in response.headers.get("Cache-Control", "").split(",")}
    return Arrived(
        response.url,
        response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        response.headers.get("ETag", ""),
        response.headers.get("Last-Modified", ""),
        not control & {"no-store", "private"},
        unchanged,
    )
