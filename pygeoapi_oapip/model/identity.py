"""Who asks, and which rows that person may see."""

from __future__ import annotations

from dataclasses import dataclass

ANONYMOUS_NAME = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program that a request comes from."""

    name: str
    """Unique and stable; the owner of what this principal creates."""
    roles: frozenset[str] = frozenset()
    """Names given by the identity provider or the administrator, for example `admin`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows that a store query may touch. Every query takes one; only `auth.policy` makes them."""

    owner: str | None
    """Only rows of this owner (and public ones, for processes); None: all rows."""


ANONYMOUS = Principal(ANONYMOUS_NAME)
"""Everybody, where the administrator chose `auth: {type: none}`."""

EVERYTHING = Scope(None)
"""The scope of the server's own work (reconciler, retention, administration)."""
