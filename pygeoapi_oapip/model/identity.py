"""Who asks, which rows that person may see, and with whom a thing is shared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

ANONYMOUS_NAME = "anonymous"

SERVER_NAME = " server"
"""Owner of processes of the configuration that not everybody may see. Nobody can have this name (`is_name`)."""

LONGEST_NAME = 255
"""Characters of the name of a user or group."""


class Role(StrEnum):
    """What a principal is trusted with. `auth.policy` says what each one may do."""

    USER = "user"
    """sees and runs processes, and has jobs"""
    DEPLOYER = "deployer"
    """brings code of its own: deploys processes and runs ad-hoc CWL"""
    OPERATOR = "operator"
    """sees all jobs and processes and dismisses any job; reads neither inputs nor results of others"""
    ADMIN = "admin"
    """may do everything"""


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program that a request comes from."""

    name: str
    """Unique and stable; the owner of what this principal creates."""
    roles: frozenset[str] = frozenset()
    """Values of `Role`."""
    groups: frozenset[str] = frozenset()
    """Names of groups, as the identity provider or the administrator gives them."""
    context: str = ""
    """The user in whose path the request came (`/{user}/ogc-api`); "" outside of such a path."""

    @property
    def known(self) -> bool:
        """False for those who have not said who they are."""
        return self.name != ANONYMOUS_NAME


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows that a store query may touch. Every query takes one; only `auth.policy` makes them."""

    owner: str | None
    """Only rows of this owner, what is shared with the groups, and what is public; None: all rows."""
    groups: frozenset[str] = frozenset()
    first: str = ""
    """Where several owners have a process of the same id, that of this owner; "" for `owner`."""

    @property
    def preferred(self) -> str:
        """The owner whose processes come before those of others."""
        return self.first or self.owner or ""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who beside the owner may know and use a thing: members of groups, or everybody."""

    public: bool = False
    groups: frozenset[str] = frozenset()

    def reaches(self, groups: Iterable[str]) -> bool:
        """True for somebody in these groups."""
        return self.public or not self.groups.isdisjoint(groups)


PRIVATE = Sharing()
"""The owner alone."""

ANONYMOUS = Principal(ANONYMOUS_NAME, frozenset({Role.USER, Role.DEPLOYER}))
"""Everybody, where the administrator chose `auth: {type: none}`."""

EVERYTHING = Scope(None)
"""The scope of the server's own work (reconciler, retention, administration)."""


def group_of(role: str) -> str:
    """The group that everybody with a role is in, where things are shared with roles; no group can have this name."""
    return f" {role}"


def is_name(text: str) -> bool:
    """True for what can be the name of a user or group: printable, no blank at an end, nobody else's."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and text == text.strip() and text != ANONYMOUS_NAME
