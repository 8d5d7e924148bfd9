"""FAKE STAC API with Transactions, and EOEPCA's `register` calls, for tests: keeps what it is sent, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from .fake_server import FakeServer


class FakeCatalogue(FakeServer):
    """Collections and Items by path; `answers` are statuses that the next requests get instead."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.documents: dict[str, Any] = {}
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.answers: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    owner: FakeCatalogue

    def do_POST(self) -> None:
        self._take(self._post)

    def do_PUT(self) -> None:
        self._take(self._put)

    def _take(self, store: Callable[[Any], int]) -> None:
        owner = self.owner
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        owner.requests.append((self.command, self.path))
        owner.tokens.append(self.headers.get("Authorization", ""))
        status = owner.answers.pop(0) if owner.answers else store(document)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _post(self, document: Any) -> int:
        key = f"{self.path}/{document.get('id') or document.get('url')}"
        if key in self.owner.documents:
            return 409
        self.owner.documents[key] = document
        return 201

    def _put(self, document: Any) -> int:
        known = self.path in self.owner.documents
        self.owner.documents[self.path] = document
        return 200 if known else 404

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
