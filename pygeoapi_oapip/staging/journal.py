"""What is done, remembered across the end of a process: a file to which lines are added."""

from __future__ import annotations

import threading
from hashlib import sha256
from pathlib import Path


class Journal:
    """A set of texts in a file. A line that a crash cut short counts as not written. Thread-safe.

    Args:
        path: made when the first text is added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._known = set(path.read_text(encoding="ascii", errors="replace").split("\n")[:-1])
        except FileNotFoundError:
            self._known = set()

    def has(self, text: str) -> bool:
        """True if `add` was called with it."""
        return _line(text) in self._known

    def add(self, text: str) -> None:
        """Remember a text. Raises OSError."""
        line = _line(text)
        with self._lock:
            if line not in self._known:
                with self._path.open("a", encoding="ascii") as file:
                    file.write(f"{line}\n")
                self._known.add(line)


def _line(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
