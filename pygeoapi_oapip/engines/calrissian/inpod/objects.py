"""Objects of an S3 bucket, by the requests that this engine needs. Used by the server and in the pod of a job.

Python 3.8 or newer, standard library only. Signatures:
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import io
import os
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote, unquote_plus, urlsplit

PART = 64 * 2**20
"""Bytes of one request; larger files are sent in parts."""
_CHUNK = 2**20
_TIMEOUT = 60.0
_TEMPORARY = frozenset({408, 409, 429, 500, 502, 503, 504})
_PAUSE, _LONGEST_PAUSE = 0.5, 15.0


class StorageFault(Exception):
    """The bucket cannot be used. The message has no keys and no addresses.

    Args:
        message: for people.
        temporary: whether it may be better later.
    """

    def __init__(self, message: str, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary


class Listed(NamedTuple):
    """An object in a list."""

    key: str
    etag: str
    size: int


class Bucket:
    """A bucket with the keys of an account.

    Args:
        access: `endpoint`, `region`, `bucket`, `access_key`, `secret_key`, and perhaps `session_token`.
        patience: seconds for which a temporary fault is met with another try.
    """

    def __init__(self, access: Mapping[str, str], patience: float = 0.0) -> None:
        self.access = access
        self.patience = patience
        self.host = urlsplit(access["endpoint"]).netloc
        self.base = urlsplit(access["endpoint"]).path.rstrip("/") + "/" + access["bucket"]

    def read(self, key: str) -> bytes | None:
        """The content of a small object; None where there is none. All methods raise StorageFault."""
        target = io.BytesIO()
        return target.getvalue() if self._get(key, target) else None

    def fetch(self, key: str, path: str) -> None:
        """Write an object to a file, whole or not at all; its folder is made."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        partial = path + ".part"
        with open(partial, "wb") as file:
            found = self._get(key, file)
        if not found:
            os.unlink(partial)
            raise StorageFault("an object is gone from the bucket", False)
        os.replace(partial, path)

    def put(self, key: str, content: bytes) -> None:
        """Make an object."""
        self._ask("PUT", key, {}, content)

    def send(self, key: str, path: str) -> None:
        """Make an object of a file, as long as it is now."""
        size = os.stat(path).st_size
        with open(path, "rb") as file:
            if size <= PART:
                self.put(key, file.read(size))
                return
            upload = _text(self._ask("POST", key, {"uploads": ""}, b""), "UploadId")
            try:
                self._send_parts(key, file, size, upload)
            except BaseException:
                self._ask("DELETE", key, {"uploadId": upload}, b"")
                raise

    def send_any(self, key: str, path: str) -> None:
        """Make an object of a file, or one that stands for an empty folder."""
        if os.path.isdir(path):
            self.put(key + "/", b"")
        else:
            self.send(key, path)

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with a text."""
        more = ""
        while True:
            query = {
                "list-type": "2",
                "prefix": prefix,
                "encoding-type": "url",
                **({"continuation-token": more} if more else {}),
            }
            tree = _parsed(self._ask("GET", "", query, b""))
            coded = any(_name(row) == "EncodingType" and row.text == "url" for row in tree)
            for row in tree.iter():
                if _name(row) == "Contents":
                    found = {_name(field): field.text or "" for field in row}
                    key = unquote_plus(found["Key"]) if coded else found["Key"]
                    yield Listed(key, found.get("ETag", ""), int(found.get("Size") or 0))
            more = next((row.text or "" for row in tree if _name(row) == "NextContinuationToken"), "")
            if not more:
                return

    def delete(self, key: str) -> None:
        """Remove an object; it need not be there."""
        self._ask("DELETE", key, {}, b"")

    def _send_parts(self, key: str, file: BinaryIO, size: int, upload: str) -> None:
        length = max(PART, -(-size // 9999))
        tags = []
        for number in range(1, -(-size // length) + 1):
            content = file.read(min(length, size - (number - 1) * length))
            _, headers = self._answer("PUT", key, {"partNumber": str(number), "uploadId": upload}, content)
            tags.append((number, headers.get("ETag", "")))
        rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{_escaped(tag)}</ETag></Part>" for n, tag in tags)
        body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        answer = self._ask("POST", key, {"uploadId": upload}, body)
        if b"<Error>" in answer:
            raise StorageFault("the bucket does not put the parts of an object together", True)

    def _get(self, key: str, target: Any) -> bool:
        def read(answer: Any) -> None:
            target.seek(0)
            target.truncate()
            expected = int(answer.headers.get("Content-Length") or -1)
            while True:
                chunk = answer.read(_CHUNK)
                if not chunk:
                    break
                target.write(chunk)
            if expected >= 0 and target.tell() != expected:
                raise OSError("cut short")

        return self._retried(lambda: self._open("GET", key, {}, b"", read)) is not None

    def _ask(self, method: str, key: str, query: Mapping[str, str], body: bytes) -> bytes:
        return self._answer(method, key, query, body)[0]

    def _answer(self, method: str, key: str, query: Mapping[str, str], body: bytes) -> tuple[bytes, Mapping[str, str]]:
        found: list[tuple[bytes, Mapping[str, str]]] = []

        def read(answer: Any) -> None:
            found.append((answer.read(), answer.headers))

        self._retried(lambda: self._open(method, key, query, body, read))
        if not found:
            if method == "DELETE":
                return b"", {}
            raise StorageFault("the bucket or an object of it is not there", False)
        return found[-1]

    def _retried(self, attempt: Any) -> Any:
        until, pause = time.monotonic() + self.patience, _PAUSE
        while True:
            try:
                return attempt()
            except StorageFault as fault:
                if not fault.temporary or time.monotonic() + pause > until:
                    raise
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _open(self, method: str, key: str, query: Mapping[str, str], body: bytes, read: Any) -> bool | None:
        """True after `read` had the answer; None where there is no such object."""
        path = quote(self.base + ("/" + key if key else ""), safe="/-_.~")
        words = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
        headers = self._signed(method, path, words, body)
        scheme = urlsplit(self.access["endpoint"]).scheme
        url = f"{scheme}://{self.host}{path}" + (f"?{words}" if words else "")
        request = urllib.request.Request(url, data=body if method in ("PUT", "POST") else None, method=method)
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with _OPENER.open(request, timeout=_TIMEOUT) as answer:
                read(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 404 and _code(error) in ("NoSuchKey", "NoSuchUpload", ""):
                    return None
                temporary = error.code in _TEMPORARY
                raise StorageFault(f"the bucket answers {error.code} {error.reason}", temporary) from None
        except (OSError, http.client.HTTPException) as error:
            raise StorageFault(f"the bucket cannot be reached: {type(error).__name__}", True) from None
        return True

    def _signed(self, method: str, path: str, query: str, body: bytes) -> Mapping[str, str]:
        access, at = self.access, datetime.now(timezone.utc)  # noqa: UP017  (older Pythons than the server's)
        stamp, digest = at.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
        headers = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        if access.get("session_token"):
            headers["x-amz-security-token"] = access["session_token"]
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{stamp[:8]}/{access['region']}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + access["secret_key"]).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={access['access_key']}/{scope}"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
        return headers


def below(top: str) -> Iterator[str]:
    """Files and empty folders below a folder. Links are followed, but not into a folder that they are in."""
    for folder, folders, files in os.walk(top, followlinks=True):
        if not folders and not files and folder != top:
            yield folder
        folders[:] = [name for name in folders if not _leads_up(os.path.join(folder, name), top)]
        yield from (path for path in (os.path.join(folder, name) for name in files) if os.path.isfile(path))


def _leads_up(path: str, top: str) -> bool:
    real, folder = os.path.realpath(path) + os.sep, os.path.dirname(path)
    while os.path.islink(path) and len(folder) >= len(top):
        if (os.path.realpath(folder) + os.sep).startswith(real):
            return True
        folder = os.path.dirname(folder)
    return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a signature is for one address."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer is an error."""


_OPENER = urllib.request.build_opener(_Stay)


def _code(error: urllib.error.HTTPError) -> str:
    try:
        return _text(error.read(), "Code")
    except (OSError, StorageFault):
        return ""


def _text(document: bytes, name: str) -> str:
    for row in _parsed(document).iter():
        if _name(row) == name:
            return row.text or ""
    raise StorageFault("the bucket's answer is not one of S3", True)


def _parsed(document: bytes) -> Any:
    try:
        return ET.fromstring(document)
    except ET.ParseError:
        raise StorageFault("the bucket's answer is not one of S3", True) from None


def _name(row: Any) -> str:
    return str(row.tag).rpartition("}")[2]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
