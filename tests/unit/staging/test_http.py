from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pygeoapi_oapip.errors import AddressForbidden, OapipError, TooLarge, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.http import HttpStager


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
            return
        status = int(self.path[1:]) if self.path[1:].isdigit() else 200
        body = b"0123456789" * 100
        self.send_response(status)
        self.send_header("Content-Type", "image/tiff; charset=x")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def stager(**settings: object) -> HttpStager:
    return HttpStager(Staging.model_validate({"allow_internal": True, "timeout": 5, **settings}))


def test_document_is_fetched_with_its_media_type(site: str) -> None:
    fetched = stager().fetch(f"{site}/a", 10_000)
    assert (len(fetched.content), fetched.media_type, fetched.url) == (1000, "image/tiff", f"{site}/a")


def test_file_is_staged_whole_under_its_own_name(site: str, tmp_path: Path) -> None:
    staged = stager().stage(f"{site}/dir/slope%20a.tif?x=1", tmp_path)
    assert staged.path.name == "slope a.tif"
    assert staged.path.stat().st_size == 1000
    assert [p.name for p in tmp_path.iterdir()] == ["slope a.tif"]


def test_larger_than_allowed_is_refused(site: str, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        stager().fetch(f"{site}/a", 999)
    with pytest.raises(TooLarge):
        stager(max_bytes=999).stage(f"{site}/a", tmp_path)
    assert not [p for p in tmp_path.iterdir() if p.suffix != ".part"]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, UnresolvableReference), (403, UnresolvableReference), (503, Unavailable)]
)
def test_status_tells_permanent_from_temporary(site: str, status: int, kind: type[OapipError]) -> None:
    with pytest.raises(kind, match=str(status)):
        stager().fetch(f"{site}/{status}", 10_000)


def test_nobody_listening_is_temporary() -> None:
    with pytest.raises(Unavailable):
        stager().fetch("http://127.0.0.1:9/x", 10)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://10.1.2.3/x",
        "http://169.254.169.254/latest/meta-data",
        "http://192.168.0.1/x",
        "http://0.0.0.0/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
    ],
)
def test_internal_addresses_are_refused(url: str) -> None:
    guarded = stager(allow_internal=False)
    with pytest.raises((AddressForbidden, Unavailable)) as caught:
        guarded.fetch(url, 10)
    assert isinstance(caught.value, AddressForbidden) or "resolved" in caught.value.detail


def test_name_that_resolves_to_an_internal_address_is_refused(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(site.rpartition(":")[2])
    answer = [(2, 1, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("pygeoapi_oapip.staging.guard.socket.getaddrinfo", lambda *a, **k: answer)
    with pytest.raises(AddressForbidden):
        stager(allow_internal=False).fetch(f"http://innocent.example:{port}/a", 10_000)


@pytest.mark.parametrize(
    "address",
    [
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "ff02::1",
    ],
)
def test_no_kind_of_address_hides_one_inside(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [(socket.AF_INET6, 1, 6, "", (address, 80, 0, 0))]
    monkeypatch.setattr("pygeoapi_oapip.staging.guard.socket.getaddrinfo", lambda *a, **k: answer)
    with pytest.raises(AddressForbidden):
        stager(allow_internal=False).fetch("http://innocent.example/a", 10)


def test_a_name_server_that_changes_its_answer_is_asked_once(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was checked is the one that is connected to."""
    port = int(site.rpartition(":")[2])
    answers = [[(2, 1, 6, "", ("203.0.114.9", port))], [(2, 1, 6, "", ("127.0.0.1", port))]]
    asked: list[str] = []
    opened: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> object:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        opened.append(address[0])
        raise OSError("no way")

    monkeypatch.setattr("pygeoapi_oapip.staging.guard.socket.getaddrinfo", resolve)
    monkeypatch.setattr("pygeoapi_oapip.staging.guard.create_connection", connect)
    with pytest.raises(Unavailable):
        stager(allow_internal=False).fetch(f"http://rebinding.example:{port}/a", 10)
    assert (asked, opened) == (["rebinding.example"], ["203.0.114.9"])


def test_redirect_is_followed_and_checked_again(site: str) -> None:
    assert stager().fetch(f"{site}/to?/b", 10_000).url == f"{site}/b"
    with pytest.raises(AddressForbidden):
        stager().fetch(f"{site}/to?file:///etc/passwd", 10_000)
    with pytest.raises(AddressForbidden):
        stager(allow_hosts=["127.*"]).fetch(f"{site}/to?http://example.org/", 10_000)


def test_endless_redirects_end(site: str) -> None:
    with pytest.raises(UnresolvableReference, match="redirects"):
        stager().fetch(f"{site}/to?{'/to?' * 9}/b", 10)


@pytest.mark.parametrize("url", ["http:///x", "http://[bad/x", "http://a:99999/x", "http://a b/x"])
def test_what_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises((UnresolvableReference, Unavailable)):
        stager().fetch(url, 10)


def test_host_outside_the_list_is_refused() -> None:
    with pytest.raises(AddressForbidden, match="allow_hosts"):
        stager(allow_hosts=["*.example.org"]).check("https://example.com/x")
    stager(allow_hosts=["*.example.org"]).check("https://data.example.org/x")


@pytest.mark.parametrize("target", ["http://[::1", "//[", "http://[v1.x]/"])
def test_redirect_to_what_is_no_url_is_refused(site: str, tmp_path: Path, target: str) -> None:
    with pytest.raises(OapipError):
        stager().fetch(f"{site}/to?{target}", 10_000)
