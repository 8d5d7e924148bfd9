"""The Prefer header (RFC 7240), read the way that real clients write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import BadRequest
from ..operations import Preference

_TOKEN = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*')
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_KNOWN = {
    "respond-async": re.compile(""),
    "wait": _SECONDS,
    "return": re.compile("minimal|representation"),
    "handling": re.compile("strict|lenient"),
}

Return = Literal["minimal", "representation", ""]


@dataclass(frozen=True, slots=True)
class Prefer:
    """The preferences of one request; the first of each name counts (RFC 7240 section 2)."""

    tokens: tuple[tuple[str, str], ...] = ()

    @property
    def execution(self) -> Preference:
        """What the service needs to know."""
        return Preference("respond-async" in dict(self.tokens), self.wait, self.strict)

    @property
    def wait(self) -> float | None:
        """Seconds of `wait=N`; None where it is missing or not a number."""
        text = dict(self.tokens).get("wait", "")
        return float(text) if _SECONDS.fullmatch(text) else None

    @property
    def strict(self) -> bool:
        """True for `handling=strict`."""
        return dict(self.tokens).get("handling", "").lower() == "strict"

    @property
    def returns(self) -> Return:
        """`minimal`: links in place of contents; `representation`: contents; "" where nothing is said."""
        text = dict(self.tokens).get("return", "").lower()
        return "minimal" if text == "minimal" else ("representation" if text == "representation" else "")

    def require_known(self) -> None:
        """Refuse, where the client asked for strict handling, what this server does not know.

        Raises:
            BadRequest: naming the preference.
        """
        if not self.strict:
            return
        for name, text in self.tokens:
            pattern = _KNOWN.get(name)
            if pattern is None:
                known = ", ".join(_KNOWN)
                raise BadRequest(f"Prefer: {name[:60]} is not known here (known: {known})", location="Prefer")
            if not pattern.fullmatch(text.lower()):
                raise BadRequest(f"Prefer: {name} cannot be {text[:60]!r}", location="Prefer")

    def applied(self, asynchronous: bool, longest: float, results: str = "") -> str:
        """Value of Preference-Applied; "" where no preference had an effect.

        Args:
            asynchronous: True if the answer is 201 with a status, False if it is the results.
            longest: seconds that a request is waited for at most, whatever it asks.
            results: what was applied to the form of the results, for example `return=minimal`.
        """
        names = dict(self.tokens)
        found = ["respond-async"] if asynchronous and "respond-async" in names else []
        if self.wait is not None and (not asynchronous or "respond-async" not in names):
            found.append(f"wait={min(self.wait, longest):g}")
        found += [results] if results else []
        found += self.handling()
        return ", ".join(found)

    def handling(self) -> list[str]:
        """`handling=strict` or `handling=lenient`, if the client said so."""
        text = dict(self.tokens).get("handling", "").lower()
        return [f"handling={text}"] if text in ("strict", "lenient") else []


def parse(value: str | None) -> Prefer:
    """Read a Prefer header.

    Args:
        value: the header, several ones joined by commas. Preferences may be parted by comma or semicolon; unknown
            ones (`respond-sync`, ...) are kept and have no effect.
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
