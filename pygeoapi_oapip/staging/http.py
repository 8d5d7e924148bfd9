"""References over http and https, guarded against addresses inside the network (server-side request forgery).

The guard sits where the socket is opened: the name is resolved once, every address is checked, and the
connection goes to a checked address. So neither a redirect nor a second answer of the name server gets past it.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar
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

_Kind = TypeVar("_Kind", bound=BaseException)
_CHUNK = 1 << 18
MAX_REDIRECTS = 5
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_MISSING = {401: "may not be read", 403: "may not be read", 404: "does not exist", 410: "does not exist any more"}
_NO_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_of_thread = threading.local()
"""`allow_internal`, and `watch`, which is told of each socket."""


class _Refused(OSError):
    """The name resolves to an address that may not be read."""


class _NoSuchName(Unavailable):
    """The name server says that there is no such name; it may be new, so staging tries again."""


def _public_addresses(host: str, port: int) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if getattr(_of_thread, "allow_internal", False) or _is_public(ip):
            yield str(address[0])
        else:
            raise _Refused(host)


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    return bool(mapped.is_global and not mapped.is_multicast)


class _GuardedSocket:
    """Mixed into both kinds of connection: opens sockets to checked addresses only."""

    def _new_conn(self: Any) -> socket.socket:
        failure: OSError = OSError(f"{self.host} has no address")
        for address in _public_addresses(self._dns_host, self.port):
            try:
                opened = create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                failure = error
            else:
                watch = getattr(_of_thread, "watch", None)
                if watch is not None:
                    watch(opened)
                return opened
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
        if not matches(host, self._settings.allow_hosts):
            raise AddressForbidden(f"the host {host} is not one that this server reads from (staging.allow_hosts)")
        if not self._settings.allow_internal and is_internal(host):
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

    def probe(self, url: str, seconds: float) -> None:
        """Ask by HEAD, and where that says no, by GET for one byte: many servers do not know HEAD.

        Raises:
            UnresolvableReference: the answer is 401, 403, 404 or 410, or the name does not exist.
            AddressForbidden: the host or a redirect is not allowed.
        """
        deadline = time.monotonic() + seconds
        try:
            status = self._status(url, "HEAD", deadline)
            if status >= 400 and status not in _TEMPORARY:
                status = self._status(url, "GET", deadline)
        except _NoSuchName as fault:
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

    def _pieces(self, response: requests.Response, url: str, max_bytes: int) -> Iterator[bytes]:
        size = 0
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(f"{url} is larger than {max_bytes} bytes")
            yield piece

    @contextmanager
    def _open(self, url: str) -> Iterator[requests.Response]:
        with guarded_session(self._settings.allow_internal) as session, explained(url):
            with self._follow(session, url, "GET", self._settings.timeout) as response:
                if response.status_code in _TEMPORARY:
                    raise Unavailable(f"{url} answers {response.status_code} now")
                if response.status_code != 200:
                    raise UnresolvableReference(f"{url} answers {response.status_code}")
                yield response

    def _follow(self, session: requests.Session, url: str, method: str, timeout: float) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            self.check(url)
            response = session.request(method, url, stream=True, allow_redirects=False, timeout=timeout)
            if not response.is_redirect:
                return response
            response.close()
            url = redirected(url, response.headers["Location"])
        raise UnresolvableReference(f"more than {MAX_REDIRECTS} redirects")


def redirected(url: str, target: str) -> str:
    """Where a redirect leads. Raises UnresolvableReference where that is no URL, AddressForbidden for other schemes."""
    try:
        found = urljoin(url, target)
        scheme = urlsplit(found).scheme
    except ValueError:
        raise UnresolvableReference(f"{url} leads to {target[:200]!r}, which is not a URL") from None
    if scheme not in HttpStager.schemes:
        raise AddressForbidden(f"a redirect leads to {scheme or 'no'} scheme, not http or https")
    return found


@contextmanager
def guarded_session(
    allow_internal: bool, watch: Callable[[socket.socket], None] | None = None
) -> Iterator[requests.Session]:
    """A session whose connections, opened by this thread, go to checked addresses only.

    Args:
        allow_internal: also addresses of this machine and of private networks.
        watch: told of each socket when it is connected.
    """
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", _GuardedAdapter())
        session.mount("https://", _GuardedAdapter())
        _of_thread.allow_internal, _of_thread.watch = allow_internal, watch
        yield session


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what the HTTP library raises into AddressForbidden, UnresolvableReference or Unavailable."""
    try:
        yield
    except (requests.RequestException, HTTPError, LocationParseError) as error:
        host = urlsplit(url).hostname or url
        if _cause(error, _Refused) is not None:
            raise _forbidden(host) from None
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | LocationParseError):
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        unresolved = _cause(error, socket.gaierror)
        if unresolved is not None and unresolved.errno in _NO_NAME:
            raise _NoSuchName(f"there is no host of the name {host}") from None
        if unresolved is not None:
            raise Unavailable(f"the name {host} could not be resolved") from None
        raise Unavailable(f"{url} could not be read: {type(error).__name__}") from None
    except _Refused:
        raise _forbidden(urlsplit(url).hostname or url) from None
    except ValueError:
        # the library looks at redirects that it does not follow, too
        raise UnresolvableReference(f"{url!r} is not a URL, or leads to none") from None


def _cause(error: BaseException | None, kind: type[_Kind]) -> _Kind | None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for candidate in (error, *error.args):
            if isinstance(candidate, kind):
                return candidate
        reason = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        nested = reason if isinstance(reason, BaseException) else None
        error = nested or error.__cause__ or error.__context__
    return None


def _forbidden(host: str) -> AddressForbidden:
    return AddressForbidden(f"{host} is an address inside this server's network (staging.allow_internal is false)")


def matches(host: str, patterns: Iterable[str]) -> bool:
    """True if one of the patterns (`*` as wildcard) is of this host; its letters are small, as `urlsplit` gives it."""
    return any(fnmatch(host, pattern.lower()) for pattern in patterns)


def is_internal(host: str) -> bool:
    """True if a host is spelled as an address inside the network, or is this machine by name."""
    try:
        return not _is_public(ipaddress.ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _media_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").split(";")[0].strip().lower()


def _file_name(url: str) -> str:
    name = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].replace("\0", "")
    return name[-200:] if name not in ("", ".", "..") else "data"
