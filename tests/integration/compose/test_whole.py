"""The files of docker/compose with the parts that are here: the server with oapip.yml, nginx with nginx.conf,
PostgreSQL, a certified OpenID Connect provider in the place of Keycloak. Others are addresses, ports, paths, and the
client of the login.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.oidc.provider import CannotStart, Provider
from tests.integration.postgres.server import Server, binaries
from tests.integration.proxy.nginx import PROGRAM, certificate, free_port
from tests.integration.required import cannot_run

FOLDER = Path(__file__).resolve().parents[3] / "docker" / "compose"
_MAIN = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    {server}
}}
"""


def manager(home: Path, provider: Provider, connection: str, password: str) -> dict[str, Any]:
    """The block of oapip.yml, with what is different here."""
    for name, text in (("database-password", password), ("client-secret", "unused")):
        (home / name).write_text(text)
    text = (FOLDER / "oapip.yml").read_text().replace("/run/secrets/", f"{home}/")
    block: dict[str, Any] = yaml.safe_load(text)["server"]["manager"]
    block |= {"connection": connection, "proxy": {"trusted": ["127.0.0.1"], "hosts": ["localhost"]}}
    del block["output_dir"]
    [issuer] = block["auth"]["issuers"]
    del issuer["ca"]
    issuer |= {"issuer": provider.issuer, "audience": ["oapip-api"]}
    block["auth"]["login"] = {"client_id": "web", "resource": "urn:oapip"}
    return block


def proxy(home: Path, port: int, server: str, issuer: str) -> subprocess.Popen[bytes]:
    """nginx with nginx.conf."""
    text = (FOLDER / "nginx.conf").read_text()
    for ours, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("oapip.example.org", "localhost"),
        ("/run/secrets/tls.crt", f"{home}/certificate.pem"),
        ("/run/secrets/tls.key", f"{home}/key.pem"),
        ("http://keycloak:8080", issuer),
        ("http://server:5000", server),
    ):
        assert ours in text
        text = text.replace(ours, here)
    (home / "nginx.conf").write_text(_MAIN.format(home=home, server=text))
    return subprocess.Popen([PROGRAM, "-c", home / "nginx.conf", "-e", home / "error.log"], cwd=home)


@dataclass
class Whole:
    """All of it, from outside."""

    url: str
    provider: Provider
    certificate: Path
    database: Server

    def ask(self, user: str | None, method: str, path: str, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", {}))
        if user is not None:
            headers["Authorization"] = f"Bearer {self.provider.token(user)}"
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self.certificate)
            address = path if "://" in path else self.url + path
            return session.request(method, address, headers=headers, timeout=600, allow_redirects=False, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = binaries()
    if folder is None:
        cannot_run("postgres", "no PostgreSQL server programs")
    if not PROGRAM.exists():
        cannot_run("proxy", "not installed: nginx")
    assert folder is not None
    home, port, provider = tmp_path_factory.mktemp("whole"), free_port(), Provider()
    provider.redirect = f"https://localhost:{port}/login/callback"
    with ExitStack() as stack:
        try:
            provider.start()
        except CannotStart as reason:
            cannot_run("oidc", reason)
        stack.callback(provider.stop)
        database = Server(folder)
        stack.callback(database.remove)
        block = manager(home, provider, database.new_database(), database.password)
        server = stack.enter_context(LiveServer(home / "server", block, workers=1))
        made = certificate(home)
        program = proxy(home, port, server.url, provider.issuer)
        stack.callback(program.wait, 60)
        stack.callback(program.terminate)
        found = Whole(f"https://localhost:{port}", provider, made, database)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                found.ask(None, "GET", "/health")
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield found


def test_user_runs_a_job_and_strangers_see_nothing_of_it(whole: Whole) -> None:
    body = {"inputs": {"message": "of alice"}}
    ran = whole.ask(
        "alice", "POST", "/alice/ogc-api/processes/echo/execution", json=body, headers={"Prefer": "wait=100"}
    )
    assert ran.status_code == 200, ran.text
    job = ran.headers["Location"]
    assert job.startswith(f"{whole.url}/alice/ogc-api/jobs/")
    assert whole.ask("alice", "GET", job).json()["status"] == "successful"
    path = "/jobs/" + job.rpartition("/")[2]
    assert [whole.ask(user, "GET", path).status_code for user in ("bob", None, "olga")] == [404, 401, 200]


def test_nobody_deploys_who_is_not_named(whole: Whole) -> None:
    package = "cwlVersion: v1.2\nclass: CommandLineTool\nid: x\nbaseCommand: 'true'\ninputs: {}\noutputs: {}\n"
    kind = {"Content-Type": "application/cwl+yaml"}
    assert whole.ask("alice", "POST", "/processes", data=package, headers=kind).status_code == 403
    assert whole.ask("root", "POST", "/processes", data=package, headers=kind).status_code == 201


def test_browser_logs_in_through_the_proxy(whole: Whole) -> None:
    browser = requests.Session()
    browser.trust_env, browser.verify = False, str(whole.certificate)
    begun = browser.get(f"{whole.url}/login", allow_redirects=False, timeout=240)
    back = whole.provider.redirected(begun.headers["Location"], "bob")
    assert back.startswith(f"{whole.url}/login/callback")
    done = browser.get(back, allow_redirects=False, timeout=240)
    assert done.status_code == 302, done.text
    assert "__Host-oapip-session" in done.headers["Set-Cookie"] and "Secure" in done.headers["Set-Cookie"]
    assert browser.get(f"{whole.url}/bob/ogc-api/jobs", timeout=240).status_code == 200
