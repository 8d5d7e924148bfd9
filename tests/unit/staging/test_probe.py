"""Looking for a reference without reading it: only a certain answer counts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from pygeoapi_oapip.errors import AddressForbidden, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.base import Prober
from pygeoapi_oapip.staging.http import HttpStager
from pygeoapi_oapip.staging.router import make_stager


class Site(BaseHTTPRequestHandler):
    """`/HEAD-STATUS/GET-STATUS`; `/to?URL` redirects; `/slow` does not answer."""

    asked: ClassVar[list[str]] = []
    release = threading.Event()

    def answer(self, at: int) -> None:
        self.asked.append(f"{self.command} {self.headers['Range']}")
        if self.path == "/slow":
            self.release.wait(600)
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
        else:
            self.send_response(int(self.path.split("/")[at]) if self.path[1].isdigit() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.answer(1)

    def do_GET(self) -> None:
        self.answer(2)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        Site.release.set()
        server.shutdown()


def probe(url: str, seconds: float = 240, **settings: object) -> None:
    HttpStager(Staging.model_validate({"allow_internal": True, **settings})).probe(url, seconds)


@pytest.mark.parametrize("path", ["/200/500", "/206/404", "/405/200", "/403/206", "/404/416", "/503/404", "/400/500"])
def test_what_may_be_there_is_let_through(site: str, path: str) -> None:
    probe(site + path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/404/404", r"does not exist \(404\)"),
        ("/405/404", r"does not exist \(404\)"),
        ("/410/410", r"does not exist any more \(410\)"),
        ("/403/403", r"may not be read \(403\)"),
        ("/501/401", r"may not be read \(401\)"),
    ],
)
def test_a_certain_no_is_told(site: str, path: str, text: str) -> None:
    with pytest.raises(UnresolvableReference, match=text):
        probe(site + path)


def test_one_byte_is_asked_for_where_head_says_no(site: str) -> None:
    Site.asked.clear()
    probe(f"{site}/403/206")
    assert Site.asked == ["HEAD bytes=0-0", "GET bytes=0-0"]


def test_redirects_are_followed_and_guarded(site: str) -> None:
    probe(f"{site}/to?/200/200")
    with pytest.raises(UnresolvableReference):
        probe(f"{site}/to?/404/404")
    with pytest.raises(AddressForbidden):
        probe(f"{site}/to?http://example.org/x", allow_hosts=["127.*"])
    with pytest.raises(AddressForbidden):
        probe(f"{site}/200/200", allow_internal=False)


def test_silence_is_no_answer(site: str) -> None:
    started = time.monotonic()
    probe(f"{site}/slow", 0.2)
    assert time.monotonic() - started < 200


def test_nobody_listening_is_no_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        probe(f"http://127.0.0.1:{unused.getsockname()[1]}/x", 60)


@pytest.mark.parametrize(("number", "refused"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_only_a_name_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, number: int, refused: bool
) -> None:
    def fail(*args: object, **options: object) -> object:
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    if not refused:
        probe("http://name.example/x")
        return
    with pytest.raises(UnresolvableReference, match="there is no host of the name name.example"):
        probe("http://name.example/x")


def test_files_are_looked_for(tmp_path: Path) -> None:
    stager = make_stager(Staging.model_validate({"allow_files": [str(tmp_path)]}))
    assert isinstance(stager, Prober)
    (tmp_path / "a").write_text("", encoding="utf-8")
    stager.probe((tmp_path / "a").as_uri(), 1)
    stager.probe(tmp_path.as_uri(), 1)
    with pytest.raises(UnresolvableReference, match="does not exist"):
        stager.probe((tmp_path / "b").as_uri(), 1)
    with pytest.raises(AddressForbidden):
        stager.probe("file:///etc/passwd", 1)
    with pytest.raises(UnresolvableReference, match="scheme"):
        stager.probe("gopher://example.org", 1)
