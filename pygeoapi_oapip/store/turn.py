"""The turn to write into a SQLite file.

SQLite itself has no queue: who finds the file locked sleeps and tries again, and one process that writes without a
pause can keep all others out. Here the threads of a process wait in line, and a process that had the turn lets in
another one that waits, by locks on a file beside the database. Other programs do not take part in that: the turn is a
courtesy among ours, the lock of SQLite decides.

A slow disk must not look like a lock: while one of this process writes, the others are patient.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import StoreUnavailable
from .faults import BUSY, LOCKED

QUEUE = 4
"""Threads that may wait behind one that is stuck; the others, of eight in a web process, go on reading."""
STUCK = 4.0
"""Seconds after which a thread that cannot begin is certainly waiting for another program."""
SLOWEST = 60.0
"""Seconds that a thread waits for others that do write, one after the other."""
_LOOK = 0.25
"""Seconds between two looks at the state of the line."""
_PAUSE = 0.002
"""Seconds between two tries to get the turn from another process."""
_HELD, _WANTED = 0, 1
"""Bytes of the file: locked by the process that has the turn; locked, shared, by those that wait for it."""


def _try(file: int, mode: int, byte: int) -> bool:
    try:
        fcntl.lockf(file, mode | fcntl.LOCK_NB, 1, byte)
    except OSError:
        return False
    return True


class Turn:
    """One per process and database.

    Args:
        patience: seconds that a thread waits for a lock that another program holds.
        file: path of the file that processes lock in turn; made at the first use. None: other processes do not matter.
    """

    def __init__(self, patience: float, file: str | None = None) -> None:
        self._patience = patience
        self._file = file
        self._descriptor: int | None = None
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._waiting = 0
        self._writing = False
        self._moved = 0.0

    @contextmanager
    def taken(self) -> Iterator[float]:
        """The turn to write; gives the seconds that may be waited for the lock of the database.

        Raises:
            StoreUnavailable: it did not come in time, or too many wait for it already.
        """
        start = time.monotonic()
        if not self._turn.acquire(blocking=False):
            self._wait(start)
        try:
            with self._among_processes(start):
                yield self._left(start)
        finally:
            if self._writing:
                self._writing, self._moved = False, time.monotonic()
            self._turn.release()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _among_processes(self, start: float) -> Iterator[None]:
        """Hold the first byte of the file. Without a file (a read-only disk has none) there is no such turn.

        These are POSIX locks: they belong to the process, so that no forked child keeps them.
        """
        file = self._opened()
        if file is None:
            yield
            return
        if not _try(file, fcntl.LOCK_EX, _HELD):
            self._wait_for(file, start)
        try:
            yield
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _HELD)
            if not _try(file, fcntl.LOCK_EX, _WANTED):
                time.sleep(2 * _PAUSE)  # another process waits: it looks once in this time
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _WANTED)

    def _wait_for(self, file: int, start: float) -> None:
        _try(file, fcntl.LOCK_SH, _WANTED)
        try:
            while not _try(file, fcntl.LOCK_EX, _HELD):
                if self._left(start) <= 0:
                    raise StoreUnavailable(LOCKED)
                time.sleep(_PAUSE)
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, _WANTED)

    def _opened(self) -> int | None:
        if self._file is not None and self._descriptor is None:
            with suppress(OSError):
                self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor

    def _left(self, start: float) -> float:
        return max(0.0, self._patience - self._stuck_since(start, time.monotonic()))

    def begun(self) -> None:
        """The holder has the lock of the database, and writes from now on."""
        self._writing = True
        self._moved = time.monotonic()

    def _stuck_since(self, start: float, now: float) -> float:
        """Seconds of this wait in which nobody of this process could begin."""
        return now - max(start, self._moved)

    def _wait(self, start: float) -> None:
        with self._count:
            self._waiting += 1
        try:
            while not self._turn.acquire(timeout=_LOOK):
                self._lose_patience(start)
        finally:
            with self._count:
                self._waiting -= 1

    def _lose_patience(self, start: float) -> None:
        now = time.monotonic()
        if now - start > SLOWEST:
            raise StoreUnavailable(BUSY)
        if self._writing:
            return
        stuck = self._stuck_since(start, now)
        if stuck >= self._patience or (self._waiting > QUEUE and stuck > min(STUCK, self._patience / 2)):
            raise StoreUnavailable(LOCKED)
