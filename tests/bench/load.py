"""A small HTTP client for measuring: keep-alive connections over bare sockets, so that little of what is measured, and
of the processors that it shares with the server, is its own."""

from __future__ import annotations

import resource
import selectors
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

WARM_UP = 3


@dataclass(frozen=True)
class Rate:
    """What a run of `requests_per_second` saw."""

    per_second: float
    own_cores: float
    """Processor time of this client for each second of the run."""


class Connection:
    """One keep-alive connection; answers must have Content-Length, or be closed by the server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._socket = self._connect()
        self._received = bytearray()
        self._size = 0

    def _connect(self) -> socket.socket:
        made = socket.create_connection((self._host, self._port), timeout=300)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def send(self, path: str) -> None:
        """Ask for a path."""
        self._received.clear()
        self._size = 0
        line = f"GET {self._prefix}{path} HTTP/1.1\r\nHost: {self._host}\r\nAccept: application/json\r\n\r\n"
        self._socket.sendall(line.encode("ascii"))

    def receive(self) -> bool:
        """Read what is there. True when the answer is whole; raises RuntimeError if it is not 200."""
        part = self._socket.recv(1 << 20)
        self._received += part
        if self._size == 0:
            self._size = self._expected()
        if not part:
            whole = bool(self._received) and not self._size
            self._socket.close()
            self._socket = self._connect()
            if not whole:
                raise RuntimeError("the server closed a connection")
            return True
        return 0 < self._size <= len(self._received)

    def _expected(self) -> int:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return 0
        head = bytes(self._received[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.partition(b"\r\n")[0].decode("latin-1"))
        place = head.find(b"\r\ncontent-length:")
        return 0 if place < 0 else end + 4 + int(head[place + 17 :].partition(b"\r\n")[0])

    def get(self, path: str) -> bytes:
        """The body of a path."""
        self.send(path)
        while not self.receive():
            pass
        return bytes(self._received).partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def seconds_of(connection: Connection, path: str) -> float:
    """Duration of one request."""
    start = time.perf_counter()
    connection.get(path)
    return time.perf_counter() - start


def median(connection: Connection, paths: Sequence[str], times: int) -> float:
    """Median duration in seconds of `times` requests, after some that do not count."""
    order = cycle(paths)
    for _ in range(WARM_UP):
        connection.get(next(order))
    return statistics.median(seconds_of(connection, next(order)) for _ in range(times))


def requests_per_second(url: str, paths: Sequence[str], seconds: float, connections: int = 8) -> Rate:
    """Ask over several connections at once, each for the next path as soon as it has its answer."""
    order = cycle(paths)
    made = [Connection(url) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for connection in made:
            selector.register(connection, selectors.EVENT_READ)
            connection.send(next(order))
        before, start, done = _processor_time(), time.perf_counter(), 0
        while (now := time.perf_counter()) - start < seconds:
            for key, _ in selector.select(1):
                connection = made[made.index(key.fileobj)]  # type: ignore[arg-type]
                if connection.receive():
                    done += 1
                    connection.send(next(order))
        own = _processor_time() - before
    for connection in made:
        connection.close()
    return Rate(done / (now - start), own / (now - start))


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
