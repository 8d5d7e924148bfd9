"""Behind a reverse proxy: where a request comes from, and by which address of the server it came.

Only proxies that the administrator names are believed. What anybody else sends in these headers is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..settings_auth import Proxy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BASE_KEY = "oapip.base"
"""WSGI environment: the URL of the landing page as the client knows it, without `/` at its end, where a proxy tells."""

_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]{1,100}){0,10}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def base_of(environ: Mapping[str, Any], configured: str) -> str:
    """The URL of the landing page for the present request, without `/` at its end.

    Args:
        environ: WSGI.
        configured: the same by the configuration (`server.url`), which counts where no proxy tells another one.
    """
    return str(environ.get(BASE_KEY) or configured)


class Forwarded:
    """An application behind proxies.

    Args:
        app: sees the client's address in REMOTE_ADDR, and what else the proxy tells in `BASE_KEY` and HTTP_HOST.
        proxy: who is believed, and about which hosts.
        url: `server.url`: what the headers do not tell is as in it.
        prefix: path that comes before all others (`api_rules.url_prefix`), or "".
    """

    def __init__(self, app: WSGIApplication, proxy: Proxy, url: str, prefix: str = "") -> None:
        self._app = app
        self._networks = proxy.networks()
        own = urlsplit(url)
        self._scheme, self._host, self._path = own.scheme or "http", own.netloc, own.path.rstrip("/")
        self._hosts = {(own.hostname or "").lower(), *(name.lower() for name in proxy.hosts)}
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        peer = str(environ.get("REMOTE_ADDR", ""))
        if not self._trusts(peer):
            return self._app(environ, start_response)
        environ = {**environ, "REMOTE_ADDR": self._client(environ, peer)}
        host = self._told_host(environ)
        if host:
            environ["HTTP_HOST"] = host
        base = self._base(environ, host)
        if base:
            environ[BASE_KEY] = base + self._prefix
        return self._app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _client(self, environ: Mapping[str, Any], peer: str) -> str:
        """The last address that is not one of our proxies: what stands before it, anybody may have written."""
        addresses = [text.strip() for text in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        found = peer
        while addresses and self._trusts(found):
            found = addresses.pop() or found
        return found

    def _told_host(self, environ: Mapping[str, Any]) -> str:
        """Host, with its port where it is not the usual one; "" for none, and for one that is not ours."""
        match = _HOST.fullmatch(_last(environ, "HOST"))
        if match is None or match[1].lower().strip("[]") not in self._hosts and "*" not in self._hosts:
            return ""
        port = match[2] or _port(environ)
        usual = _DEFAULT_PORTS.get(self._told_scheme(environ))
        return match[1] if not port or port == usual else f"{match[1]}:{port}"

    def _told_scheme(self, environ: Mapping[str, Any]) -> str:
        told = _last(environ, "PROTO").lower()
        return told if told in _DEFAULT_PORTS else self._scheme

    def _base(self, environ: Mapping[str, Any], host: str) -> str:
        """The URL that the headers tell; "" where they tell nothing."""
        told = "HTTP_X_FORWARDED_PREFIX" in environ and _PREFIX.fullmatch(_last(environ, "PREFIX").rstrip("/"))
        if not host and not told and not _last(environ, "PROTO"):
            return ""
        path = told[0] if told else self._path
        return f"{self._told_scheme(environ)}://{host or self._host}{path}"


def _last(environ: Mapping[str, Any], name: str) -> str:
    """What the nearest proxy says."""
    return str(environ.get(f"HTTP_X_FORWARDED_{name}", "")).rpartition(",")[2].strip()


def _port(environ: Mapping[str, Any]) -> str:
    text = _last(environ, "PORT")
    return text if re.fullmatch(r"[0-9]{1,5}", text) else ""
