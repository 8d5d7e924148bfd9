"""Which processes a scope sees, and which of several that have the same id, as conditions of queries."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, exists, literal, or_, select, true, tuple_

from ..model.identity import ANONYMOUS_NAME, SERVER_NAME, Scope
from .tables import process_groups, processes


def visible(rows: FromClause, scope: Scope) -> ColumnElement[bool]:
    """Rows of `processes` that the scope sees."""
    if scope.owner is None:
        return true()
    conditions = [_public(rows), rows.c.owner == literal(scope.owner)]
    if scope.groups:
        conditions.append(_in_groups(rows, scope))
    return or_(*conditions)


def order(rows: FromClause, scope: Scope) -> tuple[ColumnElement[Any], ...]:
    """The best one first: that of the preferred owner, the server's, a public one, one of a group, any; then by
    owner."""
    ranks = [
        (rows.c.owner == literal(scope.preferred), literal(0)),
        (rows.c.owner.in_((ANONYMOUS_NAME, SERVER_NAME)), literal(1)),
        (rows.c.public.is_(true()), literal(2)),
    ]
    if scope.groups and scope.owner is None:
        ranks.append((_in_groups(rows, scope), literal(3)))
    return case(*ranks, else_=literal(4)), rows.c.owner


def best(scope: Scope) -> ColumnElement[bool]:
    """Rows of `processes` before which the scope sees no other one with the same id."""
    other = processes.alias("other")
    before = tuple_(*order(other, scope)) < tuple_(*order(processes, scope))
    same = and_(other.c.id == processes.c.id, other.c.owner != processes.c.owner, other.c.deployed.is_(true()))
    return ~exists(select(other.c.id).where(same, visible(other, scope), before))


def _public(rows: FromClause) -> ColumnElement[bool]:
    return or_(rows.c.public.is_(true()), rows.c.owner == literal(ANONYMOUS_NAME))


def _in_groups(rows: FromClause, scope: Scope) -> ColumnElement[bool]:
    return exists(
        select(process_groups.c.name).where(
            process_groups.c.process_id == rows.c.id,
            process_groups.c.owner == rows.c.owner,
            process_groups.c.name.in_(sorted(scope.groups)),
        )
    )
