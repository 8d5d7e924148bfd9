"""A document that is had by asking for it, with headers and perhaps a body of the client's choice (WPS references)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from ..errors import InvalidInputs, TooLarge, Unavailable, UnresolvableReference
from ..settings import Staging
from .guard import MAX_REDIRECTS, explained, guarded_session, redirected
from .http import HttpStager

_CHUNK = 1 << 16
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e\t]{0,8000}", re.ASCII)
_OURS = frozenset(
    {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "expect",
        "proxy-authorization",
        "proxy-connection",
    }
)
"""Headers that the connection is made with; another `Host` would get past the rule for hosts."""


def exchange(
    settings: Staging, method: str, url: str, headers: Mapping[str, str], body: bytes | None, max_bytes: int
) -> bytes:
    """Ask for a document, under the same guard as for references; only a GET follows redirects.

    Args:
        settings: which hosts may be asked, and how long.
        method: `GET` or `POST`.
        url: http or https.
        headers: of the request; they stay with the host that they were meant for.
        body: None: no body.
        max_bytes: largest answer.

    Raises:
        InvalidInputs: a header is not one that a client may set.
        AddressForbidden, UnresolvableReference, TooLarge: permanent.
        Unavailable: the server could not be reached, or says that it is busy.
    """
    _check_headers(headers)
    files = HttpStager(settings)
    deadline = time.monotonic() + 2 * settings.timeout
    for _ in range(MAX_REDIRECTS + 1):
        files.check(url)
        with guarded_session(settings.allow_internal) as session, explained(url):
            how: dict[str, Any] = {"stream": True, "allow_redirects": False, "timeout": settings.timeout}
            with session.request(method, url, data=body, headers=dict(headers), **how) as response:
                target = response.headers.get("Location") if response.is_redirect and method == "GET" else None
                if target is None:
                    return _content(response, url, max_bytes, deadline)
        following = redirected(url, target)
        if urlsplit(following).netloc != urlsplit(url).netloc:
            headers = {}
        url = following
    raise UnresolvableReference(f"more than {MAX_REDIRECTS} redirects")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS or not _VALUE.fullmatch(value):
            raise InvalidInputs(f"the header {name[:100]!r} cannot be sent with a reference")


def _content(response: requests.Response, url: str, max_bytes: int, deadline: float) -> bytes:
    if response.status_code in _TEMPORARY:
        raise Unavailable(f"{url} answers {response.status_code} now")
    if not 200 <= response.status_code < 300:
        raise UnresolvableReference(f"{url} answers {response.status_code}")
    pieces, size = [], 0
    for piece in response.iter_content(_CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise TooLarge(f"{url} is larger than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise Unavailable(f"{url} could not be read in time")
    return b"".join(pieces)
