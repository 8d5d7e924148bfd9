"""The server with its login pages, an identity provider without a network, and browsers that log in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.audited import login_log
from pygeoapi_oapip.auth.login import CodeFlow
from pygeoapi_oapip.auth.middleware import Gate
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.auth.sessions import Sessions
from pygeoapi_oapip.errors import Unauthorized, Unavailable
from pygeoapi_oapip.ogcapi.application import door_of
from pygeoapi_oapip.ogcapi.login_views import add_login
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.settings_auth import OidcAuth
from pygeoapi_oapip.store.sql import SqlAuditStore, SqlSessionStore

from .site import Names, Site
from .tokens import Answers, Clock, claims, signed, verifier

PROVIDER = "https://id.example.org/realms/a"


class Provider(Answers):
    """Has the pages of a login, and gives tokens for codes."""

    def __init__(self, issuer: Any) -> None:
        super().__init__(issuer)
        self.codes: dict[str, Mapping[str, Any]] = {}
        self.asked_with: list[Mapping[str, str]] = []

    def endpoint(self, name: str) -> str:
        if self.down:
            raise Unavailable("down")
        return f"{PROVIDER}/{name}"

    def post(self, endpoint: str, data: Mapping[str, str]) -> Mapping[str, Any]:
        self.asked_with.append(data)
        if self.down:
            raise Unavailable("down")
        tokens = self.codes.pop(data["code"], None)
        if tokens is None:
            raise Unavailable("the code is not known")
        return tokens

    def agree(self, address: str, user: str, **changes: Any) -> str:
        """The user logs in: where the provider sends the browser back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.asked_with)}-{len(self.codes)}-{user}"
        identity = {"aud": "web", "azp": "web", "nonce": query["nonce"], "typ": "ID", **changes}
        self.codes[code] = {
            "access_token": signed(claims(preferred_username=user, realm_access=None)),
            "id_token": signed(claims(preferred_username=user, **identity)),
        }
        return f"{query['redirect_uri']}?code={code}&state={query['state']}"


class LoginSite(Site):
    """A server where browsers log in; `ask` works with tokens as always."""

    def __init__(self, home: Path, base: str = "https://example.org") -> None:
        self.base = base
        self.clock = Clock()
        super().__init__(home)
        self.front: Any = self.app

    def further(self) -> Mapping[str, Any]:
        return {"login": {"client_id": "web"}}

    def gate(self, policy: Policy) -> Gate:
        tokens, _ = verifier(self.clock)
        [one] = tokens._issuers.values()
        self.provider = Provider(one._issuer)
        one._client = self.provider
        one._keys._read = self.provider.keys
        block = {"issuer": PROVIDER, "audience": ["api"], "preset": "keycloak"}
        auth = load_settings({"auth": {"type": "oidc", "issuers": [block], "login": {"client_id": "web"}}}).auth
        assert isinstance(auth, OidcAuth)
        self.sessions = Sessions(SqlSessionStore(self.wired.database), 3600.0, self.clock)
        flow = CodeFlow(auth, tokens, self.sessions)
        flow._client = self.provider
        self.audit = SqlAuditStore(self.wired.database)
        add_login(self.door, door_of(self.door), flow, login_log(self.audit))
        return Gate(policy, [_Both(tokens)], self.sessions, self.base)


class _Both(Names):
    def __init__(self, tokens: Any) -> None:
        self._tokens = tokens

    def verify(self, credentials: str, address: str) -> Any:
        try:
            return super().verify(credentials, address)
        except Unauthorized:
            return self._tokens.verify(credentials, address)


class Browser:
    """One browser, with its cookies."""

    def __init__(self, site: LoginSite, address: str = "192.0.2.7", **headers: str) -> None:
        self.site = site
        self.client = Client(site.front)
        self.headers = headers
        self.address = address

    def open(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """A request to a path, or to a URL of the server."""
        if path.startswith(self.site.base):
            path = path.removeprefix(self.site.base) or "/"
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(
            path,
            method=method,
            base_url=urlsplit(self.site.base)._replace(path="").geturl(),
            headers=headers,
            environ_overrides={"REMOTE_ADDR": self.address},
            buffered=True,
            **options,
        )

    def log_in(self, user: str, target: str = "/") -> TestResponse:
        """From the link on the page through the provider; gives the redirect at the end."""
        begun = self.open("/login", query_string={"next": target})
        assert begun.status_code == 302, begun.text
        return self.open(self.site.provider.agree(begun.headers["Location"], user))

    def cookies(self) -> Mapping[str, str]:
        """Names and values."""
        return {cookie.key: cookie.value for cookie in self.client._cookies.values()}  # type: ignore[union-attr]
