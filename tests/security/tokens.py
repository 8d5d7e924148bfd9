"""An issuer of tokens in this process: it signs whatever a test asks for."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from pygeoapi_oapip.auth.oidc import BearerTokens, OneIssuer
from pygeoapi_oapip.auth.provider import ProviderClient
from pygeoapi_oapip.errors import Unavailable
from pygeoapi_oapip.settings_auth import Issuer, OidcAuth

ISSUER = "https://id.example.org/realms/a"
OTHER = "https://id.example.org/realms/b"
NOW = 1_800_000_000.0

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})
FOREIGN = RSAKey.generate_key(2048, {"kid": "rsa"})
"""A key of an attacker who gives it the id of a true one."""


class Answers(ProviderClient):
    """What the issuer answers, without a network."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer)
        self.published: list[Mapping[str, Any]] = [key.as_dict(private=False) for key in (RSA, EC, ED)]
        self.down = False
        self.asked = 0
        self.active: dict[str, Mapping[str, Any]] = {}

    def keys(self) -> Mapping[str, Any]:
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return {"keys": self.published}

    def introspect(self, token: str) -> Mapping[str, Any]:
        self.asked += 1
        if self.down:
            raise Unavailable("down")
        return self.active.get(token, {"active": False})


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token; None leaves one out."""
    good = {
        "iss": ISSUER,
        "aud": ["api", "account"],
        "sub": "0001",
        "preferred_username": "alice",
        "groups": ["/hydro", "/all"],
        "realm_access": {"roles": ["oapip-operator", "x"]},
        "exp": NOW + 300,
        "iat": NOW,
        "azp": "web",
        "typ": "Bearer",
    }
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


def signed(payload: Mapping[str, Any], key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """A token of these claims."""
    head = {"alg": algorithm, "typ": "JWT", "kid": key.kid, **header}
    kept = {name: value for name, value in head.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jws.serialize_compact(kept, json.dumps(payload).encode(), key, registry=registry)


def unsigned(header: Mapping[str, Any], payload: Mapping[str, Any], signature: bytes = b"") -> str:
    """Any text in the form of a token."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def hmac_with(public: bytes, payload: Mapping[str, Any]) -> str:
    """HS256 with a public key as the secret."""
    head, body, _ = unsigned({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, payload).split(".")
    made = hmac.digest(public, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def verifier(clock: Clock | None = None, **changes: Any) -> tuple[BearerTokens, Answers]:
    """What checks tokens of `ISSUER`, and the issuer that it asks.

    Args:
        clock: the time.
        changes: settings of the issuer.
    """
    block = {"issuer": ISSUER, "audience": ["api"], "preset": "keycloak", **changes}
    settings = OidcAuth.model_validate({"type": "oidc", "issuers": [block]})
    issuer = settings.issuers[0]
    answers = Answers(issuer)
    tokens = BearerTokens(settings)
    tokens._issuers = {issuer.issuer: OneIssuer(issuer, settings, clock or Clock(), answers)}
    return tokens, answers
