"""Tokens that only their issuer understands: it is asked, and its answer counts for a short time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Unavailable

MOST = 10_000
"""Answers in memory."""
GRACE = 900.0
"""Seconds that a token which was valid goes on while its issuer cannot be reached; never longer than it is valid."""
REFUSED_FOR = 10.0
"""Seconds for which a token that was refused is not asked about again."""


class Asking:
    """Answers about tokens; thread-safe. Tokens are kept as digests only.

    Args:
        ask: asks the issuer (RFC 7662); raises Unavailable.
        keep: seconds that an answer counts.
        clock: seconds since 1970.
    """

    def __init__(
        self, ask: Callable[[str], Mapping[str, Any]], keep: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._ask = ask
        self._keep = keep
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, Mapping[str, Any] | None]] = OrderedDict()
        self._lock = threading.Lock()

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """What the issuer says of a token; None where it is not valid. `exp` is always there.

        Raises:
            Unavailable: the issuer cannot be reached, and the token was not seen before.
        """
        key = hashlib.sha256(token.encode()).digest()
        now = self._clock()
        with self._lock:
            asked, known = self._known.get(key, (None, None))
        if asked is not None and now - asked < (self._keep if known else min(self._keep, REFUSED_FOR)):
            return known
        try:
            found = _valid(self._ask(token), now)
        except Unavailable:
            if asked is not None and known and now - asked < self._keep + GRACE and known["exp"] > now:
                return known
            raise
        self._remember(key, now, found)
        return found

    def _remember(self, key: bytes, now: float, found: Mapping[str, Any] | None) -> None:
        with self._lock:
            self._known[key] = (now, found)
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)


def _valid(answer: Mapping[str, Any], now: float) -> Mapping[str, Any] | None:
    """The answer with a time of expiry, as RFC 7662 does not ask for one."""
    if answer.get("active") is not True:
        return None
    return {"exp": now + 3600.0, **{key: value for key, value in answer.items() if value is not None}}
