from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.required import cannot_run

from .provider import CannotStart, Provider


@dataclass
class Platform:
    """A server and its identity provider."""

    server: LiveServer
    provider: Provider
    tokens: dict[str, str]

    def ask(self, user: str | None, method: str, path: str, **options: Any) -> requests.Response:
        """A request with the token of a user."""
        headers = dict(options.pop("headers", {}))
        if user is not None:
            if user not in self.tokens:
                self.tokens[user] = self.provider.token(user)
            headers["Authorization"] = f"Bearer {self.tokens[user]}"
        return requests.request(method, self.server.url + path, headers=headers, timeout=600, **options)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home: Path = tmp_path_factory.mktemp("server")
    secret = home / "secret"
    secret.write_text("api-secret\n")
    provider = Provider()
    issuer = {
        "issuer": provider.issuer,
        "audience": ["oapip-api"],
        "preset": "keycloak",
        "introspection": {"client_id": "api", "client_secret": {"file": str(secret)}, "keep": "1s"},
    }
    auth = {"type": "oidc", "issuers": [issuer], "login": {"client_id": "web", "resource": "urn:oapip"}}
    try:
        provider.start()
    except CannotStart as reason:
        cannot_run("oidc", reason)
    # one web process, so that what it knows of keys is what the tests see
    with LiveServer(home, {"auth": auth}, workers=1) as server:
        provider.stop()
        provider.redirect = f"{server.url}/login/callback"
        provider.start()
        yield Platform(server, provider, {})
    provider.stop()
