"""Names of files that come from elsewhere: made safe, and kept apart from each other."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

LONGEST = 200
"""Bytes of a name; file systems take 255, and `.part` is added."""
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


def of_url(url: str) -> str:
    """The last part of the path of a URL as a name; `data` where there is none."""
    name = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].replace("\0", "")
    return shortened(name) if name not in ("", ".", "..") else "data"


def safe(text: str, otherwise: str) -> str:
    """Any text as one name: no separators, no control characters, no dot in front, not too long."""
    return shortened(_UNSAFE.sub("_", text).strip(" ").lstrip(".")) or otherwise


def shortened(name: str) -> str:
    """The end of a name that is too long: it holds the extension."""
    data = name.encode("utf-8", "replace")
    return data[-LONGEST:].decode("utf-8", "ignore")


class Names:
    """Gives each thing in one folder a name of its own, also where large and small letters are the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str, prefix: str = "") -> str:
        """The wanted name, else with the prefix, else with a number.

        Args:
            wanted: a safe name.
            prefix: a safe name too, or "".
        """
        if self._add(wanted):
            return wanted
        name = shortened(f"{prefix}-{wanted}") if prefix else wanted
        stem, dot, end = name.rpartition(".")
        number = 1
        while not self._add(name):
            number += 1
            name = f"{stem[-180:]}-{number}{dot}{end}" if stem else f"{end[-180:]}-{number}"
        return name

    def _add(self, name: str) -> bool:
        key = name.casefold()
        if key in self._taken:
            return False
        self._taken.add(key)
        return True
