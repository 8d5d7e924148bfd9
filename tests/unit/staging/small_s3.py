"""An S3 server in memory that does what a test tells it: it believes every signature, and can give any answer."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from pygeoapi_oapip.settings_s3 import S3Credentials, S3Source, S3Storage

XML = "application/xml"


@dataclass
class SmallS3:
    """What the server holds and does."""

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    """`bucket/key` -> bytes."""
    buckets: set[str] = field(default_factory=lambda: {"bucket"})
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """`bucket/key` of an upload that goes on -> its parts."""
    faults: list[tuple[str, int, str]] = field(default_factory=list)
    """(beginning of `METHOD bucket/key`, status, code): what is answered once; status 0 closes the connection."""
    calls: Counter[str] = field(default_factory=Counter)
    """`METHOD bucket/key` -> number."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, call: str) -> tuple[int, str] | None:
        with self.lock:
            self.calls[call] += 1
            for one in self.faults:
                if call.startswith(one[0]):
                    self.faults.remove(one)
                    return one[1], one[2]
        return None

    def settle(self) -> None:
        """Wait until requests that their client has given up are answered."""
        known: object = None
        while known != (known := (dict(self.calls), dict(self.objects))):
            time.sleep(0.3)

    def puts(self) -> dict[str, int]:
        return {call.partition(" ")[2]: number for call, number in self.calls.items() if call.startswith("PUT ")}

    def storage(self, **changes: object) -> S3Storage:
        return S3Storage.model_validate({"bucket": "bucket", "prefix": "jobs", **self._access(), **changes})

    def source(self, *buckets: str) -> S3Source:
        return S3Source.model_validate({"buckets": buckets, **self._access()})

    def _access(self) -> dict[str, object]:
        keys = S3Credentials.model_construct(access_key="AK", secret_key="SK", session_token=None)
        return {"endpoint": self.endpoint, "credentials": keys}


@contextmanager
def small_s3() -> Iterator[SmallS3]:
    state = SmallS3()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(state: SmallS3) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        s3 = state

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: SmallS3

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        if not self.begun():
            return
        if self.key or self.command == "HEAD":
            self.read_object()
        elif "uploads" in self.query:
            rows = "".join(
                f"<Upload><Key>{escape(name.partition('/')[2])}</Key><UploadId>u</UploadId></Upload>"
                for name in self.s3.parts
            )
            self.answer(200, f"<ListMultipartUploadsResult>{rows}</ListMultipartUploadsResult>".encode())
        else:
            self.list_objects()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        body = self.body()
        if not self.begun():
            return
        if not self.key:
            self.s3.buckets.add(self.bucket)
            self.answer(200)
        elif "partNumber" in self.query:
            self.s3.parts[self.name][int(self.query["partNumber"][0])] = body
            self.answer(200, headers={"ETag": '"part"'})
        elif source := self.headers.get("x-amz-copy-source"):
            self.s3.objects[self.name] = self.s3.objects[unquote(source).lstrip("/")]
            self.answer(200, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>")
        else:
            self.s3.objects[self.name] = body
            self.answer(200, headers={"ETag": f'"{_etag(body)}"'})

    def do_POST(self) -> None:
        body = self.body()
        if not self.begun():
            return
        if "delete" in self.query:
            for piece in body.decode().split("<Key>")[1:]:
                self.s3.objects.pop(f"{self.bucket}/{piece.partition('<')[0]}", None)
            self.answer(200, b"<DeleteResult/>")
        elif "uploads" in self.query:
            self.s3.parts[self.name] = {}
            text = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            self.answer(200, text.encode())
        else:
            parts = self.s3.parts.pop(self.name)
            self.s3.objects[self.name] = b"".join(parts[number] for number in sorted(parts))
            self.answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        if self.begun():
            self.s3.parts.pop(self.name, None)
            self.answer(204)

    def begun(self) -> bool:
        """Read the address, and give the answer of a fault where there is one."""
        parts = urlsplit(self.path)
        self.name = unquote(parts.path).lstrip("/")
        self.bucket, _, self.key = self.name.partition("/")
        self.query = parse_qs(parts.query, keep_blank_values=True)
        found = self.s3.fault(f"{self.command} {self.name}")
        if found is None and self.bucket not in self.s3.buckets and self.command != "PUT":
            found = (404, "NoSuchBucket")
        if found is None:
            return True
        status, code = found
        if status == 0:
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            self.answer(status, f"<Error><Code>{code}</Code><Message>told by the test</Message></Error>".encode())
        return False

    def read_object(self) -> None:
        if not self.key:
            self.answer(200)
            return
        content = self.s3.objects.get(self.name)
        if content is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        status, piece = 200, content
        if asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            status, piece = 206, content[int(first) : int(last or len(content)) + 1]
        self.answer(status, piece, {"ETag": f'"{_etag(content)}"', "Last-Modified": "Sat, 01 Nov 2025 10:00:00 GMT"})

    def list_objects(self) -> None:
        prefix = f"{self.bucket}/{self.query.get('prefix', [''])[0]}"
        rows = "".join(
            f"<Contents><Key>{escape(name.partition('/')[2])}</Key><Size>{len(body)}</Size>"
            f"<LastModified>2025-11-01T10:00:00.000Z</LastModified><ETag>&quot;{_etag(body)}&quot;</ETag></Contents>"
            for name, body in sorted(self.s3.objects.items())
            if name.startswith(prefix)
        )
        count = rows.count("<Key>")
        text = (
            f"<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
        )
        self.answer(200, text.encode())

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": XML, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
