"""A bucket behind HTTP, as far as this engine asks for it: objects in memory, and faults on demand."""

from __future__ import annotations

import hashlib
import http.server
from typing import Any
from urllib.parse import parse_qs, quote_plus, unquote, urlsplit

from pygeoapi_oapip.testing.fake_server import FakeServer


class BucketServer(FakeServer):
    """`faults` are answered, one each, before anything else: a status, or `cut` for an answer that breaks off."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.faults: list[int | str] = []
        self.asked: list[str] = []
        self.page = 1000
        super().__init__(_Handler)

    @property
    def access(self) -> dict[str, str]:
        return {
            "endpoint": self.url,
            "region": "us-east-1",
            "bucket": "exchange",
            "access_key": "the-access-key",
            "secret_key": "the-secret-key",
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: BucketServer

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        key = unquote(parts.path).partition("/exchange/")[2]
        self.owner.asked.append(f"{self.command} {key}")
        fault = self.owner.faults.pop(0) if self.owner.faults else None
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif isinstance(fault, int):
            self._answer(fault, b"<Error><Code>Fault</Code></Error>", {"Location": "http://127.0.0.1:9/"})
        elif hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            self._answer(400, b"")
        else:
            self._good(key, parse_qs(parts.query), body)

    def _good(self, key: str, query: dict[str, list[str]], body: bytes) -> None:
        if self.command == "PUT":
            self.owner.objects[key] = body
            self._answer(200, b"")
        elif self.command == "DELETE":
            self.owner.objects.pop(key, None)
            self._answer(204, b"")
        elif "list-type" in query:
            self._answer(200, _listed(self.owner, query))
        elif key in self.owner.objects:
            self._answer(200, self.owner.objects[key])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    do_GET = do_PUT = do_POST = do_DELETE = _do


def _listed(server: BucketServer, query: dict[str, list[str]]) -> bytes:
    prefix, start = query.get("prefix", [""])[0], int(query.get("continuation-token", ["0"])[0])
    keys = sorted(key for key in server.objects if key.startswith(prefix))
    rows = "".join(
        f"<Contents><Key>{quote_plus(key)}</Key><ETag>{hashlib.sha256(server.objects[key]).hexdigest()}</ETag>"
        f"<Size>{len(server.objects[key])}</Size></Contents>"
        for key in keys[start : start + server.page]
    )
    end = start + server.page
    more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(keys) else ""
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<ListBucketResult xmlns="{space}"><EncodingType>url</EncodingType>{rows}{more}</ListBucketResult>'.encode()
