"""What commands tell a server about who asks: a token of the environment or of `oapip login`, or name and password."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from .failures import CommandError, ExitCode

TOKEN, USERNAME, PASSWORD = "OAPIP_TOKEN", "OAPIP_USERNAME", "OAPIP_PASSWORD"
"""Environment variables."""
EARLY = 30.0
"""Seconds before its end in which a token is renewed."""
TIMEOUT = 30.0

Login = Mapping[str, Any]


class OwnServerOnly(AuthBase):
    """Credentials that are sent to one server, and to no other that a link leads to.

    Args:
        server: its address.
        credentials: puts them into a request.
    """

    def __init__(self, server: str, credentials: AuthBase) -> None:
        self._origin = origin_of(server)
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the credentials, where the request goes to this server."""
        if origin_of(request.url or "") == self._origin:
            return self._credentials(request)
        return request


class Bearer(AuthBase):
    """An access token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def origin_of(address: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{parts.hostname or ''}:{port}".lower()


def credentials_for(server: str) -> AuthBase | None:
    """What there is for a server; None for nothing. Raises CommandError: the login has ended."""
    found: AuthBase | None = None
    if token := os.environ.get(TOKEN):
        found = Bearer(token)
    elif (name := os.environ.get(USERNAME)) is not None:
        found = HTTPBasicAuth(name.encode(), os.environ.get(PASSWORD, "").encode())
    elif login := logins().get(origin_of(server)):
        found = Bearer(_living(server, login))
    return None if found is None else OwnServerOnly(server, found)


def logins() -> Mapping[str, Login]:
    """The logins of this user, by origin. Raises CommandError where others can read the file."""
    path = _file()
    try:
        if path.stat().st_mode & 0o077:
            raise CommandError(f"{path} can be read by others: chmod 600 {path}, and log in again", ExitCode.USAGE)
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise CommandError(f"{path} cannot be read; remove it, and log in again", ExitCode.USAGE) from None
    return found if isinstance(found, dict) else {}


def keep(server: str, login: Login | None) -> None:
    """Keep a login, or forget it (None). Nobody else can read the file."""
    path = _file()
    known = {key: value for key, value in logins().items() if key != origin_of(server)}
    if login is not None:
        known[origin_of(server)] = login
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file)
    partial.replace(path)


def login_of(answer: Mapping[str, Any], about: Mapping[str, str]) -> Login:
    """What is kept of a token answer (RFC 6749 section 5.1).

    Args:
        answer: of the token endpoint.
        about: `token_endpoint`, `client_id`, `resource`.
    """
    ends = time.time() + float(answer.get("expires_in") or 300)
    return {
        **about,
        "access_token": str(answer["access_token"]),
        "refresh_token": str(answer.get("refresh_token") or ""),
        "expires": ends,
    }


def _living(server: str, login: Login) -> str:
    """The access token, renewed where it is about to end."""
    if login["expires"] - EARLY > time.time():
        return str(login["access_token"])
    about = {key: str(login[key]) for key in ("token_endpoint", "client_id", "resource")}
    form = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"], "client_id": about["client_id"]}
    if about["resource"]:
        form["resource"] = about["resource"]
    try:
        answer = requests.post(about["token_endpoint"], data=form, timeout=TIMEOUT, allow_redirects=False)
        renewed = login_of(answer.json(), about) if login["refresh_token"] and answer.ok else None
    except (requests.RequestException, ValueError, KeyError):
        renewed = None
    if renewed is None:
        raise CommandError(f"the login at {server} has ended: oapip login --server {server}")
    keep(server, {**renewed, "refresh_token": renewed["refresh_token"] or login["refresh_token"]})
    return str(renewed["access_token"])


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "oapip" / "logins.json"
