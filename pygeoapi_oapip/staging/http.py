"""References over http and https, guarded against addresses inside the network (server-side request forgery).

The guard sits where the socket is opened: the name is resolved once, every address is checked, and the
connection goes to a checked address. So neither a redirect nor a second answer of the name server gets past it.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util.connection import create_connection

from ..errors import AddressForbidden, TooLarge, Unavailable, UnresolvableReference
from ..settings import Staging as StagingSettings
from .base import Fetched, Staged

_CHUNK = 1 << 18
_MAX_REDIRECTS = 5
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_allow_internal = threading.local()


class _Refused(OSError):
    """The name resolves to an address that may not be read."""


def _public_addresses(host: str, port: int) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        mapped = getattr(ip, "ipv4_mapped", None) or ip
        if getattr(_allow_internal, "value", False) or (mapped.is_global and not mapped.is_multicast):
            yield str(address[0])
        else:
            raise _Refused(host)


class _GuardedSocket:
    """Mixed into both kinds of connection: opens sockets to checked addresses only."""

    def _new_conn(self: Any) -> socket.socket:
        failure: OSError = OSError(f"{self.host} has no address")
        for address in _public_addresses(self._dns_host, self.port):
            try:
                return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                failure = error
        raise failure


class _GuardedHTTP(_GuardedSocket, HTTPConnection):
    pass


class _GuardedHTTPS(_GuardedSocket, HTTPSConnection):
    pass


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}


class HttpStager:
    """Reads `http` and `https`."""

    schemes = frozenset({"http", "https"})

    def __init__(self, settings: StagingSettings) -> None:
        self._settings = settings

    def check(self, url: str) -> None:
        """Refuse hosts outside `allow_hosts`, literal internal addresses and malformed URLs."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        if not host or port == 0:
            raise UnresolvableReference(f"{url!r} is not a URL with a host")
        if not any(fnmatch(host, pattern.lower()) for pattern in self._settings.allow_hosts):
            raise AddressForbidden(f"the host {host} is not one that this server reads from (staging.allow_hosts)")
        if not self._settings.allow_internal and _is_internal_literal(host):
            raise _forbidden(host)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read a document into memory, within the time limit of the settings as a whole."""
        deadline = time.monotonic() + self._settings.timeout
        with self._open(url) as response:
            pieces, size = [], 0
            for piece in self._pieces(response, url, max_bytes):
                size += len(piece)
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise Unavailable(f"{url} took longer than {self._settings.timeout:.0f} s")
            return Fetched(b"".join(pieces), _media_type(response), response.url)

    def stage(self, url: str, folder: Path) -> Staged:
        """Download to `folder`, under the last part of the path; whole or not at all."""
        with self._open(url) as response:
            path = folder / _file_name(response.url)
            partial = path.with_name(path.name + ".part")
            with partial.open("wb") as target:
                for piece in self._pieces(response, url, self._settings.max_bytes):
                    target.write(piece)
            partial.replace(path)
            return Staged(path, _media_type(response))

    def _pieces(self, response: requests.Response, url: str, max_bytes: int) -> Iterator[bytes]:
        size = 0
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(f"{url} is larger than {max_bytes} bytes")
            yield piece

    @contextmanager
    def _open(self, url: str) -> Iterator[requests.Response]:
        with requests.Session() as session, _explained(url):
            session.trust_env = False
            session.mount("http://", _GuardedAdapter())
            session.mount("https://", _GuardedAdapter())
            _allow_internal.value = self._settings.allow_internal
            with self._follow(session, url) as response:
                if response.status_code in _TEMPORARY:
                    raise Unavailable(f"{url} answers {response.status_code} now")
                if response.status_code != 200:
                    raise UnresolvableReference(f"{url} answers {response.status_code}")
                yield response

    def _follow(self, session: requests.Session, url: str) -> requests.Response:
        for _ in range(_MAX_REDIRECTS + 1):
            self.check(url)
            response = session.get(url, stream=True, allow_redirects=False, timeout=self._settings.timeout)
            if not response.is_redirect:
                return response
            response.close()
            url = urljoin(url, response.headers["Location"])
            if urlsplit(url).scheme not in self.schemes:
                raise AddressForbidden(f"a redirect leads to {urlsplit(url).scheme or 'no'} scheme, not http or https")
        raise UnresolvableReference(f"more than {_MAX_REDIRECTS} redirects")


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, HTTPError, LocationParseError) as error:
        host = urlsplit(url).hostname or url
        if _caused_by(error, _Refused):
            raise _forbidden(host) from None
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | LocationParseError):
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        if _caused_by(error, socket.gaierror):
            raise Unavailable(f"the name {host} could not be resolved") from None
        raise Unavailable(f"{url} could not be read: {type(error).__name__}") from None
    except _Refused:
        raise _forbidden(urlsplit(url).hostname or url) from None
    except UnicodeError:
        raise UnresolvableReference(f"{url!r} is not a URL") from None


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, kind) or any(isinstance(a, kind) for a in error.args):
            return True
        reason = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        nested = reason if isinstance(reason, BaseException) else None
        error = nested or error.__cause__ or error.__context__
    return False


def _forbidden(host: str) -> AddressForbidden:
    return AddressForbidden(f"{host} is an address inside this server's network (staging.allow_internal is false)")


def _is_internal_literal(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").split(";")[0].strip().lower()


def _file_name(url: str) -> str:
    name = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].replace("\0", "")
    return name[-200:] if name not in ("", ".", "..") else "data"
