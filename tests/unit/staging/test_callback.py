from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pygeoapi_oapip.errors import AddressForbidden, OapipError, Unavailable, UnresolvableReference
from pygeoapi_oapip.settings import Callbacks
from pygeoapi_oapip.staging.poster import Poster, make_poster
from pygeoapi_oapip.testing.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def poster(**settings: object) -> Poster:
    return make_poster(Callbacks.model_validate({"allow_internal": True, "timeout": 240, **settings}))


def test_a_message_is_posted_as_it_is(receiver: Receiver) -> None:
    assert poster().post(receiver.url("a?b=c"), b'{"x":1}', {"Idempotency-Key": "k"}) == 200
    (message,) = receiver.messages
    assert (message.path, message.document, message.headers["Idempotency-Key"]) == ("a?b=c", {"x": 1}, "k")


def test_the_status_is_told_and_a_redirect_not_followed(receiver: Receiver) -> None:
    receiver.answers = {"a": [500, 307]}
    assert [poster().post(receiver.url("a"), b"1", {}) for _ in range(3)] == [500, 307, 200]
    assert {message.path for message in receiver.messages} == {"a"}


def test_a_receiver_that_is_away_is_unavailable(receiver: Receiver) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable):
            poster().post(f"http://127.0.0.1:{free.getsockname()[1]}/", b"1", {})


def test_a_receiver_that_hangs_is_left(receiver: Receiver) -> None:
    receiver.answers = {"a": [0]}
    with pytest.raises(Unavailable):
        poster(timeout=0.3).post(receiver.url("a"), b"1", {})


@contextmanager
def trickling() -> Iterator[str]:
    """A receiver that sends a byte from time to time and never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    while True:
                        connection.sendall(b"H")
                        time.sleep(0.05)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_receiver_that_trickles_is_left_when_the_time_is_over() -> None:
    with trickling() as address:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            poster(timeout=0.5).post(address, b"1", {})
        assert time.monotonic() - started < 200


INSIDE = (
    "http://127.0.0.1/",
    "http://localhost:8080/",
    "http://app.localhost/",
    "http://10.1.2.3/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://[::ffff:192.168.0.1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0/",
)


@pytest.mark.parametrize("url", INSIDE)
def test_internal_addresses_are_refused_before_and_at_delivery(url: str) -> None:
    closed = poster(allow_internal=False)
    with pytest.raises(AddressForbidden, match=r"callbacks\.allow_internal"):
        closed.check(url)
    # some machines know no app.localhost
    with pytest.raises(OapipError if "app." in url else AddressForbidden):
        closed.post(url, b"1", {})


def test_a_name_that_has_become_internal_is_refused_at_delivery(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """The name server says something else at each question."""
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def answer(host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), receiver.port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    closed = poster(allow_internal=False)
    closed.check(f"http://receiver.test:{receiver.port}/")
    with pytest.raises(AddressForbidden):
        closed.post(f"http://receiver.test:{receiver.port}/", b"1", {})
    assert receiver.messages == []


def test_a_name_server_that_hangs_does_not_hold_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, released = threading.Event(), threading.Event()

    def hang(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        asked.set()
        released.wait(600)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    poster(allow_internal=False).check("http://slow.test/")
    waited = time.monotonic() - started
    released.set()
    assert asked.is_set()
    assert waited < 200


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://example.org/", UnresolvableReference),
        ("http:///x", UnresolvableReference),
        ("http://example.org:0/", UnresolvableReference),
        ("http://example.org:x/", UnresolvableReference),
        ("http://[::1/", UnresolvableReference),
        ("http://other.example/", AddressForbidden),
    ],
)
def test_what_is_no_address_that_may_be_told_is_refused(url: str, error: type[OapipError]) -> None:
    open_for_one = poster(allow_hosts=["*.example.org", "example.org"])
    with pytest.raises(error):
        open_for_one.check(url)
    with pytest.raises(error):
        open_for_one.post(url, b"1", {})
