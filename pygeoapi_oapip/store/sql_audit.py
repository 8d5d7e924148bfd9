"""The audit in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from .audit import AuditEntry
from .database import Database
from .identity_tables import audit
from .rows import from_micros, storable, to_micros

LONGEST = 500
"""Characters of a text in an entry."""


class SqlAuditStore:
    """`AuditStore` over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. It survives the death of every process, and power loss with the next durable write."""
        texts = {
            name: _text(getattr(entry, name)) for name in ("who", "context", "address", "what", "object", "outcome")
        }
        with self._database.write(durable=False) as connection:
            connection.execute(insert(audit), {"moment": to_micros(entry.moment), **texts})

    def forget(self, before: datetime) -> int:
        """Remove the entries that are older."""
        with self._database.write(durable=False) as connection:
            return connection.execute(delete(audit).where(audit.c.moment < to_micros(before))).rowcount

    def entries(self, limit: int, who: str | None = None, since: datetime | None = None) -> Sequence[AuditEntry]:
        """The newest ones, newest first."""
        query = select(audit).order_by(audit.c.moment.desc(), audit.c.number.desc()).limit(limit)
        if who is not None:
            query = query.where(audit.c.who == _text(who))
        if since is not None:
            query = query.where(audit.c.moment >= to_micros(since))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            AuditEntry(from_micros(row.moment), row.who, row.context, row.address, row.what, row.object, row.outcome)
            for row in rows
        ]


def _text(text: str) -> str:
    """What any database can hold, on one line."""
    cut = text[:LONGEST]
    return cut if storable(cut) and cut.isprintable() else ascii(cut)[1:-1][:LONGEST]
