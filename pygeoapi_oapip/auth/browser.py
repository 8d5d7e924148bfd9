"""Requests that a browser sends with credentials that it keeps: only pages of this server may ask for their effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import Forbidden

_SAFE = ("GET", "HEAD", "OPTIONS")
_OURS = ("same-origin", "none")
"""Values of Sec-Fetch-Site: from a page of this server; typed into the address bar, or a bookmark."""
_SCRIPT = "empty"
"""Sec-Fetch-Dest of what a script asks for."""
_EFFECTS = ("execute", "dismiss")
"""Values of `request` in WPS."""


def require_own_page(environ: Mapping[str, Any], *, cookie: bool = False) -> None:
    """Refuse what another site makes a browser do (cross-site request forgery).

    A request that changes nothing is let through: other sites cannot read its answer. Executions and dismissals by GET
    (`/execution?...`, `/wps?request=Execute&...`) do change something: pages of this server, which may show links and
    pictures that users name, ask for them by scripts alone.

    Args:
        environ: WSGI.
        cookie: the request counts by a cookie, so that it must come from a browser, and say from where.

    Raises:
        Forbidden: it comes from another site, or does not say where from although it should.
    """
    by_address = environ.get("REQUEST_METHOD") in _SAFE
    if by_address and not _has_effect(environ):
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is not None and site not in _OURS:
        raise Forbidden("another site may not do this in your name")
    if origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST") and site is None:
        raise Forbidden("another site may not do this in your name")
    if by_address and site == "same-origin" and environ.get("HTTP_SEC_FETCH_DEST", _SCRIPT) != _SCRIPT:
        raise Forbidden("a link or a picture may not do this in your name; type the address yourself")
    if cookie and site is None and origin is None:
        raise Forbidden("the browser does not say which page this request comes from")


def _has_effect(environ: Mapping[str, Any]) -> bool:
    """Something is executed or dismissed, though the method should only read."""
    if str(environ.get("PATH_INFO", "")).rstrip("/").endswith("/execution"):
        return True
    pairs = parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    return any(name.strip().lower() == "request" and text.strip().lower() in _EFFECTS for name, text in pairs)
