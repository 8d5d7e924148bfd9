"""From the claims of a token to a principal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.identity import Principal, Role, is_name
from ..settings_auth import Issuer, Rules

MOST_GROUPS = 1000
"""Groups of one user that count; more would make every query slow."""


class Unusable(ValueError):
    """The claims name nobody."""


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Where an issuer has the name, groups and roles of a user."""

    user: str
    groups: str
    roles: tuple[str, ...]

    @staticmethod
    def of(issuer: Issuer) -> ClaimMap:
        """As the administrator says, and by the preset where not."""
        user = "sub"
        roles: tuple[str, ...] = ("roles",)
        if issuer.preset == "keycloak":
            user = "preferred_username"
            roles = ("realm_access.roles", *(f"resource_access.{name}.roles" for name in issuer.audience))
        return ClaimMap(issuer.user_claim or user, issuer.groups_claim or "groups", issuer.role_claims or roles)


class ClaimReader:
    """Makes principals from the claims of one issuer.

    Args:
        issuer: its settings.
        rules: what holds for all users.
    """

    def __init__(self, issuer: Issuer, rules: Rules) -> None:
        self._map = ClaimMap.of(issuer)
        self._prefix = issuer.user_prefix
        self._rules = rules
        self._names = {Role(role): frozenset(getattr(issuer.roles, role)) for role in Role}

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """The user of a token. Raises Unusable."""
        name = claim(claims, self._map.user)
        if not isinstance(name, str) or not is_name(name) or not is_name(self._prefix + name):
            raise Unusable(f"the claim {self._map.user} is not the name of a user")
        given = {text for path in self._map.roles for text in _texts(claim(claims, path))}
        roles = {str(role) for role, names in self._names.items() if not names.isdisjoint(given)}
        return with_rules(self._prefix + name, roles, self._groups(claims), self._rules)

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str]:
        names = (self._prefix + text.strip("/") for text in _texts(claim(claims, self._map.groups)))
        return frozenset(sorted(name for name in names if is_name(name))[:MOST_GROUPS])


def with_rules(name: str, roles: set[str], groups: frozenset[str], rules: Rules) -> Principal:
    """The principal of a name, with the roles that everybody has, and those of administrators."""
    further = {Role.ADMIN.value} if name in rules.admins else set()
    return Principal(name, frozenset(roles | further | set(rules.default_roles)), groups)


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, which may hold dots, or by a path through objects; None where there is none.

    `resource_access.my.client.roles` finds the client `my.client`: the longest name that fits is taken.
    """
    if path in claims:
        return claims[path]
    for end in range(len(path) - 1, 0, -1):
        if path[end] == "." and isinstance(inner := claims.get(path[:end]), Mapping):
            return claim(inner, path[end + 1 :])
    return None


def _texts(value: Any) -> Iterator[str]:
    """The texts of a list; one text stands for a list of its words."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
