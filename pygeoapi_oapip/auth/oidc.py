"""Bearer tokens: JWTs are verified here by the keys of their issuer, others by asking the issuer (RFC 7662).

Nothing in a token decides how it is verified but `kid` and `alg`, and both only choose among what the administrator
and the issuer offer: `jku`, `x5u`, `jwk` and `x5c` are not looked at.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from ..errors import OapipError, Unauthorized, Unavailable
from ..model.identity import Principal
from ..settings_auth import Issuer, OidcAuth, TokenFor
from .claims import ClaimReader, Unusable
from .exchange import Exchanger, Given, NotGiven
from .introspection import Asking
from .keys import KeyRing
from .provider import ProviderClient

LONGEST = 16 * 1024
"""Characters of a token."""
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
_OTHER_TOKENS = ("ID", "Refresh", "Offline", "Logout", "Registration", "Initial")
"""Keycloak's `typ` claim of tokens that are no access tokens."""
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_OPAQUE = re.compile(r"[\w.~+/-]+=*", re.ASCII)


class Refused(Exception):
    """The token does not count; the text says why, for whoever holds the token."""


class OneIssuer:
    """Verifies the tokens of one issuer.

    Args:
        issuer: its settings.
        settings: those of the whole block.
        clock: seconds since 1970.
        client: talks to the issuer.
    """

    def __init__(
        self,
        issuer: Issuer,
        settings: OidcAuth,
        clock: Callable[[], float] = time.time,
        client: ProviderClient | None = None,
    ) -> None:
        self.name = issuer.issuer
        self._issuer = issuer
        self._clock = clock
        self._reader = ClaimReader(issuer, settings)
        self._client = client or ProviderClient(issuer)
        self._keys = KeyRing(self._client.keys, issuer.keys_for, issuer.keep_keys)
        self._registry = jws.JWSRegistry(algorithms=list(issuer.algorithms))
        self.asking: Asking | None = None
        if issuer.introspection is not None:
            self.asking = Asking(self._client.introspect, issuer.introspection.keep, clock)
        self.exchanger: Exchanger | None = None
        if issuer.exchange is not None:
            self.exchanger = Exchanger(self._client, issuer.exchange, clock)

    def jwt(self, token: str, header: Mapping[str, Any]) -> Principal:
        """The user of an access token that names this issuer. Raises Refused, Unavailable."""
        claims = self._signed(token, header)
        if claims.get("typ") in _OTHER_TOKENS or "at_hash" in claims or "c_hash" in claims:
            raise Refused("it is not an access token")
        return self._principal(claims)

    def identity(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims of an ID token; whom it is for is for the caller to check. Raises Refused, Unavailable."""
        return self._timely(self._signed(token, header))

    def _signed(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any]:
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._issuer.algorithms:
            raise Refused("it is not signed with an algorithm that is accepted here")
        if "crit" in header or "b64" in header or not isinstance(kid, str | None):
            raise Refused("its header has members that are not understood")
        if str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise Refused("it is not an access token")
        key = self._keys.find(kid, str(algorithm))
        if key is None:
            raise Refused("it is signed with a key that its issuer does not have")
        try:
            signed = jws.deserialize_compact(token, key, registry=self._registry)
        except (JoseError, ValueError, TypeError):
            raise Refused("its signature is wrong") from None
        return _object(signed.payload)

    def opaque(self, token: str) -> Principal | None:
        """The user of a token that is no JWT; None where it is not this issuer's. Raises Refused, Unavailable."""
        claims = None if self.asking is None else self.asking.claims(token)
        return None if claims is None else self._principal({"iss": self.name, **claims})

    def _timely(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims, if they are of this issuer and of this time."""
        now, leeway = self._clock(), self._issuer.leeway
        if claims.get("iss") != self.name:
            raise Refused("it is of another issuer")
        if (ends := _time(claims, "exp")) is None or ends + leeway <= now:
            raise Refused("it has expired")
        if max(_time(claims, "nbf") or 0.0, _time(claims, "iat") or 0.0) > now + leeway:
            raise Refused("it is not valid yet")
        return claims

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        self._check_audience(self._timely(claims))
        try:
            return self._reader.principal(claims)
        except Unusable as error:
            raise Refused(str(error)) from None

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        found = claims.get("aud")
        several = found if isinstance(found, list) else [found]
        audience = {item for item in several if isinstance(item, str)}
        client = claims.get("azp", claims.get("client_id"))
        if audience.isdisjoint(self._issuer.audience) and client not in self._issuer.clients:
            raise Refused("it is for another audience")


class BearerTokens:
    """`Verifier` for tokens of any of several issuers."""

    scheme = "bearer"

    def __init__(self, settings: OidcAuth, clock: Callable[[], float] = time.time) -> None:
        self._issuers = {item.issuer: OneIssuer(item, settings, clock) for item in settings.issuers}

    def challenge(self, error: str = "") -> str:
        """RFC 6750 section 3."""
        return 'Bearer realm="OGC API"' + (f', error="{error}"' if error else "")

    def verify(self, credentials: str, address: str) -> Principal:
        """As `Verifier`."""
        if len(credentials) > LONGEST:
            raise self._refusal("it is too long")
        try:
            if _JWT.fullmatch(credentials):
                return self._jwt(credentials)
            if _OPAQUE.fullmatch(credentials):
                return self._opaque(credentials)
            raise Refused("it is not one")
        except Refused as reason:
            raise self._refusal(str(reason)) from None

    def identity(self, token: str, issuer: str) -> Mapping[str, Any]:
        """The claims of an ID token of an issuer; see `OneIssuer.identity`. Raises Refused, Unavailable."""
        if len(token) > LONGEST or not _JWT.fullmatch(token):
            raise Refused("it is not one")
        return self._issuers[issuer].identity(token, _object(_decoded(token.partition(".")[0])))

    def exchange(self, token: str, wanted: TokenFor) -> Given:
        """A token of the same user for another service, from the issuer of a token that was verified.

        Raises:
            NotGiven: the issuer refuses, or does not exchange tokens.
            Unavailable: it cannot be reached.
        """
        try:
            issuer = self._issuer_of(token)
        except Refused as reason:
            raise NotGiven(str(reason)) from None
        if issuer is None or issuer.exchanger is None:
            raise NotGiven("its issuer does not exchange tokens")
        return issuer.exchanger.exchange(token, wanted)

    def _issuer_of(self, token: str) -> OneIssuer | None:
        if _JWT.fullmatch(token):
            return self._issuers.get(str(_object(_decoded(token.split(".")[1])).get("iss")))
        asking = [one for one in self._issuers.values() if one.asking is not None]
        return next((one for one in asking if one.asking is not None and one.asking.claims(token)), None)

    def _refusal(self, reason: str) -> OapipError:
        return Unauthorized(f"the token is not accepted: {reason}", self.challenge("invalid_token"))

    def _jwt(self, token: str) -> Principal:
        head, payload, _ = token.split(".")
        header, claims = _object(_decoded(head)), _object(_decoded(payload))
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise Refused("it is of an issuer that is not accepted here")
        return issuer.jwt(token, header)

    def _opaque(self, token: str) -> Principal:
        fault: Unavailable | None = None
        for issuer in self._issuers.values():
            try:
                if (found := issuer.opaque(token)) is not None:
                    return found
            except Unavailable as error:
                fault = error
        if fault is not None:
            raise fault
        raise Refused("no issuer knows it, or it is not valid any more")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Refused("it is not one") from None


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("it is not one")
    return found


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise Refused(f"its {name} is no time")
    return float(value)
