"""The turn of the threads of one process that write into a SQLite file.

SQLite itself has no queue: who finds the file locked sleeps and tries again. Here the threads wait in line, and only
the first of them tries. A slow disk must not look like a lock: while the first one writes, the others are patient.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import StoreUnavailable
from .faults import BUSY, LOCKED

QUEUE = 4
"""Threads that may wait behind one that is stuck; the others, of eight in a web process, go on reading."""
STUCK = 2.0
"""Seconds after which a thread that cannot begin is certainly waiting for another program."""
SLOWEST = 60.0
"""Seconds that a thread waits for others that do write, one after the other."""
_LOOK = 0.25
"""Seconds between two looks at the state of the line."""


class Turn:
    """One per process and database.

    Args:
        patience: seconds that a thread waits for a lock that another program holds.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
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
            yield max(0.0, self._patience - self._stuck_since(start, time.monotonic()))
        finally:
            self._writing = False
            self._turn.release()

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
