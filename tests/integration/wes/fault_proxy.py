"""A FAKE: an HTTP proxy in front of a real server that breaks answers in the ways that servers and networks do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_LONGEST_SILENCE = 300.0


class Fault(StrEnum):
    """What a client meets instead of the answer."""

    ERROR_500 = "500 with a text"
    BUSY_503 = "503 with HTML, as a reverse proxy sends it"
    GARBAGE = "bytes that are no HTTP"
    WRONG_JSON = "200 with JSON of another kind"
    HTML = "200 with a page"
    HALF = "half a body"
    SILENCE = "a connection that says nothing"
    REFUSED = "a connection that is closed at once"
    LOST_REPLY = "the request is done, but the answer is lost"


@dataclass(frozen=True)
class Asked:
    """One request that came in."""

    method: str
    path: str


class FaultProxy:
    """A proxy on a free port of 127.0.0.1.

    Args:
        port: the real server on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.asked: list[Asked] = []
        self.after_reply: Callable[[Asked], None] = lambda asked: None
        """Called when the real server has answered and before the client is told."""
        self._fault: Fault | None = None
        self._concerns: Callable[[Asked], bool] = lambda asked: True
        self._over = threading.Event()
        proxy = self

        class Handler(_Handler):
            """Of this proxy."""

            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def breaking(self, fault: Fault, concerns: Callable[[Asked], bool] = lambda asked: True) -> Iterator[None]:
        """Break the answers to requests that this concerns."""
        self._over.clear()
        self._fault, self._concerns = fault, concerns
        try:
            yield
        finally:
            self._fault = None
            self._over.set()

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault_for(self, asked: Asked) -> Fault | None:
        """What is to happen to this request; it is counted."""
        self.asked.append(asked)
        return self._fault if self._concerns(asked) else None

    def hold(self) -> None:
        """Wait until the fault is over."""
        self._over.wait(_LONGEST_SILENCE)


class _Handler(BaseHTTPRequestHandler):
    owner: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""

    def _pass(self) -> None:
        asked = Asked(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.owner.fault_for(asked)
        with suppress(ConnectionError):
            if fault is None or fault in (Fault.HALF, Fault.LOST_REPLY):
                self._forward(asked, body, fault)
            else:
                self._break(fault)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _pass

    def _forward(self, asked: Asked, body: bytes, fault: Fault | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.target, timeout=120)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body or self.command in ("POST", "PUT"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._answer(502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>")
            return
        finally:
            connection.close()
        self.owner.after_reply(asked)
        if fault is Fault.LOST_REPLY:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if fault is Fault.HALF:
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)

    def _break(self, fault: Fault) -> None:
        if fault is Fault.ERROR_500:
            self._answer(500, "text/plain", b"Internal Server Error")
        elif fault is Fault.BUSY_503:
            self._answer(503, "text/html", b"<html><body><h1>503 Service Unavailable</h1></body></html>")
        elif fault is Fault.WRONG_JSON:
            self._answer(200, "application/json", b'["what", {"is": "this"}]')
        elif fault is Fault.HTML:
            self._answer(200, "text/html", b"<!doctype html><title>Log in</title><p>Please log in.</p>")
        else:
            self.close_connection = True
            if fault is Fault.GARBAGE:
                self.wfile.write(bytes(range(1, 256)) * 4)
            elif fault is Fault.SILENCE:
                self.owner.hold()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
