"""Requests of any method to other servers, under the same guard as references (see `staging.guard`)."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import AddressForbidden, AnswerLost, TooLarge, Unavailable, UnresolvableReference
from ..model.answer import Answer
from ..model.json import JSONObject
from ..settings import Staging as StagingSettings
from .base import Staged
from .guard import MAX_REDIRECTS, explained, guarded_session, matches, redirected
from .http import HttpStager

_CHUNK = 1 << 16


class GuardedClient:
    """Talks to servers that the administrator allows.

    Args:
        hosts: host names with `*` as wildcard, to which requests may go if `staging` allows them.
        staging: the rules for all addresses.
        patience: seconds to wait for the answer to a POST.
    """

    def __init__(self, hosts: tuple[str, ...], staging: StagingSettings, patience: float) -> None:
        self._hosts = hosts
        self._patience = patience
        self._staging = staging
        self._files = HttpStager(staging)

    def check(self, url: str) -> None:
        """Refuse what may never be asked. Raises AddressForbidden, UnresolvableReference."""
        self._files.check(url)
        host = urlsplit(url).hostname or ""
        if not matches(host, self._hosts):
            raise AddressForbidden(f"the server {host} is not one that processes are run on (nested.remote)")

    def send(
        self, method: str, url: str, body: JSONObject | None, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        """Send a request and read the answer; only a GET follows redirects.

        Args:
            method: `GET`, `POST` or `DELETE`.
            url: absolute.
            body: sent as JSON; None: no body.
            headers: further request headers.
            max_bytes: largest answer.

        Raises:
            Unavailable: nothing was sent.
            AnswerLost: it was sent, perhaps as a whole, and no answer came.
            AddressForbidden, UnresolvableReference, TooLarge: permanent.
        """
        for _ in range(MAX_REDIRECTS + 1):
            self.check(url)
            answer = self._once(method, url, body, headers, max_bytes)
            target = answer.headers.get("location")
            if method != "GET" or answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            url = redirected(url, target)
        raise UnresolvableReference(f"more than {MAX_REDIRECTS} redirects")

    def download(self, url: str, folder: Path) -> Staged:
        """Put a result into a folder, under the rules of `staging`. Raises as `Stager.stage`."""
        return self._files.stage(url, folder)

    def _once(
        self, method: str, url: str, body: JSONObject | None, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        connected: list[socket.socket] = []
        data = (
            None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        )
        sent = {"Accept": "application/json", **headers, **({"Content-Type": "application/json"} if data else {})}
        try:
            with guarded_session(self._staging.allow_internal, connected.append) as session, explained(url):
                limit = self._patience if method == "POST" else self._staging.timeout
                deadline = time.monotonic() + 2 * limit
                with session.request(
                    method,
                    url,
                    data=data,
                    headers=sent,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self._staging.timeout, limit),
                ) as response:
                    pieces, size = [], 0
                    for piece in response.iter_content(_CHUNK):
                        pieces.append(piece)
                        size += len(piece)
                        if size > max_bytes:
                            raise TooLarge(f"the answer of {url} is larger than {max_bytes} bytes")
                        if time.monotonic() > deadline:
                            raise Unavailable(f"the answer of {url} takes too long")
                    found = {key.lower(): value for key, value in response.headers.items()}
                    return Answer(response.status_code, b"".join(pieces), response.url, found)
        except Unavailable as fault:
            if connected:
                raise AnswerLost(fault.detail) from None
            raise
