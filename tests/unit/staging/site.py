"""A web server with files, which can break, truncate, redirect, dawdle and refuse."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from pygeoapi_oapip.testing.fake_server import FakeServer


class Site(FakeServer):
    """Serves `files` with ETags and ranges."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.headers: dict[str, Mapping[str, str]] = {}
        """Further headers of answers."""
        self.breaks: dict[str, list[int]] = {}
        """By path: after how many bytes each of the next answers ends."""
        self.redirects: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        """By path: the `Authorization` that is needed."""
        self.statuses: dict[str, list[int]] = {}
        """By path: statuses of the next answers."""
        self.pauses: dict[str, float] = {}
        """By path: seconds before each 64 KiB."""
        self.anything = b""
        """What other paths have; empty: they do not exist."""
        self.ranges = True
        self.lengths = True
        self.seen: list[tuple[str, str, Mapping[str, str]]] = []
        self.sent: Counter[str] = Counter()
        """Bytes of bodies by path."""
        self.now = self.most = 0
        """Answers at the same time."""
        self._lock = threading.Lock()
        super().__init__(_Handler)
        self.host = self.url.removeprefix("http://")

    def put(self, path: str, document: Any) -> str:
        """Serve a JSON document; its URL."""
        self.files[path] = json.dumps(document).encode()
        self.types[path] = "application/json"
        return self.url + path

    def asked(self, path: str, method: str = "GET") -> list[Mapping[str, str]]:
        """The headers of the requests for a path."""
        with self._lock:
            return [headers for seen, at, headers in self.seen if (seen, at) == (method, path)]

    def note(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        with self._lock:
            self.seen.append((method, path, headers))

    def count(self, change: int) -> None:
        with self._lock:
            self.now += change
            self.most = max(self.most, self.now)


class _Handler(BaseHTTPRequestHandler):
    owner: Site
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.owner.count(1)
        try:
            self._answer()
        finally:
            self.owner.count(-1)

    def _answer(self) -> None:
        site, path = self.owner, self.path
        site.note(self.command, path, dict(self.headers.items()))
        statuses = site.statuses.get(path)
        if path in site.redirects:
            self._say(302, {"Location": site.redirects[path]})
        elif path in site.secrets and self.headers.get("Authorization") != site.secrets[path]:
            self._say(401, {})
        elif statuses and self.command == "GET":
            self._say(statuses.pop(0), {})
        elif path in site.files or site.anything:
            self._file(path, site.files.get(path, site.anything))
        else:
            self._say(404, {})

    def _file(self, path: str, body: bytes) -> None:
        etag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        headers = {"ETag": etag, "Content-Type": self.owner.types.get(path, "application/octet-stream")}
        headers.update(self.owner.headers.get(path, {}))
        if self.headers.get("If-None-Match") == headers.get("ETag"):
            self._say(304, headers)
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        status = 200
        if found and self.owner.ranges and self.headers.get("If-Range", etag) == headers.get("ETag"):
            start, end = int(found[1]), int(found[2] or len(body) - 1)
            if start >= len(body):
                self._say(416, headers)
                return
            status, headers["Content-Range"] = 206, f"bytes {start}-{end}/{len(body)}"
            body = body[start : end + 1]
        self._send(status, headers, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if self.owner.lengths:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command == "GET":
            self._body(body)

    def _body(self, body: bytes) -> None:
        breaks = self.owner.breaks.get(self.path)
        whole = body if not breaks else body[: breaks.pop(0)]
        for at in range(0, len(whole), 1 << 16):
            if self.path in self.owner.pauses:
                time.sleep(self.owner.pauses[self.path])
            part = whole[at : at + (1 << 16)]
            self.owner.sent[self.path] += len(part)  # before the reader can know that it is all
            try:
                self.wfile.write(part)
            except OSError:
                self.owner.sent[self.path] -= len(part)
                self.close_connection = True
                return
        if len(whole) < len(body):
            self.close_connection = True

    def _say(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
