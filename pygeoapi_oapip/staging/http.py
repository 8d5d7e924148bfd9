"""References over http and https, under the guard of `guard.py`."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from ..errors import AddressForbidden, TooLarge, Unavailable, UnresolvableReference
from ..model.json import JSONObject
from ..settings import Staging as StagingSettings
from ..settings_staging import HttpAccess
from .base import Fetched, Staged, TokenOf
from .cache import FileCache, key_of
from .guard import (
    MAX_REDIRECTS,
    SCHEMES,
    NoSuchName,
    explained,
    forbidden,
    guarded_session,
    is_internal,
    matches,
    redirected,
)
from .http_download import Arrived, Download
from .names import of_url
from .transfer import Intake

_CHUNK = 1 << 18
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_MISSING = {401: "may not be read", 403: "may not be read", 404: "does not exist", 410: "does not exist any more"}
_DOWNLOADED = frozenset({200, 206, 304, 416})
_PORTS = {"http": 80, "https": 443}
_PARTIAL = ".part"


class HttpStager:
    """Reads `http` and `https`.

    Args:
        settings: the rules.
        cache: where files are kept for further jobs.
        tokens: those of the job that reads; none: hosts that want one are asked without.
    """

    schemes = SCHEMES

    def __init__(
        self, settings: StagingSettings, cache: FileCache | None = None, tokens: TokenOf | None = None
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._tokens = tokens

    def on_behalf(self, tokens: TokenOf) -> HttpStager:
        """As `OnBehalf.on_behalf`."""
        return HttpStager(self._settings, self._cache, tokens)

    def check(self, url: str) -> None:
        """Refuse hosts outside `allow_hosts`, literal internal addresses and malformed URLs."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        if not host or port == 0:
            raise UnresolvableReference(f"{url!r} is not a URL with a host")
        if not matches(host, self._settings.allow_hosts):
            raise AddressForbidden(f"the host {host} is not one that this server reads from (staging.allow_hosts)")
        if not self._settings.allow_internal and is_internal(host):
            raise forbidden(host)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read a document into memory, within the time limit of the settings as a whole."""
        deadline = time.monotonic() + self._settings.timeout
        with self._open(url, {}, frozenset({200})) as response:
            pieces, size = [], 0
            for piece in response.iter_content(_CHUNK):
                size += len(piece)
                if size > max_bytes:
                    raise TooLarge(f"{url} is larger than {max_bytes} bytes")
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise Unavailable(f"{url} took longer than {self._settings.timeout:.0f} s")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Fetched(b"".join(pieces), media_type, response.url)

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        """Download to `folder`, under the last part of the path; whole or not at all."""
        arrived, path = self._bring(url, folder / _PARTIAL, intake, lambda found: folder / of_url(found.url))
        return Staged(path, arrived.media_type, url=arrived.url)

    def download(self, url: str, target: Path, intake: Intake) -> None:
        """As `Downloader.download`."""
        self._bring(url, target.with_name(target.name + _PARTIAL), intake, lambda _: target)

    def _bring(
        self, url: str, partial: Path, intake: Intake | None, place: Callable[[Arrived], Path]
    ) -> tuple[Arrived, Path]:
        download = Download(
            lambda headers: self._open(url, headers, _DOWNLOADED),
            url,
            partial,
            intake or Intake(self._settings),
            self._settings.min_rate,
        )
        arrived = self._read(download)
        path = place(arrived)
        partial.replace(path)
        return arrived, path

    def _read(self, download: Download) -> Arrived:
        access = self._access(download.url)
        # what one user may read is not kept for others
        if self._cache is None or (access is not None and access.user_token):
            return download.run({})
        key = key_of("http", download.url, access.model_dump_json() if access else "")
        told = self._cache.told(key)
        if told is not None:
            arrived = download.run(_conditions(told))
            if not arrived.unchanged:
                return self._kept(key, arrived, download.target)
            if self._cache.take(key, _version(told), int(str(told["size"])), download.target):
                return Arrived(str(told["url"]), str(told["type"]), arrived.etag, arrived.modified, True)
        return self._kept(key, download.run({}), download.target)

    def _kept(self, key: str, arrived: Arrived, path: Path) -> Arrived:
        if self._cache is not None and arrived.stored and (arrived.etag or arrived.modified):
            told = {"etag": arrived.etag, "modified": arrived.modified, "url": arrived.url, "type": arrived.media_type}
            self._cache.put(key, _version(told), path, {**told, "size": path.stat().st_size})
        return arrived

    def probe(self, url: str, seconds: float) -> None:
        """Ask by HEAD, and where that says no, by GET for one byte: many servers do not know HEAD.

        Raises:
            UnresolvableReference: the answer is 401, 403, 404 or 410, or the name does not exist.
            AddressForbidden: the host or a redirect is not allowed.
        """
        access = self._access(url)
        if access is not None and access.user_token:
            return  # the token is there when the job is
        deadline = time.monotonic() + seconds
        try:
            status = self._status(url, "HEAD", deadline)
            if status >= 400 and status not in _TEMPORARY:
                status = self._status(url, "GET", deadline)
        except NoSuchName as fault:
            raise UnresolvableReference(fault.detail) from None
        except Unavailable:
            return
        if status in _MISSING:
            raise UnresolvableReference(f"{url} {_MISSING[status]} ({status})")

    def _status(self, url: str, method: str, deadline: float) -> int:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{url} did not answer in time")
        with guarded_session(self._settings.allow_internal) as session, explained(url):
            session.headers["Range"] = "bytes=0-0"
            with self._follow(session, url, method, left) as response:
                return response.status_code

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str], taken: frozenset[int]) -> Iterator[requests.Response]:
        with guarded_session(self._settings.allow_internal) as session, explained(url):
            session.headers.update(headers)
            with self._follow(session, url, "GET", self._settings.timeout) as response:
                if response.status_code in _TEMPORARY:
                    raise Unavailable(f"{url} answers {response.status_code} now")
                if response.status_code not in taken:
                    raise UnresolvableReference(f"{url} answers {response.status_code}")
                yield response

    def _follow(self, session: requests.Session, url: str, method: str, timeout: float) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            self.check(url)
            own = self._headers(self._access(url))
            response = session.request(method, url, headers=own, stream=True, allow_redirects=False, timeout=timeout)
            if not response.is_redirect:
                return response
            response.close()
            url = redirected(url, response.headers["Location"])
        raise UnresolvableReference(f"more than {MAX_REDIRECTS} redirects")

    def _access(self, url: str) -> HttpAccess | None:
        """What the administrator gave for exactly this host: it is chosen anew for each redirect."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.port is not None and parts.port != _PORTS.get(parts.scheme):
            host = f"{host}:{parts.port}"
        usable = (one for one in self._settings.http if parts.scheme == "https" or one.insecure)
        return next((one for one in usable if matches(host, one.hosts)), None)

    def _headers(self, access: HttpAccess | None) -> dict[str, str]:
        found = _headers(access)
        if access is not None and access.user_token and self._tokens is not None:
            token = self._tokens(access.user_token)
            if token is not None:
                found["Authorization"] = f"Bearer {token}"
        return found


def _headers(access: HttpAccess | None) -> dict[str, str]:
    if access is None:
        return {}
    found = dict(access.headers or {})
    if access.token is not None:
        found["Authorization"] = f"Bearer {access.token}"
    elif access.password is not None:
        pair = f"{access.username}:{access.password}".encode()
        found["Authorization"] = f"Basic {b64encode(pair).decode('ascii')}"
    return found


def _version(told: JSONObject) -> str:
    return str(told["etag"] or told["modified"])


def _conditions(told: JSONObject) -> dict[str, str]:
    pairs = {"If-None-Match": told["etag"]} if told["etag"] else {"If-Modified-Since": told["modified"]}
    return {name: str(value) for name, value in pairs.items()}
