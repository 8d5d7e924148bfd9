"""Tokens of users for other services: the issuer gives them for the token of a request (RFC 8693)."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..settings_auth import Exchange, TokenFor
from .provider import ProviderClient

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
UNSAID = 300.0
"""Seconds that a token counts whose end nobody tells."""
EARLY = 30.0
"""Seconds before its end in which a token is not used any more: a request on its way takes time."""
LONGEST = 16 * 1024
MOST = 1000
"""Tokens in memory, for further jobs of their users."""


class NotGiven(Exception):
    """The issuer refuses; the text says why, as far as it tells."""


@dataclass(frozen=True, slots=True)
class Given:
    """A token for another service."""

    token: str
    ends: float
    """Seconds since 1970."""


class Exchanger:
    """Exchanges tokens at one issuer; thread-safe. What it was given is kept in memory, as long as it lasts.

    Args:
        client: talks to the issuer.
        settings: as which client it asks.
        clock: seconds since 1970.
    """

    def __init__(self, client: ProviderClient, settings: Exchange, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._known: OrderedDict[tuple[bytes, TokenFor], Given] = OrderedDict()
        self._lock = threading.Lock()

    def exchange(self, token: str, wanted: TokenFor) -> Given:
        """A token for another service.

        Args:
            token: of the user, verified.
            wanted: the service.

        Raises:
            NotGiven: the issuer refuses.
            Unavailable: it cannot be reached.
        """
        key = (hashlib.sha256(token.encode()).digest(), wanted)
        with self._lock:
            known = self._known.get(key)
        # one that is used up to a half is not for a job that begins now, if a newer one can be had
        if known is not None and known.ends - self._clock() > 2 * EARLY:
            return known
        given = self._ask(token, wanted)
        with self._lock:
            self._known[key] = given
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return given

    def _ask(self, token: str, wanted: TokenFor) -> Given:
        form = {
            "grant_type": GRANT,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "requested_token_type": ACCESS_TOKEN,
            "audience": wanted.audience,
            "resource": wanted.resource,
            "scope": " ".join(wanted.scopes),
        }
        own = self._settings
        # RFC 6749 section 2.3.1: both are form-encoded first
        pair = quote(own.client_id, safe=""), quote(own.client_secret, safe="")
        asked = self._clock()
        status, answer = self._client.form(
            "token_endpoint", {key: text for key, text in form.items() if text}, auth=pair
        )
        if status != 200:
            raise NotGiven(_word(answer.get("error"), f"status {status}"))
        found = answer.get("access_token")
        kind = str(answer.get("token_type", "bearer")).lower()
        if not isinstance(found, str) or not _sendable(found) or kind != "bearer":
            raise NotGiven("it gives no bearer token")
        return Given(found, asked + _lifetime(answer.get("expires_in"), found, asked))


def _sendable(token: str) -> bool:
    return 0 < len(token) <= LONGEST and token.isascii() and token.isprintable() and " " not in token


def _lifetime(told: object, token: str, now: float) -> float:
    """Seconds: what the issuer says, or the token."""
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < 1e10:
        return float(told)
    ends = _claims(token).get("exp")
    return ends - now if isinstance(ends, int | float) and not isinstance(ends, bool) else UNSAID


def _claims(token: str) -> Mapping[str, Any]:
    """Those of a JWT for another service, whose matter it is to verify it."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _word(text: object, otherwise: str) -> str:
    return text[:60] if isinstance(text, str) and text.isascii() and text.isprintable() and text else otherwise
