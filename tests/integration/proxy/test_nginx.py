"""A real server behind a real nginx that speaks https and has a path of its own, as the documentation shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.required import cannot_run

from .nginx import CannotStart, Nginx

CLIENT = "127.0.0.5"
"""Where the requests of these tests come from."""
PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: hello
baseCommand: [sh, -c, 'echo "$0" > said.txt; mkdir tree; echo leaf > tree/leaf.txt']
inputs: {word: {type: string, inputBinding: {}}}
outputs:
  said: {type: File, outputBinding: {glob: said.txt}}
  tree: {type: Directory, outputBinding: {glob: tree}}
"""


class FromAddress(HTTPAdapter):
    """Requests that come from one address of this machine."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(CLIENT, 0), **options)


@dataclass
class Front:
    """The server through nginx."""

    nginx: Nginx
    server: LiveServer

    def ask(self, method: str, address: str, user: str | None = "alice", **options: Any) -> requests.Response:
        """A request to a path below the proxy's, or to a URL."""
        with requests.Session() as session:
            session.trust_env = False  # certificates of this test alone
            session.mount("http://", FromAddress())
            session.mount("https://", FromAddress())
            session.auth = (user, f"secret of {user}") if user else None
            session.verify = str(self.nginx.certificate)
            url = address if "://" in address else self.nginx.url + address
            return session.request(method, url, timeout=120, allow_redirects=False, **options)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    home, passwords = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("passwords") / "passwords"
    for name, role in (("alice", "user"), ("bob", "user"), ("root", "admin")):
        write_account(passwords, Account(name, hash_password(f"secret of {name}"), frozenset({role}), frozenset()))
    with Nginx(home) as nginx:
        manager = {"auth": {"type": "basic", "file": str(passwords)}, "proxy": {"trusted": ["127.0.0.1"]}}
        server = LiveServer(tmp_path_factory.mktemp("server"), manager)
        text = server.configuration.read_text()
        server.configuration.write_text(re.sub(r"^  url: .*$", f"  url: {nginx.url}", text, flags=re.MULTILINE))
        with server:
            nginx.target = urlsplit(server.url).port or 0
            try:
                nginx.start()
            except CannotStart as reason:
                cannot_run("nginx", reason)
            yield Front(nginx, server)


def addresses(document: Any) -> Iterator[str]:
    """Every `href` of a JSON document."""
    if isinstance(document, dict):
        yield from (value for key, value in document.items() if key in ("href", "url") and isinstance(value, str))
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from addresses(item)


PYGEOAPI = re.compile(r"/(TileMatrixSets|collections|static|stac|admin)\b|/openapi\?f=(json|oas31)")
"""Its own pages lead to the plain root; and the API definition has templates of addresses."""


def run(front: Front, prefix: str, user: str = "alice") -> str:
    """Deploy and run through nginx; the address of the job."""
    kind = {"Content-Type": "application/cwl+yaml"}
    made = front.ask("PUT", f"{prefix}/processes/hello", user, data=PACKAGE, headers=kind)
    if made.status_code == 404:
        made = front.ask("POST", f"{prefix}/processes", user, data=PACKAGE, headers=kind)
        assert made.headers["Location"] == f"{front.nginx.url}{prefix}/processes/hello"
    assert made.status_code in (201, 204), made.text
    body = {"inputs": {"word": "hello"}}
    ran = front.ask("POST", f"{prefix}/processes/hello/execution", user, json=body, headers={"Prefer": "wait=60"})
    assert ran.status_code in (200, 201), ran.text
    assert ran.headers["Location"].startswith(f"{front.nginx.url}{prefix}/jobs/")
    return ran.headers["Location"]


@pytest.mark.parametrize("prefix", ["", "/alice/ogc-api"])
def test_every_link_can_be_followed_through_the_proxy(front: Front, prefix: str) -> None:
    root = front.nginx.url + prefix
    run(front, prefix)
    waiting, seen, wrong = [(f"{root}/", "")], set[str](), []
    while waiting:
        address, source = waiting.pop()
        address = address.partition("#")[0]
        if address in seen or not urlsplit(address).netloc.startswith("localhost") or PYGEOAPI.search(address):
            continue
        seen.add(address)
        answer = front.ask("GET", address)
        # an execution by GET lacks its inputs; nginx itself leads from /geo to /geo/
        allowed: tuple[int, ...] = {front.nginx.url: (200, 301)}.get(address, (200,))
        allowed = (200, 400, 405) if address.endswith("/execution") else allowed
        if not address.startswith(root) or answer.status_code not in allowed:
            wrong.append((answer.status_code, address, source))
        if "json" in answer.headers.get("Content-Type", ""):
            waiting += [(text, address) for text in addresses(answer.json())]
        if "text/html" in answer.headers.get("Content-Type", ""):
            found = re.findall(r'(?:href|src|action)="([^"{]+)"', answer.text)
            waiting += [(text, address) for text in found if text.startswith("http") and "/logout" not in text]
            assert front.server.url not in answer.text
    assert wrong == [] and len(seen) > 30


def test_results_are_read_in_pieces_through_the_proxy(front: Front) -> None:
    job = run(front, "/alice/ogc-api")
    said = front.ask("GET", f"{job}/results/said")
    assert (said.status_code, said.text) == (200, "hello\n")
    piece = front.ask("GET", f"{job}/results/said", headers={"Range": "bytes=1-2"})
    assert (piece.status_code, piece.text) == (206, "el")
    assert front.ask("GET", f"{job}/results/tree/leaf.txt").text == "leaf\n"
    assert front.ask("GET", f"{job}/results", user="bob").status_code == 403


@pytest.mark.parametrize("user", ["", "/alice"])
def test_wps_job_is_followed_through_the_proxy(front: Front, user: str) -> None:
    start = f"{user}/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    made = front.ask("GET", f"{start}&storeExecuteResponse=true&status=true")
    assert made.status_code == 200, made.text
    place = re.search(r'statusLocation="([^"]+)"', made.text)
    assert place is not None and place[1].startswith(f"{front.nginx.url}{user}/wps/status/")
    assert front.ask("GET", place[1]).status_code == 200
    for version in ("1.0.0", "2.0.0"):
        query = f"service=WPS&request=GetCapabilities&version={version}&AcceptVersions={version}"
        found = front.ask("GET", f"{user}/wps?{query}").text
        assert f'xlink:href="{front.nginx.url}{user}/wps' in found and front.server.url not in found


def test_audit_names_the_client_and_not_the_proxy(front: Front) -> None:
    from pygeoapi_oapip.store.sql import Database, SqlAuditStore

    run(front, "", "bob")
    database = Database(f"sqlite:///{front.server.home}/oapip.db", None)
    try:
        found = SqlAuditStore(database).entries(10, "bob")
    finally:
        database.close()
    assert {entry.address for entry in found} == {CLIENT}


def test_headers_of_clients_do_not_get_through(front: Front) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "81",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6;host=evil.example",
    }
    answer = front.ask("GET", "/processes/echo", headers=lies)
    assert answer.json() == front.ask("GET", "/processes/echo").json()


def test_stranger_who_reaches_the_server_itself_gets_the_public_addresses(front: Front) -> None:
    lies = {"X-Forwarded-Host": "localhost:81", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Proto": "http"}
    answer = front.ask("GET", f"{front.server.url}/processes/echo", headers=lies)
    assert answer.json() == front.ask("GET", "/processes/echo").json()
