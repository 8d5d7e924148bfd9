"""A certified OpenID Connect provider (npm oidc-provider) as a program, and a user who logs in to it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

HERE = Path(__file__).parent
PROGRAMS = Path(__file__).resolve().parents[3] / ".venv-oidc"
CALLBACK = "http://127.0.0.1:9/callback"
"""Where nobody listens: codes are read from the redirect itself."""
START_LIMIT = 240.0
_FORM = re.compile(r'<form[^>]*action="([^"]+)"')
_HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"')


class CannotStart(Exception):
    """Node.js or the provider is not here."""


def provide() -> None:
    """Install the provider; does nothing where it is there. Raises CannotStart."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise CannotStart("not installed: node, npm")
    PROGRAMS.mkdir(exist_ok=True)
    if (PROGRAMS / "node_modules" / "oidc-provider").is_dir():
        return
    shutil.copy(HERE / "package.json", PROGRAMS)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    done = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise CannotStart(f"npm install: {done.stderr.strip()[-500:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Provider:
    """A running provider, as a context manager.

    Args:
        redirect: address of the callback of the client `web`.
        lifetime: seconds that tokens are valid.
    """

    def __init__(self, redirect: str = CALLBACK, lifetime: int = 3600) -> None:
        self._choose_port()
        self.redirect = redirect
        self._lifetime = lifetime
        self._process: subprocess.Popen[bytes] | None = None

    def _choose_port(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Provider:
        provide()
        for _ in range(4):  # another program may take the port before the provider does
            with suppress(CannotStart):
                self.start()
                return self
            self._choose_port()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, kid: str = "first") -> None:
        """Start it with new keys, whose ids begin with `kid`. Raises CannotStart."""
        provide()
        for program in ("provider.mjs", "exchange.mjs"):
            shutil.copy(HERE / program, PROGRAMS)
        options = {"port": self.port, "redirect": self.redirect, "kid": kid, "lifetime": self._lifetime}
        self._process = subprocess.Popen(
            ["node", "provider.mjs", json.dumps(options)],
            cwd=PROGRAMS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                requests.get(f"{self.issuer}/jwks", timeout=5)
                return
            except requests.ConnectionError:
                time.sleep(0.05)
        self.stop()
        raise CannotStart("the provider does not start")

    def stop(self) -> None:
        """End it, as when the provider is down."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def rotate(self) -> None:
        """Start it again with other keys."""
        self.stop()
        self.start("second")

    def service_token(self, resource: str = "urn:oapip") -> str:
        """A token of the client `api` for itself."""
        body = {"grant_type": "client_credentials", **({"resource": resource} if resource else {})}
        answer = requests.post(f"{self.issuer}/token", data=body, auth=("api", "api-secret"), timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def token(self, user: str, resource: str = "urn:oapip") -> str:
        """An access token of a user, by the code flow with PKCE.

        Args:
            user: alice, bob, olga (operator) or root (administrator).
            resource: `urn:oapip`, `urn:ec` (signed with another algorithm), `urn:other` (for another API),
                `urn:opaque`.
        """
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": "web",
            "response_type": "code",
            "scope": "openid profile",
            "redirect_uri": self.redirect,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": resource,
        }
        code = self.log_in(requests.Request("GET", f"{self.issuer}/auth", params=query).prepare().url or "", user)
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": "web",
            "code_verifier": verifier,
            "resource": resource,
        }
        answer = requests.post(f"{self.issuer}/token", data=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def log_in(self, address: str, user: str) -> str:
        """Fill in the forms of the provider, from the address of a login on; gives the code of the redirect."""
        return parse_qs(urlsplit(self.redirected(address, user)).query)["code"][0]

    def redirected(self, address: str, user: str) -> str:
        """As `log_in`; gives the whole address that the provider sends the browser back to."""
        session = requests.Session()
        answer = session.get(address, allow_redirects=False, timeout=30)
        for _ in range(12):
            target = answer.headers.get("Location")
            if target:
                target = urljoin(answer.url, target)
                if not target.startswith(self.issuer):
                    return target
                answer = session.get(target, allow_redirects=False, timeout=30)
                continue
            form = _FORM.search(answer.text)
            assert answer.status_code == 200 and form, answer.text
            fields = dict(_HIDDEN.findall(answer.text)) | {"login": user, "password": "any"}
            answer = session.post(urljoin(answer.url, form[1]), data=fields, allow_redirects=False, timeout=30)
        raise AssertionError("the provider does not come to an end")

    def approve(self, address: str, user: str) -> None:
        """Confirm the code of a device, from the address that it shows on."""
        session = requests.Session()
        answer = session.get(address, timeout=30)
        for _ in range(12):
            form = _FORM.search(answer.text)
            if form is None:
                assert "success" in answer.text.lower(), answer.text
                return
            fields = dict(_HIDDEN.findall(answer.text)) | {"login": user, "password": "any", "confirm": "yes"}
            answer = session.post(urljoin(answer.url, form[1]), data=fields, timeout=30)
        raise AssertionError("the provider does not come to an end")


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    text = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
