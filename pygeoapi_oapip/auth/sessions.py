"""Logins of browsers: a session is a row in the store and a random text in a cookie, of which the store has the digest
only. A logout ends it in all processes at once."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..model.identity import Principal
from .sealing import Sealer, Unreadable

COOKIE = "oapip-session"
"""Name of the cookie, without what `SessionCookie` puts before it."""
LOGIN_COOKIE = "oapip-login"
LOGIN_TIME = 600.0
"""Seconds that a login may take."""
_TEXT = 43
"""Characters of 32 random bytes."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """How the cookie is set."""

    name: str
    path: str
    secure: bool

    @staticmethod
    def of(base: str) -> SessionCookie:
        """For a server at this URL. Over https a browser takes the cookie from this server only (`__Host-`), and where
        it shares a host with others, shows it to them neither (`__Secure-`, with the path).
        """
        parts = urlsplit(base)
        path, secure = parts.path.rstrip("/") or "/", parts.scheme == "https"
        before = ("__Host-" if path == "/" else "__Secure-") if secure else ""
        return SessionCookie(before + COOKIE, path, secure)


class SessionStore(Protocol):
    """Rows of text by a key, with an end."""

    def put(self, key: str, kind: str, text: str, expires: float) -> None:
        """Keep a row; rows that have ended go."""
        ...

    def get(self, key: str, kind: str, now: float) -> str | None:
        """The text of a row that has not ended."""
        ...

    def take(self, key: str, kind: str, now: float) -> str | None:
        """The same, and the row goes: only one caller gets it."""
        ...


class Sessions:
    """Begins, finds and ends them.

    Args:
        store: keeps them.
        lifetime: seconds after which one has to log in again.
        clock: seconds since 1970.
        sealer: of access tokens; none: sessions keep none.
    """

    def __init__(
        self,
        store: SessionStore,
        lifetime: float,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
    ) -> None:
        self._sealer = sealer
        self._store = store
        self.lifetime = lifetime
        self._clock = clock

    def begin(self, principal: Principal, access: str = "") -> str:
        """A new session; gives the text of its cookie, which nobody has had before.

        Args:
            principal: whose it is.
            access: the access token of the login, which is kept sealed, if at all.
        """
        token = secrets.token_urlsafe(32)
        row: dict[str, Any] = {
            "name": principal.name,
            "roles": sorted(principal.roles),
            "groups": sorted(principal.groups),
        }
        if self._sealer is not None and access:
            row["access"] = self._sealer.seal(_digest(token), access)
        self._store.put(_digest(token), "session", json.dumps(row), self._clock() + self.lifetime)
        return token

    def principal(self, token: str) -> Principal | None:
        """Whose session it is; None where there is none, or not any more. Raises StoreUnavailable."""
        text = self._store.get(_digest(token), "session", self._clock()) if len(token) == _TEXT else None
        if text is None:
            return None
        row = json.loads(text)
        return Principal(row["name"], frozenset(row["roles"]), frozenset(row["groups"]))

    def token(self, token: str) -> str:
        """The access token that a session began with; "" where it has none. Raises StoreUnavailable."""
        text = self._store.get(_digest(token), "session", self._clock()) if len(token) == _TEXT else None
        sealed = None if text is None else json.loads(text).get("access")
        if self._sealer is None or sealed is None:
            return ""
        try:
            return str(self._sealer.open(_digest(token), sealed))
        except Unreadable:
            return ""

    def end(self, token: str) -> None:
        """End a session."""
        self._store.take(_digest(token), "session", self._clock())

    def remember(self, state: str, values: Mapping[str, Any]) -> None:
        """Keep what a login needs when the browser comes back with this state."""
        self._store.put(_digest(state), "login", json.dumps(values), self._clock() + LOGIN_TIME)

    def recall(self, state: str) -> Mapping[str, Any] | None:
        """What was kept, once; None where it was not, or too long ago."""
        text = self._store.take(_digest(state), "login", self._clock())
        return None if text is None else dict(json.loads(text))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
