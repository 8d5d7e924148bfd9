"""The Prefer header (RFC 7240), read the way that real clients write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..operations import Preference

_TOKEN = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*')


@dataclass(frozen=True, slots=True)
class Prefer:
    """The preferences of one request; the first of each name counts (RFC 7240 section 2)."""

    tokens: tuple[tuple[str, str], ...]

    @property
    def execution(self) -> Preference:
        """What the service needs to know."""
        return Preference("respond-async" in dict(self.tokens), self.wait)

    @property
    def wait(self) -> float | None:
        """Seconds of `wait=N`; None where it is missing or not a number."""
        text = dict(self.tokens).get("wait", "")
        return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) else None

    def applied(self, asynchronous: bool) -> str:
        """Value of Preference-Applied; "" where no preference had an effect.

        Args:
            asynchronous: True if the answer is 201 with a status, False if it is the results.
        """
        names = dict(self.tokens)
        found = ["respond-async"] if asynchronous and "respond-async" in names else []
        if self.wait is not None and (not asynchronous or "respond-async" not in names):
            found.append(f"wait={names['wait']}")
        return ", ".join(found)


def parse(value: str | None) -> Prefer:
    """Read a Prefer header.

    Args:
        value: the header, several ones joined by commas. Preferences may be parted by comma or semicolon; unknown
            ones (`respond-sync`, `handling=strict`, ...) are kept and have no effect.
    """
    found: dict[str, str] = {}
    position, text = 0, value or ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3] or "")
        position = match.end()
    return Prefer(tuple(found.items()))
