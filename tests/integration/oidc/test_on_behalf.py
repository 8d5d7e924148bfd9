"""Jobs read inputs with tokens of their owners, which the provider exchanges (RFC 8693), over a real server."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.required import cannot_run

from .provider import CannotStart, Provider, claims_of

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: copy
baseCommand: cat
inputs: {file: {type: File, inputBinding: {}}}
outputs: {copied: stdout}
stdout: copied.txt
"""


class Data(ThreadingHTTPServer):
    """A service that sends each user what is his, and nobody else anything."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        super().__init__(("127.0.0.1", 0), _Asked)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Asked(BaseHTTPRequestHandler):
    server: Data

    def do_GET(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        self.server.seen.append(token)
        claims = claims_of(token) if scheme == "Bearer" else {}
        body = f"secret of {claims.get('preferred_username')}".encode()
        self.send_response(200 if claims.get("aud") == "data-api" else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@dataclass
class Place:
    """The server, the provider, the service, and where the server keeps what it knows."""

    server: LiveServer
    provider: Provider
    data: Data
    home: Path
    used: list[str] = field(default_factory=list)

    def run(self, user: str, host: str, **headers: str) -> tuple[requests.Response, dict[str, Any]]:
        """A job that reads `https://HOST/x` for a user; gives its results and its status."""
        token = self.provider.token(user)
        self.used.append(token)
        return self.execute({"Authorization": f"Bearer {token}", **headers}, host)

    def execute(
        self, headers: dict[str, str], host: str, browser: requests.Session | None = None
    ) -> tuple[requests.Response, dict[str, Any]]:
        session = browser or requests.Session()
        body = {"inputs": {"file": {"href": f"http://{host}:{self.data.server_port}/x.txt"}}}
        made = session.post(
            f"{self.server.url}/processes/copy/execution",
            json=body,
            headers={**headers, "Prefer": "wait=100"},
            timeout=600,
        )
        job = made.headers.get("Location", "")
        status = session.get(job, headers=headers, timeout=240).json() if job else {}
        return made, status


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("server")
    secret, key, data = home / "secret", home / "key", Data()
    secret.write_text("api-secret\n")
    key.write_text(base64.b64encode(os.urandom(32)).decode())
    client = {"client_id": "api", "client_secret": {"file": str(secret)}}
    provider = Provider()
    issuer = {"issuer": provider.issuer, "audience": ["oapip-api"], "preset": "keycloak", "exchange": client}
    tokens = {"data": {"audience": "data-api"}, "late": {"audience": "short-api"}, "none": {"audience": "nowhere"}}
    auth = {
        "type": "oidc",
        "issuers": [issuer],
        "login": {"client_id": "web", "resource": "urn:oapip"},
        "on_behalf": {"key": {"file": str(key)}, "tokens": tokens},
    }
    port = data.server_port
    hosts = {f"127.0.0.1:{port}": "data", f"127.0.0.2:{port}": "late", f"127.0.0.3:{port}": "none"}
    access = [{"hosts": [host], "user_token": name, "insecure": True} for host, name in hosts.items()]
    try:
        provider.start()
    except CannotStart as reason:
        cannot_run("oidc", reason)
    block = {"auth": auth, "staging": {"allow_internal": True, "http": access}}
    with LiveServer(home, block, workers=1) as server:
        provider.stop()
        provider.redirect = f"{server.url}/login/callback"
        provider.start()
        deploy = {"Authorization": f"Bearer {provider.token('root')}", "Content-Type": "application/cwl+yaml"}
        made = requests.post(f"{server.url}/processes", data=PACKAGE, headers=deploy, timeout=240)
        assert made.status_code == 201, made.text
        shared = f"{server.url}/processes/copy/sharing"
        del deploy["Content-Type"]
        assert requests.put(shared, json={"public": True}, headers=deploy, timeout=240).status_code == 200
        yield Place(server, provider, data, home)
    provider.stop()
    data.shutdown()
    data.server_close()


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_job_reads_with_a_token_of_its_owner_that_the_provider_has_exchanged(place: Place, user: str) -> None:
    made, status = place.run(user, "127.0.0.1")
    assert made.status_code == 200, made.text
    assert status["status"] == "successful"
    assert (
        f"secret of {user}"
        in requests.get(
            f"{place.server.url}/jobs/{status['jobID']}/results/copied",
            headers={"Authorization": f"Bearer {place.used[-1]}"},
            timeout=240,
        ).text
    )
    assert place.used[-1] not in place.data.seen, "the token of the request itself goes nowhere"
    assert claims_of(place.data.seen[-1])["aud"] == "data-api"


def test_no_token_is_in_the_database_or_in_a_folder_of_a_job(place: Place) -> None:
    place.run("alice", "127.0.0.1")
    searched = 0
    for path in place.home.rglob("*"):
        if path.is_file():
            content, searched = path.read_bytes(), searched + 1
            for token in (place.data.seen[-1], place.used[-1]):
                assert token.encode() not in content, path.name
                assert token.rpartition(".")[2].encode() not in content, path.name
    assert searched > 5


def test_token_that_has_expired_when_the_job_needs_it_fails_the_job_and_says_so(place: Place) -> None:
    made, status = place.run("alice", "127.0.0.2")
    assert made.status_code == 403, made.text
    assert status["status"] == "failed"
    assert "no token of the job's owner for late: it has expired" in made.json()["detail"]


def test_token_that_the_provider_refuses_fails_the_job_and_says_why(place: Place) -> None:
    made, status = place.run("alice", "127.0.0.3")
    assert (made.status_code, status["status"]) == (403, "failed")
    assert "for none: the identity provider gave none (invalid_target)" in made.json()["detail"]


def test_job_of_a_browser_has_a_token_of_its_login(place: Place) -> None:
    browser, url = requests.Session(), place.server.url
    begun = browser.get(f"{url}/login", allow_redirects=False, timeout=240)
    back = place.provider.redirected(begun.headers["Location"], "bob")
    assert browser.get(back, allow_redirects=False, timeout=240).status_code == 302
    made, status = place.execute({"Sec-Fetch-Site": "same-origin"}, "127.0.0.1", browser)
    assert (made.status_code, status["status"]) == (200, "successful"), made.text
    assert claims_of(place.data.seen[-1])["preferred_username"] == "bob"


def test_provider_that_is_down_stops_no_job_that_needs_no_token(place: Place) -> None:
    token = place.provider.token("alice")
    headers = {"Authorization": f"Bearer {token}"}
    place.provider.stop()
    try:
        made = requests.post(
            f"{place.server.url}/processes/echo/execution",
            json={"inputs": {"message": "x"}},
            headers={**headers, "Prefer": "wait=100"},
            timeout=600,
        )
        assert made.status_code == 200, made.text
        made, status = place.execute(headers, "127.0.0.1")
        assert (made.status_code, status["status"]) == (403, "failed")
        assert "the identity provider cannot be reached" in made.json()["detail"]
    finally:
        place.provider.start()
