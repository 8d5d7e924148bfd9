"""Login of browsers: the authorization code flow (OpenID Connect Core 3.1) with PKCE (RFC 7636), and the logout."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..errors import BadRequest, Unauthorized, Unavailable
from ..settings_auth import Issuer, Login, OidcAuth
from .oidc import BearerTokens, Refused
from .provider import ProviderClient
from .sessions import Sessions

LONGEST = 4096
"""Characters of what the provider sends the browser back with."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that has begun."""

    address: str
    """Where the browser goes."""
    browser: str
    """Text of a cookie: the same browser has to come back."""


@dataclass(frozen=True, slots=True)
class Done:
    """A login that has ended well."""

    user: str
    """Who has logged in."""

    session: str
    """Text of the cookie."""
    target: str
    """The path below the landing page that the browser wanted."""


class CodeFlow:
    """Logs browsers in at the first issuer.

    Args:
        auth: with `login`.
        tokens: verifies access tokens.
        sessions: keeps logins.
    """

    def __init__(self, auth: OidcAuth, tokens: BearerTokens, sessions: Sessions) -> None:
        assert auth.login is not None
        self._settings: Login = auth.login
        self._issuer: Issuer = auth.issuers[0]
        self._client = ProviderClient(self._issuer)
        self._tokens = tokens
        self.sessions = sessions

    def begin(self, target: str, base: str) -> Begun:
        """Begin a login.

        Args:
            target: path below the landing page that the browser shall see afterwards; another text is passed over.
            base: URL of the landing page as the browser knows it, without a `/` at its end.

        Raises:
            Unavailable: the provider or the store cannot be reached.
        """
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        endpoint = self._client.endpoint("authorization_endpoint")
        callback = f"{base}/login/callback"
        kept = {"nonce": nonce, "verifier": verifier, "browser": _digest(browser), "target": own_path(target)}
        self.sessions.remember(state, {**kept, "callback": callback})
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": callback,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **self._resource(),
        }
        return Begun(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", browser)

    def finish(self, answer: Mapping[str, str], browser: str) -> Done:
        """End a login.

        Args:
            answer: the query that the provider sent the browser back with.
            browser: text of the cookie that `begin` gave.

        Raises:
            BadRequest: nobody has begun this login here, or it took too long.
            Unauthorized: the provider refused it, or gives tokens that do not count.
            Unavailable: the provider cannot be reached.
        """
        begun = self._recalled(answer, browser)
        if "error" in answer or not answer.get("code"):
            raise Unauthorized(f"the identity provider refused the login ({_word(answer.get('error', 'no code'))})")
        found = self._redeem(answer["code"], begun["verifier"], begun["callback"])
        access, identity = found.get("access_token"), found.get("id_token")
        if not isinstance(access, str) or not isinstance(identity, str):
            raise Unauthorized("the identity provider gives no tokens")
        self._check_identity(identity, begun["nonce"])
        principal = self._tokens.verify(access, "")
        return Done(principal.name, self.sessions.begin(principal, access), begun["target"])

    def logout_address(self, base: str) -> str:
        """Where the user can log out at the provider too, to come back to `base`; "" where it has no such page."""
        try:
            endpoint = self._client.endpoint("end_session_endpoint")
        except Unavailable:
            return ""
        query = {"client_id": self._settings.client_id, "post_logout_redirect_uri": f"{base}/"}
        return f"{endpoint}?{urlencode(query)}"

    def _recalled(self, answer: Mapping[str, str], browser: str) -> Mapping[str, Any]:
        state = answer.get("state", "")
        if max(map(len, answer.values()), default=0) > LONGEST:
            raise BadRequest("the answer of the identity provider is too long")
        begun = self.sessions.recall(state) if state else None
        if begun is None or not secrets.compare_digest(begun["browser"], _digest(browser)):
            raise BadRequest("this login was not begun here, or took too long; begin again")
        if answer.get("iss", self._issuer.issuer) != self._issuer.issuer:
            raise BadRequest("the answer is of another identity provider")
        return begun

    def _redeem(self, code: str, verifier: str, callback: str) -> Mapping[str, Any]:
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": settings.client_id,
            "code_verifier": verifier,
            **self._resource(),
        }
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret
        return self._client.post("token_endpoint", form)

    def _check_identity(self, token: str, nonce: str) -> None:
        """OpenID Connect Core 3.1.3.7: the ID token answers this login of this client. Raises Unauthorized."""
        try:
            claims = self._tokens.identity(token, self._issuer.issuer)
        except Refused as reason:
            raise Unauthorized(f"the ID token is not accepted: {reason}") from None
        audience = claims.get("aud")
        several = audience if isinstance(audience, list) else [audience]
        if self._settings.client_id not in several or claims.get("azp", self._settings.client_id) not in several:
            raise Unauthorized("the ID token is for another client")
        if not secrets.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            raise Unauthorized("the ID token is of another login")

    def _resource(self) -> Mapping[str, str]:
        return {"resource": self._settings.resource} if self._settings.resource else {}


def own_path(text: str) -> str:
    """A path and query of this server, beginning with `/`; `/` for everything else, above all for other servers."""
    good = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and len(text) <= 2000
    return text if good and "\\" not in text else "/"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _word(text: str) -> str:
    return json.dumps(text)[1:-1][:60]
