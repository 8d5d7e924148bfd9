"""FAKE workspace API of EOEPCA, for tests: tells the buckets and keys that a test gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

from .fake_server import FakeServer


class FakeWorkspaceApi(FakeServer):
    """`GET /workspaces/{name}`.

    `workspaces` has the credentials by name; `status` and `body` answer in their place; `hold`, while it is clear,
    keeps requests waiting.
    """

    def __init__(self, workspaces: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(_Handler)
        self.workspaces = dict(workspaces or {})
        self.status = 0
        self.body: bytes | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.asked: list[str] = []
        self.tokens: list[str] = []

    def answer(self, name: str) -> tuple[int, bytes]:
        """Status and body for a workspace."""
        if self.status or self.body is not None:
            return self.status or 200, self.body if self.body is not None else b'{"detail": "as the test wants it"}'
        if name not in self.workspaces:
            return 404, b'{"detail": "Not Found"}'
        document = {"name": name, "status": "ready", "storage": {"credentials": self.workspaces[name]}}
        return 200, json.dumps(document).encode()


class _Handler(BaseHTTPRequestHandler):
    owner: FakeWorkspaceApi

    def do_GET(self) -> None:
        owner = self.owner
        name = unquote(self.path.removeprefix("/workspaces/"))
        owner.asked.append(name)
        owner.tokens.append(self.headers.get("Authorization", ""))
        owner.hold.wait(60)
        status, body = owner.answer(name)
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # nobody waits any more

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
