"""Wrong credentials are counted, so that nobody tries them all."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from ..errors import TooManyRequests

FREE = 5
"""Wrong ones in a row without a wait."""
LONGEST = 300.0
"""Seconds of a wait."""
OF_ADDRESS = 100
"""Wrong ones of one address, whatever the names, in `OF_ADDRESS_TIME`; then none of it is looked at."""
OF_ADDRESS_TIME = 600.0
FORGET = 3600.0
"""Seconds after which wrong ones are forgotten."""
_MOST = 10_000


class Attempts:
    """Counts by a key, for example an address and a name; thread-safe. After `FREE` wrong ones in a row, each doubles
    the time in which no other is looked at, right or wrong.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, key: str) -> None:
        """Raises TooManyRequests while the key has to wait."""
        with self._lock:
            count, last = self._rows.get(key, (0, 0.0))
        left = last + self._pause(count) - self._clock()
        if count and left > 0:
            raise TooManyRequests("too many wrong passwords; wait before you try again", int(left) + 1)

    def wrong(self, key: str) -> None:
        """Count a wrong one."""
        now = self._clock()
        with self._lock:
            count, last = self._rows.get(key, (0, now))
            self._rows[key] = (1 if now - last > FORGET else count + 1, now)
            self._rows.move_to_end(key)
            while len(self._rows) > _MOST:
                self._rows.popitem(last=False)

    def right(self, key: str) -> None:
        """Forget the wrong ones."""
        with self._lock:
            self._rows.pop(key, None)

    @staticmethod
    def _pause(count: int) -> float:
        return 0.0 if count < FREE else min(LONGEST, 2.0 ** min(count - FREE, 20))


class Rate:
    """At most so many in a time by a key; thread-safe.

    Args:
        most: how many.
        seconds: the time.
        clock: monotonic seconds.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._rows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, key: str) -> None:
        """Count one more. Raises TooManyRequests."""
        begun, number = self._counted(key, 1)
        self._refuse(begun, number > self._most)

    def check(self, key: str) -> None:
        """Raises TooManyRequests where one more would be too much; counts nothing."""
        begun, number = self._counted(key, 0)
        self._refuse(begun, number >= self._most)

    def note(self, key: str) -> None:
        """Count one more."""
        self._counted(key, 1)

    def _counted(self, key: str, more: int) -> tuple[float, int]:
        """When the present time began, and how many there are in it."""
        now = self._clock()
        with self._lock:
            begun, number = self._rows.get(key, (now, 0))
            if now - begun >= self._seconds:
                begun, number = now, 0
            if more:
                self._rows[key] = (begun, number + more)
                self._rows.move_to_end(key)
            while len(self._rows) > _MOST:
                self._rows.popitem(last=False)
        return begun, number + more

    def _refuse(self, begun: float, too_many: bool) -> None:
        if too_many:
            left = begun + self._seconds - self._clock()
            raise TooManyRequests("too many requests; wait before you try again", max(0, int(left)) + 1)
