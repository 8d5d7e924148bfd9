"""Documents that are asked for with headers and a body, and the guard around that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pygeoapi_oapip.errors import AddressForbidden, InvalidInputs, TooLarge, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.exchange import exchange

INSIDE = Staging(allow_internal=True)


class Echo(BaseHTTPRequestHandler):
    """Answers with what it got, or as its path says."""

    def do_GET(self) -> None:
        self._answer(b"got")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        code = int(self.path.strip("/").partition("/")[0] or 200)
        target = "/" if self.path.startswith("/302") else ""
        if self.path.startswith("/302/other"):
            target = f"http://localhost:{self.connection.getsockname()[1]}/"
        told = f"{self.command} {body.decode()} {self.headers.get('X-Token')}".encode()
        self.send_response(code)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Echo))
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    thread.join(10)
    served.server_close()


def test_method_headers_and_body_are_sent(url: str) -> None:
    assert exchange(INSIDE, "POST", f"{url}/", {"X-Token": "t"}, b"body", 1000) == b"POST body t"
    assert exchange(INSIDE, "GET", f"{url}/", {"X-Token": "t"}, None, 1000) == b"GET got t"


def test_a_get_follows_redirects_and_keeps_headers_to_their_host(url: str) -> None:
    assert exchange(INSIDE, "GET", f"{url}/302", {"X-Token": "t"}, None, 1000) == b"GET got t"
    assert exchange(INSIDE, "GET", f"{url}/302/other", {"X-Token": "t"}, None, 1000) == b"GET got None"
    with pytest.raises(UnresolvableReference, match="answers 302"):
        exchange(INSIDE, "POST", f"{url}/302", {}, b"", 1000)


def test_answers_that_are_no_document(url: str) -> None:
    with pytest.raises(UnresolvableReference, match="answers 404"):
        exchange(INSIDE, "POST", f"{url}/404", {}, b"", 1000)
    with pytest.raises(Unavailable, match="answers 503"):
        exchange(INSIDE, "POST", f"{url}/503", {}, b"", 1000)
    with pytest.raises(TooLarge):
        exchange(INSIDE, "POST", f"{url}/", {}, b"x" * 100, 50)


def test_the_guard_is_that_of_references(url: str) -> None:
    with pytest.raises(AddressForbidden):
        exchange(Staging(), "POST", f"{url}/", {}, b"", 1000)
    with pytest.raises(AddressForbidden):
        exchange(Staging(allow_internal=True, allow_hosts=("example.org",)), "GET", f"{url}/", {"A": "b"}, None, 1000)
    with pytest.raises(UnresolvableReference):
        exchange(INSIDE, "POST", "http://", {}, b"", 1000)


@pytest.mark.parametrize(
    ("name", "value"), [("Host", "a"), ("content-length", "1"), ("a b", "c"), ("", "c"), ("a", "b\r\nX: y"), ("a", "ä")]
)
def test_headers_that_may_not_be_sent(url: str, name: str, value: str) -> None:
    with pytest.raises(InvalidInputs):
        exchange(INSIDE, "GET", f"{url}/", {name: value}, None, 1000)
