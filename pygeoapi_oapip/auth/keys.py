"""The public keys of an issuer: read when they are needed, again when they grow old or an unknown one is used, and kept
for a time while the issuer cannot be reached."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from ..errors import Unavailable

LOG = logging.getLogger(__name__)

PAUSE = 10.0
"""Seconds between two reads because of a key that is not known, or after one that failed."""

_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""Begin of an algorithm -> type of its keys: an RSA key is never taken for the secret of an HMAC."""
_CURVES = {"Ed25519": "Ed25519", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
MOST_KEYS = 200
FAILED_PAUSE = 3.0
"""Seconds between two tries where there are no keys at all, so that not every request waits for a dead provider."""


@dataclass(frozen=True, slots=True)
class _Row:
    kid: str | None
    kind: str
    algorithm: str | None
    curve: str | None
    key: Key

    def fits(self, kid: str | None, algorithm: str) -> bool:
        return (
            (kid is None or self.kid == kid)
            and self.kind == _KINDS.get(algorithm[:2])
            and self.algorithm in (None, algorithm)
            and _CURVES.get(algorithm) in (None, self.curve)
        )


class KeyRing:
    """The keys of one issuer; thread-safe.

    Args:
        read: reads the JSON Web Key Set; raises Unavailable.
        fresh: seconds after which they are read again.
        kept: seconds after the last successful read for which they count while none succeeds.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, Any]],
        fresh: float,
        kept: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh = fresh
        self._kept = max(kept, fresh)
        self._clock = clock
        self._rows: Sequence[_Row] = ()
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._lock = threading.Lock()

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key for a token; None where the issuer has none.

        Args:
            kid: of the token's header; None: only where one key alone fits the algorithm.
            algorithm: one that the administrator allows.

        Raises:
            Unavailable: no keys are here, and they cannot be read now.
        """
        self._renew()
        found = self._fitting(kid, algorithm)
        if not found and self._may_try(PAUSE):
            self._load(self._tried_at)
            found = self._fitting(kid, algorithm)
        return found[0].key if len(found) == 1 or (found and kid is not None) else None

    def _fitting(self, kid: str | None, algorithm: str) -> list[_Row]:
        return [row for row in self._rows if row.fits(kid, algorithm)]

    def _renew(self) -> None:
        age = self._age()
        if age is None or age >= self._kept:
            self._load(self._tried_at, waiting=True)
        elif age >= self._fresh and self._may_try(PAUSE):
            self._load(self._tried_at)
        age = self._age()
        if age is None or age >= self._kept:
            raise Unavailable("the keys of the identity provider cannot be read now; try again")

    def _age(self) -> float | None:
        return None if self._read_at is None else self._clock() - self._read_at

    def _may_try(self, pause: float) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= pause

    def _load(self, seen: float | None, *, waiting: bool = False) -> None:
        """Read the keys, in one thread at a time; the others go on with the old ones, or wait where there are none."""
        if not self._lock.acquire(blocking=waiting):
            return
        try:
            if self._tried_at != seen or (waiting and not self._may_try(FAILED_PAUSE)):
                return  # another thread has just done it
            try:
                self._rows = _rows(self._read())
                self._read_at = self._clock()
            except Unavailable as fault:
                LOG.warning("the keys of an identity provider could not be read: %s", fault.detail)
            self._tried_at = self._clock()
        finally:
            self._lock.release()


def _rows(document: Mapping[str, Any]) -> list[_Row]:
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise Unavailable("the identity provider gives no key set")
    found = [row for item in keys[:MOST_KEYS] if isinstance(item, dict) and (row := _row(item)) is not None]
    if not found:
        raise Unavailable("the identity provider gives no key that can be used")
    return found


def _row(item: dict[str, Any]) -> _Row | None:
    """A public key for signatures; secrets, private parts and keys for other uses are left out."""
    kind, kid = item.get("kty"), item.get("kid")
    if kind not in _KINDS.values() or item.get("use") not in (None, "sig"):
        return None
    if kind == "RSA" and _bits(item) < 2048:
        return None
    public: dict[str, Any] = {name: item[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in item}
    try:
        key = import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    texts = [item.get(name) if isinstance(item.get(name), str) else None for name in ("alg", "crv")]
    return _Row(kid if isinstance(kid, str) else None, str(kind), texts[0], texts[1], key)


def _bits(item: Mapping[str, Any]) -> int:
    return len(str(item.get("n", ""))) * 6
