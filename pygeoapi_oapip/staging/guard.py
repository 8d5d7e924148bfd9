"""Connections over http and https, guarded against addresses inside the network (server-side request forgery).

The guard sits where the socket is opened: the name is resolved once, every address is checked, and the
connection goes to a checked address. So neither a redirect nor a second answer of the name server gets past it.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util.connection import create_connection

from ..errors import AddressForbidden, Unavailable, UnresolvableReference

_Kind = TypeVar("_Kind", bound=BaseException)
MAX_REDIRECTS = 5
SCHEMES = frozenset({"http", "https"})
_NO_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052."""
_of_thread = threading.local()
"""`allow_internal`, and `watch`, which is told of each socket."""


class _Refused(OSError):
    """The name resolves to an address that may not be read."""


class NoSuchName(Unavailable):
    """The name server says that there is no such name; it may be new, so staging tries again."""


def _public_addresses(host: str, port: int) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if getattr(_of_thread, "allow_internal", False) or _is_public(ip):
            yield str(address[0])
        else:
            raise _Refused(host)


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    inside = list(_inside(ip))
    # a mapped address says of itself that it is not global
    own = [] if ip.version == 6 and ip.ipv4_mapped is not None else [ip]
    return all(one.is_global and not one.is_multicast for one in (*own, *inside))


def _inside(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to, perhaps through a gateway."""
    if isinstance(ip, ipaddress.IPv4Address):
        return
    if ip in _NAT64:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    yield from (one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one is not None)


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


def redirected(url: str, target: str) -> str:
    """Where a redirect leads. Raises UnresolvableReference where that is no URL, AddressForbidden for other schemes."""
    try:
        found = urljoin(url, target)
        scheme = urlsplit(found).scheme
    except ValueError:
        raise UnresolvableReference(f"{url} leads to {target[:200]!r}, which is not a URL") from None
    if scheme not in SCHEMES:
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
            raise forbidden(host) from None
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | LocationParseError):
            raise UnresolvableReference(f"{url!r} is not a URL") from None
        unresolved = _cause(error, socket.gaierror)
        if unresolved is not None and unresolved.errno in _NO_NAME:
            raise NoSuchName(f"there is no host of the name {host}") from None
        if unresolved is not None:
            raise Unavailable(f"the name {host} could not be resolved") from None
        raise Unavailable(f"{url} could not be read: {type(error).__name__}") from None
    except _Refused:
        raise forbidden(urlsplit(url).hostname or url) from None
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


def forbidden(host: str) -> AddressForbidden:
    """The error for an address inside the network."""
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
