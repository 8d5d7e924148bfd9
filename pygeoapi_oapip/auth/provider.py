"""Requests to an issuer: its discovery document, keys and introspection. Only to addresses that the administrator, or
the issuer's own discovery document, names; never to one that a token names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import Unavailable
from ..settings_auth import Issuer

TIMEOUT = 5.0
"""Seconds to connect, and for each piece of an answer."""
LARGEST = 1 << 20
"""Bytes of an answer."""

DISCOVERY = "/.well-known/openid-configuration"


class ProviderClient:
    """Talks to one issuer.

    Args:
        issuer: its settings.
    """

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._document: Mapping[str, Any] | None = None

    def discovery(self) -> Mapping[str, Any]:
        """The discovery document, read once. Raises Unavailable, also where it is another issuer's."""
        if self._document is None:
            found = self._ask("GET", self._issuer.issuer.rstrip("/") + DISCOVERY)
            if found.get("issuer") != self._issuer.issuer:
                raise Unavailable("the identity provider describes itself as another issuer")
            self._document = found
        return self._document

    def endpoint(self, name: str) -> str:
        """An address from the discovery document. Raises Unavailable where it has none that is safe."""
        address = self.discovery().get(name)
        own = urlsplit(self._issuer.issuer)
        if not isinstance(address, str) or urlsplit(address).scheme not in ("https", own.scheme):
            raise Unavailable(f"the identity provider names no usable {name}")
        return address

    def keys(self) -> Mapping[str, Any]:
        """The JSON Web Key Set. Raises Unavailable."""
        return self._ask("GET", self._issuer.jwks_url or self.endpoint("jwks_uri"))

    def introspect(self, token: str) -> Mapping[str, Any]:
        """RFC 7662. Raises Unavailable."""
        settings = self._issuer.introspection
        assert settings is not None
        address = settings.url or self.endpoint("introspection_endpoint")
        data = {"token": token, "token_type_hint": "access_token"}
        return self._ask("POST", address, data=data, auth=(settings.client_id, settings.client_secret))

    def post(self, endpoint: str, data: Mapping[str, str]) -> Mapping[str, Any]:
        """A form to an endpoint of the discovery document, for example `token_endpoint`. Raises Unavailable."""
        return self._ask("POST", self.endpoint(endpoint), data=dict(data))

    def form(self, endpoint: str, data: Mapping[str, str], auth: tuple[str, str]) -> tuple[int, Mapping[str, Any]]:
        """As `post`, with the refusals of RFC 6749 section 5.2: the status 200, 400, 401 or 403, and the answer.

        Raises:
            Unavailable: it cannot be reached, or answers with another status.
        """
        status, body = self._send("POST", self.endpoint(endpoint), data=dict(data), auth=auth)
        if status in (400, 401, 403):
            try:
                return status, _object(body)
            except Unavailable:
                return status, {}
        return 200, _good(status, body)

    def _ask(self, method: str, address: str, **options: Any) -> Mapping[str, Any]:
        return _good(*self._send(method, address, **options))

    def _send(self, method: str, address: str, **options: Any) -> tuple[int, bytes]:
        import requests

        check = True if self._issuer.ca is None else str(self._issuer.ca)
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither .netrc nor proxies of the environment
                with session.request(
                    method, address, timeout=TIMEOUT, allow_redirects=False, stream=True, verify=check, **options
                ) as answer:
                    body = answer.raw.read(LARGEST + 1, decode_content=True)
                    status = answer.status_code
        except (requests.RequestException, OSError) as error:
            raise Unavailable(f"the identity provider cannot be reached ({type(error).__name__})") from None
        return status, body


def _good(status: int, body: bytes) -> Mapping[str, Any]:
    if status != 200 or len(body) > LARGEST:
        raise Unavailable(f"the identity provider answers with {status}")
    return _object(body)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the identity provider does not answer with JSON")
    return found
