"""HTTP to the server: addresses, redirects, credentials, and answers without end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pygeoapi_oapip.engines.wes import client as client_module
from pygeoapi_oapip.engines.wes.client import WesClient, base_of, quoted
from pygeoapi_oapip.errors import AnswerLost, EngineUnavailable
from pygeoapi_oapip.settings import WesEngine as Settings


class Scripted:
    """An HTTP server that answers as a test says.

    Attributes:
        answers: path -> status, headers, body.
        seen: path and Authorization header of each request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seen: list[tuple[str, str | None]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script.seen.append((self.path, self.headers.get("Authorization")))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = script.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def there() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


@pytest.fixture
def other() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


@pytest.fixture
def client(there: Scripted, monkeypatch: pytest.MonkeyPatch) -> Iterator[WesClient]:
    monkeypatch.setenv("TOKEN", "secret")
    client = WesClient(Settings.model_validate({"url": there.url, "token": {"env": "TOKEN"}, "timeout": 5}))
    yield client
    client.close()


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://h:1", "http://h:1/ga4gh/wes/v1"),
        ("http://h/", "http://h/ga4gh/wes/v1"),
        ("https://h/a/ga4gh/wes/v1", "https://h/a/ga4gh/wes/v1"),
        ("https://h/a/ga4gh/wes/v1/", "https://h/a/ga4gh/wes/v1"),
        ("https://h/hpc/", "https://h/hpc/ga4gh/wes/v1"),
    ],
)
def test_the_address_may_be_short_or_whole(url: str, base: str) -> None:
    assert base_of(url) == base


def test_a_run_id_cannot_lead_elsewhere() -> None:
    assert quoted("../../x?y#z") == "..%2F..%2Fx%3Fy%23z"


def test_redirects_within_the_server_are_followed(client: WesClient, there: Scripted) -> None:
    there.answers["/ga4gh/wes/v1/a"] = (307, {"Location": "/b"}, b"")
    there.answers["/b"] = (200, {}, b"{}")
    assert client.get("a").json() == {}


def test_credentials_go_to_no_other_server(client: WesClient, there: Scripted, other: Scripted) -> None:
    there.answers["/ga4gh/wes/v1/a"] = (302, {"Location": f"{other.url}/steal"}, b"")
    with pytest.raises(EngineUnavailable, match="another server"):
        client.get("a")
    with pytest.raises(EngineUnavailable, match="another server"):
        client.tail(f"{other.url}/log", 100)
    assert other.seen == []
    assert there.seen == [("/ga4gh/wes/v1/a", "Bearer secret")]


@pytest.mark.parametrize("target", ["http://[", "ftp://x/y", "//", "http://h:99999/"])
def test_strange_redirects_are_faults_that_pass(client: WesClient, there: Scripted, target: str) -> None:
    there.answers["/ga4gh/wes/v1/a"] = (302, {"Location": target}, b"")
    with pytest.raises(EngineUnavailable):
        client.get("a")


def test_redirects_end(client: WesClient, there: Scripted) -> None:
    there.answers["/ga4gh/wes/v1/a"] = (302, {"Location": "a"}, b"")
    with pytest.raises(EngineUnavailable, match="one address to the next"):
        client.get("a")


def test_a_moved_server_is_named_where_a_run_was_to_be_sent(client: WesClient, there: Scripted) -> None:
    there.answers["/ga4gh/wes/v1/runs"] = (308, {"Location": "/new/runs"}, b"")
    with pytest.raises(EngineUnavailable, match=r"has moved to .*/new/runs"):
        client.post("runs", {"a": "b"})
    assert len(there.seen) == 1


def test_answers_have_a_largest_size(client: WesClient, there: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST_ANSWER", 1000)
    there.answers["/ga4gh/wes/v1/a"] = (200, {}, b"x" * 100_000)
    with pytest.raises(EngineUnavailable, match="larger than 1000"):
        client.get("a")
    there.answers["/ga4gh/wes/v1/runs"] = (200, {}, b"x" * 100_000)
    with pytest.raises(AnswerLost):
        client.post("runs", {"a": "b"})


def test_the_end_of_a_long_log_is_read(client: WesClient, there: Scripted) -> None:
    there.answers["/log"] = (200, {}, b"a" * 300_000 + b"end")
    assert client.tail("/log", 1000) == b"a" * 997 + b"end"
    assert client.tail("/none", 1000) == b""


def test_an_answer_that_is_cut_is_a_fault(client: WesClient, there: Scripted) -> None:
    there.answers["/ga4gh/wes/v1/a"] = (200, {"Content-Length": "100"}, b"half")
    with pytest.raises(EngineUnavailable, match="was cut"):
        client.get("a")
    there.answers["/ga4gh/wes/v1/runs"] = (200, {"Content-Length": "100"}, b"half")
    with pytest.raises(AnswerLost):
        client.post("runs", {"a": "b"})


def test_a_server_that_was_never_reached_got_nothing() -> None:
    client = WesClient(Settings(url="http://127.0.0.1:1"))
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        client.post("runs", {"a": "b"})
    with pytest.raises(EngineUnavailable):
        WesClient(Settings(url="http://no-such-host.invalid")).post("runs", {"a": "b"})
