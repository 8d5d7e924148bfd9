"""A receiver of callbacks on this machine, which answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One POST."""

    path: str
    headers: Mapping[str, str]
    document: Any
    status: int
    """What was answered; 0: nothing."""


class Receiver:
    """Listens on 127.0.0.1; use it in a `with` block.

    Args:
        port: 0 for a free one; `port` of an earlier receiver to come back under the same address.
    """

    def __init__(self, port: int = 0) -> None:
        self.messages: list[Received] = []
        self.answers: dict[str, list[int]] = {}
        """Path -> statuses of the next answers; then 200. 0 stands for none: the connection is held open."""
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self.port: int = self._server.server_port

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def subscriber(self) -> dict[str, str]:
        """The member of an execute request that tells everything to this receiver."""
        return {f"{name}Uri": self.url(name) for name in ("success", "inProgress", "failed")}

    def accepted(self, *paths: str) -> list[Received]:
        """The messages that were answered with 200, in order; those to `paths` alone, where there are any."""
        with self._lock:
            return [one for one in self.messages if one.status == 200 and (not paths or one.path in paths)]

    def wait(self, enough: Callable[[Receiver], bool], timeout: float = 300.0) -> None:
        """Wait until `enough` says so. Raises AssertionError with what has come, after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not enough(self):
            seen = [(one.path, one.status) for one in self.messages]
            assert time.monotonic() < deadline, f"not enough was received: {seen}"
            time.sleep(0.02)

    def _receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        with self._lock:
            planned = self.answers.get(path)
            status = planned.pop(0) if planned else 200
            self.messages.append(Received(path, headers, json.loads(body), status))
        if status == 0:
            self._released.wait(120)
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receive = self._receive

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receive(self.path.lstrip("/"), dict(self.headers), body)
                if status:
                    self.send_response(status)
                    if status in (301, 302, 307, 308):
                        self.send_header("Location", "/elsewhere")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # the same port again at once, for a receiver that comes back
    allow_reuse_address = True
    block_on_close = False
