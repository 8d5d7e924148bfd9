"""Finished documents by what they depend on: made once, until any process changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock


class Documents:
    """Keeps documents; the least recently used goes first. Keys hold the revision, so nothing is ever stale.

    Args:
        largest: bytes of all together.
    """

    def __init__(self, largest: int = 16 * 1024**2) -> None:
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._largest = largest
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The document of a key, made where it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            if key not in self._kept:
                self._bytes += len(made)
            self._kept[key] = made
            while self._bytes > self._largest and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made
