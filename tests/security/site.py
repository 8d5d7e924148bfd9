"""A whole server without sockets: the real service, store and policy behind the gate, and clients of several users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.app import compose, guarded, with_wps
from pygeoapi_oapip.auth.middleware import Gate
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.errors import Unauthorized
from pygeoapi_oapip.model.identity import Principal
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.configured import door_options
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.wiring import Wired, default_configuration
from pygeoapi_oapip.wps.configured import wps_door

BASE = "https://example.org"
USERS = {
    "alice": Principal("alice", frozenset({"user", "deployer"}), frozenset({"hydro", "all"})),
    "bob": Principal("bob", frozenset({"user", "deployer"}), frozenset({"forest"})),
    "carol": Principal("carol", frozenset({"user", "deployer"}), frozenset({"hydro"})),
    "olga": Principal("olga", frozenset({"user", "operator"})),
    "root": Principal("root", frozenset({"user", "deployer", "admin"})),
    "guest": Principal("guest"),
    "evil": Principal('"><script>alert(1)</script>', frozenset({"user", "deployer"}), frozenset({"<b>all"})),
}
"""By token: two strangers, somebody in a group of the first one, an operator, an administrator, one without roles."""


class Names:
    """A verifier whose tokens are names of users."""

    scheme = "bearer"

    def challenge(self, error: str = "") -> str:
        return 'Bearer realm="OGC API"'

    def verify(self, credentials: str, address: str) -> Principal:
        if credentials not in USERS:
            raise Unauthorized("the token is not accepted", self.challenge("invalid_token"))
        return USERS[credentials]


class Site:
    """The server.

    Args:
        home: an empty folder.
        anonymous: `auth.anonymous`.
        limits: the block of that name.
    """

    base = BASE

    def __init__(self, home: Path, anonymous: str = "nothing", **limits: Any) -> None:
        issuer = {"issuer": "https://id.example.org", "audience": ["api"]}
        configuration = default_configuration(self.base, home)
        configuration["server"]["manager"] |= {
            "auth": {"type": "oidc", "issuers": [issuer], "anonymous": anonymous, **self.further()},
            "limits": limits,
            "engines": {"local": {"type": "local", "containers": "none"}},
        }
        settings = load_settings(configuration["server"]["manager"])
        self.wired = Wired(settings, self.resources(home), self.base)
        self.door = create_app(self.wired.service, door_options(configuration, settings))
        beside = Flask("beside")
        beside.add_url_rule("/collections", "collections", lambda: {"collections": []})
        beside.add_url_rule("/admin/config", "admin", lambda: {"server": {}}, methods=["GET", "PUT"])
        names = frozenset(str(rule.rule).lstrip("/").partition("/")[0] for rule in self.door.url_map.iter_rules())
        gate = self.gate(Policy(settings.auth))
        whole = compose(self.door, beside, frozenset({"collections", "admin"}), "", names, gate)
        wps = guarded(wps_door(self.wired.service, configuration, settings, ""), gate)
        self.app = with_wps(whole, wps, settings.wps, "", names | {"collections", "admin"})

    def resources(self, home: Path) -> Mapping[str, Any]:
        """Processes of the configuration; their packages may be written to `home`."""
        return {}

    def further(self) -> Mapping[str, Any]:
        """More keys of the block `auth`."""
        return {}

    def gate(self, policy: Policy) -> Gate:
        """What stands before the doors."""
        return Gate(policy, [Names()])

    def ask(self, user: str | None, method: str, path: str, **options: Any) -> TestResponse:
        """A request of a user; None sends no credentials."""
        headers: Mapping[str, str] = options.pop("headers", {})
        own = {"Authorization": f"Bearer {user}"} if user else {}
        return Client(self.app).open(path, method=method, headers={**headers, **own}, buffered=True, **options)
