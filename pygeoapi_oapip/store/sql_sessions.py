"""Logins of browsers in a database (`auth.sessions.SessionStore`)."""

from __future__ import annotations

import time

from sqlalchemy import bindparam, delete, insert, select

from .database import Database
from .identity_tables import sessions
from .statements import driver_text

_ROW = select(sessions.c.content).where(
    sessions.c.key == bindparam("key"), sessions.c.kind == bindparam("kind"), sessions.c.expires > bindparam("now")
)


class SqlSessionStore:
    """Over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._text = driver_text(_ROW, database.dialect)

    def put(self, key: str, kind: str, text: str, expires: float) -> None:
        """Keep a row; rows that have ended go."""
        with self._database.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= int(time.time())))
            connection.execute(insert(sessions), {"key": key, "kind": kind, "content": text, "expires": int(expires)})

    def get(self, key: str, kind: str, now: float) -> str | None:
        """The text of a row that has not ended."""
        row = self._database.row(self._text, {"key": key, "kind": kind, "now": int(now)})
        return None if row is None else str(row[0])

    def take(self, key: str, kind: str, now: float) -> str | None:
        """The same, and the row goes."""
        gone = delete(sessions).where(sessions.c.key == key, sessions.c.kind == kind, sessions.c.expires > int(now))
        with self._database.write() as connection:
            row = connection.execute(gone.returning(sessions.c.content)).first()
        return None if row is None else str(row[0])
