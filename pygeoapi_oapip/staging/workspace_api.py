"""The workspace API of EOEPCA: which bucket a user has, and with which keys it is written.

`GET {api}/workspaces/{prefix}-{user}` answers `{"storage": {"credentials": {"endpoint", "access", "secret", "region",
"bucketname"}}}`; `session_token` and `expiration` (RFC 3339) are taken where they are there. Keys are kept in memory.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ..errors import JobFailed, StorageUnavailable
from ..settings_s3 import BUCKET, S3Credentials, S3Storage
from ..settings_workspace import WorkspaceStorage

LARGEST = 1024**2
"""Bytes of an answer."""
_EARLY = 60.0
"""Seconds before their expiry after which credentials are not used any more."""
_TRIES = 2


class NoWorkspace(JobFailed):
    """The user has none, or this server may not use it."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A bucket of a user, and how it is reached."""

    storage: S3Storage
    until: float
    """`time.monotonic()` after which the API is asked again."""


class WorkspaceApi:
    """Asks, and remembers the answers for a while.

    Args:
        settings: `storage`.
    """

    def __init__(self, settings: WorkspaceStorage) -> None:
        self._settings = settings
        self._known: dict[str, Workspace] = {}
        self._lock = threading.Lock()
        self._by_user: dict[str, threading.Lock] = {}

    def of(self, user: str, token: str | None = None) -> Workspace:
        """The workspace of a user.

        Args:
            user: whose.
            token: of that user, for the API; none: that of the settings.

        Raises:
            NoWorkspace: the API says that there is none (404), or that it may not be used (401, 403).
            JobFailed: the answer makes no sense.
            StorageUnavailable: the API cannot be reached, is too slow, or has a fault (5xx, 429).
        """
        with self._lock:
            turn = self._by_user.setdefault(user, threading.Lock())
        with turn:  # many jobs of one user end at once, and one answer serves them all
            found = self._known.get(user)
            if found is None or time.monotonic() >= found.until:
                found = self._ask(user, token or self._settings.token)
                self._known[user] = found
            return found

    def forget(self, user: str) -> None:
        """Ask again at the next call: the keys were not accepted."""
        self._known.pop(user, None)

    def name(self, user: str) -> str:
        """Of the workspace of a user."""
        prefix = self._settings.prefix
        return f"{prefix}-{user}" if prefix else user

    def _ask(self, user: str, token: str | None) -> Workspace:
        name = self.name(user)
        if not user or user.strip(".") == "":
            raise NoWorkspace(f"the user {user!r} cannot have a workspace")
        status, content = self._get(f"{self._settings.api}/workspaces/{quote(name, safe='')}", token)
        if status in (401, 403, 404):
            raise NoWorkspace(f"the workspace {name} {_REFUSALS[status]} (the workspace API answered {status})")
        if status == 429 or status >= 500:
            raise StorageUnavailable(f"the workspace API cannot tell the workspace {name} now ({status})")
        if status != 200:
            raise JobFailed(f"the workspace API does not tell the workspace {name}: it answered {status}")
        return self._read(name, content)

    def _get(self, url: str, token: str | None) -> tuple[int, bytes]:
        import requests

        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        limit = self._settings.timeout
        for attempt in range(_TRIES):
            try:
                return _fetched(url, headers, limit)
            except requests.RequestException as error:
                if attempt + 1 == _TRIES or isinstance(error, requests.Timeout):
                    word = "is too slow" if isinstance(error, requests.Timeout) else "cannot be reached"
                    raise StorageUnavailable(f"the workspace API {word}") from None
        raise AssertionError("unreachable: the last try returns or raises")

    def _read(self, name: str, content: bytes) -> Workspace:
        try:
            found = json.loads(content)["storage"]["credentials"]
            storage = self._storage(found)
            left = _seconds_left(found.get("expiration"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # never with the answer itself: it holds keys
            raise JobFailed(f"the workspace API tells no usable bucket and keys for the workspace {name}") from None
        if left <= 0:
            raise StorageUnavailable(f"the keys that the workspace API tells for the workspace {name} have expired")
        kept = min(self._settings.keep_credentials, max(left - _EARLY, left / 2))
        return Workspace(storage, time.monotonic() + kept)

    def _storage(self, found: Mapping[str, Any]) -> S3Storage:
        bucket, access, secret = (str(found[key]) for key in ("bucketname", "access", "secret"))
        if not re.fullmatch(BUCKET, bucket) or not access or not secret or not access.isascii():
            raise ValueError("no bucket or no keys")
        token = found.get("session_token")
        keys = S3Credentials.model_construct(access_key=access, secret_key=secret, session_token=token or None)
        own = self._settings
        checked = S3Storage.model_validate(
            {
                "bucket": bucket,
                "endpoint": found.get("endpoint") or own.endpoint,
                "region": found.get("region") or own.region,
                "prefix": own.folder,
                "links": own.links,
                "presign": own.presign,
                "public_endpoint": own.public_endpoint,
            }
        )
        return checked.model_copy(update={"credentials": keys})


_REFUSALS = {
    401: "cannot be asked for: this server is not allowed to",
    403: "may not be used by this server",
    404: "does not exist",
}


def _fetched(url: str, headers: Mapping[str, str], limit: float) -> tuple[int, bytes]:
    import requests

    deadline = time.monotonic() + limit
    with requests.get(url, headers=headers, timeout=limit, allow_redirects=False, stream=True) as answer:
        content = bytearray()
        for piece in answer.iter_content(1 << 16):
            content += piece
            if time.monotonic() > deadline:
                raise requests.Timeout
            if len(content) > LARGEST:
                return answer.status_code, b""
        return answer.status_code, bytes(content)


def _seconds_left(expiration: object) -> float:
    if not expiration:
        return float("inf")
    until = datetime.fromisoformat(str(expiration))
    return (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
