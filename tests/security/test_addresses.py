"""The server asks nobody whom an attacker names: not by a token, not by what a provider redirects to, not by a
callback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pygeoapi_oapip.auth.provider import LARGEST, ProviderClient
from pygeoapi_oapip.errors import Unavailable
from pygeoapi_oapip.settings_auth import Issuer

from .site import Site
from .tokens import FOREIGN, NOW, Clock, claims, signed, verifier


class Web:
    """A web server on this machine that answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                status, headers, body = web.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture
def victim() -> Iterator[Web]:
    """Something inside that nobody may reach through us."""
    made = Web()
    yield made
    assert made.asked == []
    made.close()


def client(web: Web, **discovery: Any) -> ProviderClient:
    document = {"issuer": web.url, **discovery}
    web.answers["/.well-known/openid-configuration"] = (200, {}, json.dumps(document).encode())
    return ProviderClient(Issuer.model_validate({"issuer": web.url, "audience": ["api"]}))


def test_redirects_of_the_provider_are_not_followed(web: Web, victim: Web) -> None:
    asking = client(web, jwks_uri=f"{web.url}/keys", token_endpoint=f"{web.url}/token")
    for status in (301, 302, 303, 307, 308):
        web.answers["/keys"] = web.answers["/token"] = (status, {"Location": f"{victim.url}/secret"}, b"{}")
        with pytest.raises(Unavailable):
            asking.keys()
        with pytest.raises(Unavailable):
            asking.post("token_endpoint", {"code": "x"})
    web.answers["/.well-known/openid-configuration"] = (302, {"Location": f"{victim.url}/x"}, b"")
    with pytest.raises(Unavailable):
        ProviderClient(Issuer.model_validate({"issuer": web.url, "audience": ["api"]})).keys()


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/keys", "gopher://x", "/keys", "", None, 7, ["x"], "javascript:x"]
)
def test_addresses_of_the_discovery_document_have_to_be_urls_of_the_web(web: Web, address: Any) -> None:
    with pytest.raises(Unavailable):
        client(web, jwks_uri=address).keys()


def test_issuer_of_https_does_not_lead_to_http(victim: Web) -> None:
    asking = ProviderClient(Issuer.model_validate({"issuer": "https://id.example.org", "audience": ["api"]}))
    asking._document = {"issuer": "https://id.example.org", "jwks_uri": f"{victim.url}/keys"}
    with pytest.raises(Unavailable):
        asking.keys()


def test_provider_that_describes_another_issuer_is_refused(web: Web) -> None:
    with pytest.raises(Unavailable, match="another issuer"):
        client(web, issuer="https://evil.example", jwks_uri=f"{web.url}/keys").keys()


@pytest.mark.parametrize("body", [b"x" * (LARGEST + 10), b"[" * 100_000, b"[]", b"null", b"\xff", b""])
def test_answer_that_is_no_document_is_none(web: Web, body: bytes) -> None:
    asking = client(web, jwks_uri=f"{web.url}/keys")
    web.answers["/keys"] = (200, {}, body)
    with pytest.raises(Unavailable):
        asking.keys()


def test_no_address_in_a_token_is_asked(victim: Web) -> None:
    tokens, answers = verifier(Clock())
    before = answers.asked
    for header in (
        {"jku": f"{victim.url}/keys"},
        {"x5u": f"{victim.url}/cert"},
        {"kid": f"{victim.url}/keys"},
        {"kid": f"file://{victim.url}"},
        {"jwk": FOREIGN.as_dict(private=False), "jku": f"{victim.url}/keys"},
    ):
        with pytest.raises(Exception, match="a key that its issuer does not have|signature is wrong"):
            tokens.verify(signed(claims(), FOREIGN, **header), "")
    with pytest.raises(Exception, match="issuer"):
        tokens.verify(signed(claims(iss=victim.url), FOREIGN), "")
    assert answers.asked <= before + 2, "only the keys of the configured issuer"
    assert Clock().now == NOW


@pytest.mark.parametrize("name", ["successUri", "inProgressUri", "failedUri"])
def test_callback_to_an_address_inside_is_refused(site: Site, victim: Web, name: str) -> None:
    port = victim.url.rpartition(":")[2]
    for address in (
        f"{victim.url}/x",
        f"http://localhost:{port}/x",
        f"http://[::ffff:127.0.0.1]:{port}/x",
        f"http://2130706433:{port}/x",
        f"http://0x7f.1:{port}/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ):
        subscriber = {"successUri": "https://example.org/ok", name: address}
        body = {"json": {"inputs": {"message": "x"}, "subscriber": subscriber}}
        answer = site.ask("alice", "POST", "/processes/echo/execution", **body)
        assert answer.status_code in (400, 403), answer.text


def test_input_from_an_address_inside_is_refused(site: Site, victim: Web) -> None:
    for address in (f"{victim.url}/x", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"):
        body = {"json": {"inputs": {"message": {"href": address}}}}
        answer = site.ask("alice", "POST", "/processes/echo/execution", **body)
        assert answer.status_code in (400, 403), answer.text
