"""Users in a database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from sqlalchemy import delete, insert, select, text

from .accounts import Account
from .database import Database
from .identity_tables import members
from .rows import storable, to_text
from .tables import rates

_REMEMBER = text(
    'INSERT INTO accounts (name, "groups", roles) VALUES (:name, :groups, :roles) '
    'ON CONFLICT (name) DO UPDATE SET "groups" = excluded."groups", roles = excluded.roles'
)
_RECALL = 'SELECT "groups", roles FROM accounts WHERE name = :name'
_RECALL_POSTGRES = 'SELECT "groups", roles FROM accounts WHERE name = %(name)s'
# the rate is used up evenly: each one done puts the time off by its share, and it may lie `span` ahead at most
_COUNT = text(
    "INSERT INTO rates (key, used_until) VALUES (:key, :now + :share) ON CONFLICT (key) DO UPDATE "
    "SET used_until = CASE WHEN rates.used_until > :now THEN rates.used_until ELSE :now END + :share "
    "WHERE rates.used_until + :share <= :now + :span RETURNING used_until"
)
_USED = text("SELECT used_until FROM rates WHERE key = :key")


class SqlAccountStore:
    """`AccountStore` over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def remember(self, name: str, account: Account) -> None:
        """Write down what a user has now."""
        row = {"name": name, "groups": to_text(sorted(account.groups)), "roles": to_text(sorted(account.roles))}
        if storable(name):
            with self._database.write(durable=False) as connection:
                connection.execute(_REMEMBER, row)
                connection.execute(delete(members).where(members.c.name == name))
                rows = [{"group": group, "name": name} for group in sorted(account.groups) if storable(group)]
                if rows:
                    connection.execute(insert(members), rows)

    def recall(self, name: str) -> Account:
        """What was remembered last."""
        query = _RECALL if self._database.sqlite else _RECALL_POSTGRES
        row = self._database.row(query, {"name": name}) if storable(name) else None
        return Account() if row is None else Account(frozenset(json.loads(row[0])), frozenset(json.loads(row[1])))

    def members(self, group: str) -> frozenset[str]:
        """Who was in a group when he last asked for something."""
        if not storable(group):
            return frozenset()
        with self._database.read() as connection:
            return frozenset(connection.execute(select(members.c.name).where(members.c.group == group)).scalars())

    def count(self, key: str, most: int, seconds: float) -> float:
        """Count one more. Returns the seconds to wait, or 0."""
        now, span = int(self._clock() * 1e6), int(seconds * 1e6)
        values = {"key": key, "now": now, "share": span // most, "span": span}
        with self._database.write(durable=False) as connection:
            connection.execute(delete(rates).where(rates.c.used_until < now))
            if connection.execute(_COUNT, values).first() is not None:
                return 0.0
            used: int = connection.execute(_USED, {"key": key}).scalar_one()
        return max(1, used + span // most - now - span) / 1e6
