"""Path prefixes under which the whole API is served once more: `/ogc-api` and `/{user}/ogc-api` (docs/contexts.md)."""

from __future__ import annotations

import re
from collections.abc import Container

NAME = "ogc-api"
"""Ends each prefix, as in other servers of the EOEPCA kind."""

_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_@+-]|\.(?!\.)){0,63}")
"""What a user name may be in a path: no `..`, nothing that a path or a log line has to quote."""


def split_context(path: str, taken: Container[str]) -> tuple[str, str]:
    """The prefix that a path begins with, and the rest.

    Args:
        path: decoded, beginning with `/`.
        taken: first path segments of the API itself, which cannot be users (`/processes/ogc-api` is a process).

    Returns:
        `/alice/ogc-api` and `/processes` for `/alice/ogc-api/processes`; "" and the path where there is no prefix, or
        where what stands in its place cannot be the name of a user.
    """
    root, _, tail = path.partition("/")
    first, *others = tail.split("/", 2)
    if root:
        return "", path
    if first == NAME:
        return _cut(path, f"/{NAME}")
    if others and others[0] == NAME and first not in taken and _USER.fullmatch(first):
        return _cut(path, f"/{first}/{NAME}")
    return "", path


def split_user(path: str, taken: Container[str]) -> tuple[str, str]:
    """The user that a path begins with (`/alice`), and the rest, for doors that have no name of their own after it.

    Args:
        path: decoded, beginning with `/`.
        taken: first path segments that cannot be users.

    Returns:
        "" and the path where its first segment cannot be the name of a user.
    """
    first, slash, _ = path.removeprefix("/").partition("/")
    if slash and path.startswith("/") and first not in taken and _USER.fullmatch(first):
        return _cut(path, f"/{first}")
    return "", path


def _cut(path: str, prefix: str) -> tuple[str, str]:
    return prefix, path[len(prefix) :] or "/"
