"""Requests that a browser sends with credentials that it keeps: only pages of this server may ask for their effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import Forbidden

_SAFE = ("GET", "HEAD", "OPTIONS")
_OURS = ("same-origin", "none")
"""Values of Sec-Fetch-Site: from a page of this server; typed into the address bar, or a bookmark."""


def require_own_page(environ: Mapping[str, Any], *, cookie: bool = False) -> None:
    """Refuse what another site makes a browser do (cross-site request forgery).

    A request that changes nothing is let through: other sites cannot read its answer. An execution by GET
    (`/execution?...`) does change something.

    Args:
        environ: WSGI.
        cookie: the request counts by a cookie, so that it must come from a browser, and say from where.

    Raises:
        Forbidden: it comes from another site, or does not say where from although it should.
    """
    if environ.get("REQUEST_METHOD") in _SAFE and not str(environ.get("PATH_INFO", "")).rstrip("/").endswith(
        "/execution"
    ):
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is not None and site not in _OURS:
        raise Forbidden("another site may not do this in your name")
    if origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST") and site is None:
        raise Forbidden("another site may not do this in your name")
    if cookie and site is None and origin is None:
        raise Forbidden("the browser does not say which page this request comes from")
