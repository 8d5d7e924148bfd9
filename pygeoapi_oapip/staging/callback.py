"""Messages to subscribers: HTTP POST under the guard of `http`, with one time limit for all of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from urllib.parse import urlsplit

from ..errors import AddressForbidden, UnresolvableReference
from ..settings import Callbacks
from .guard import explained, guarded_session, is_internal, matches

LOOK_UP = 2.0
"""Seconds that a submission waits for the name server; a name that is not found by then is checked at delivery."""


class CallbackPoster:
    """`Poster` over HTTP.

    Args:
        settings: which addresses may be told, and how long one message may take.
    """

    def __init__(self, settings: Callbacks) -> None:
        self._settings = settings
        self._names = ThreadPoolExecutor(2, thread_name_prefix="oapip-names")

    def check(self, url: str) -> None:
        """As `Poster.check`."""
        host, port = self._host(url)
        if not self._settings.allow_internal and (is_internal(host) or self._resolves_inside(host, port)):
            raise AddressForbidden(
                f"{host} is an address inside this server's network (callbacks.allow_internal is false)"
            )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """As `Poster.post`."""
        self._host(url)
        limit = _TimeLimit(self._settings.timeout)
        with limit, explained(url), guarded_session(self._settings.allow_internal, limit.watch) as session:
            timeout = self._settings.timeout
            with session.post(
                url, data=body, headers=dict(headers), timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                return response.status_code

    def _host(self, url: str) -> tuple[str, int]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnresolvableReference("it is not a URL") from None
        if parts.scheme not in ("http", "https") or not host or port == 0:
            raise UnresolvableReference("it is not an http or https URL with a host")
        if not matches(host, self._settings.allow_hosts):
            raise AddressForbidden(f"the host {host} is not one that this server may tell (callbacks.allow_hosts)")
        return host, port or (443 if parts.scheme == "https" else 80)

    def _resolves_inside(self, host: str, port: int) -> bool:
        looked_up = self._names.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = looked_up.result(LOOK_UP)
        except (NotInTime, OSError, UnicodeError):
            return False
        return any(is_internal(str(address[0]).split("%")[0]) for *_, address in found)


class _TimeLimit:
    """Cuts the connections of a block that takes longer than `seconds`; time limits of sockets count each read anew."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._over = False

    def watch(self, opened: socket.socket) -> None:
        """Remember a connection: a copy, because TLS takes the socket itself over."""
        with self._lock:
            self._sockets.append(opened.dup())
        if self._over:
            self._cut()

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for copy in self._sockets:
                copy.close()
            self._sockets.clear()

    def _cut(self) -> None:
        self._over = True
        with self._lock:
            for copy in self._sockets:
                with suppress(OSError):
                    copy.shutdown(socket.SHUT_RDWR)
