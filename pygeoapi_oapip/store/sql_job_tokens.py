"""Sealed tokens of jobs in a database (`store.job_tokens`)."""

from __future__ import annotations

from sqlalchemy import delete, select, text

from .database import Database
from .identity_tables import job_tokens
from .job_tokens import SealedTokens

_PUT = text(
    "INSERT INTO job_tokens (job_id, content, ends) VALUES (:job_id, :content, :ends) "
    "ON CONFLICT (job_id) DO UPDATE SET content = excluded.content, ends = excluded.ends"
)


class SqlJobTokenStore:
    """Over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tokens: SealedTokens) -> None:
        """As `JobTokenStore.put`."""
        row = {"job_id": tokens.job_id, "content": tokens.text, "ends": int(tokens.ends)}
        # the job itself is written after it, durably
        with self._database.write(durable=False) as connection:
            connection.execute(_PUT, row)

    def get(self, job_id: str) -> SealedTokens | None:
        """As `JobTokenStore.get`."""
        query = select(job_tokens.c.content, job_tokens.c.ends).where(job_tokens.c.job_id == job_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else SealedTokens(job_id, str(row.content), float(row.ends))

    def remove(self, job_id: str) -> None:
        """As `JobTokenStore.remove`."""
        if self.get(job_id) is None:
            return
        with self._database.write(durable=False) as connection:
            connection.execute(delete(job_tokens).where(job_tokens.c.job_id == job_id))

    def sweep(self, before: float) -> int:
        """As `JobTokenStore.sweep`."""
        old = job_tokens.c.ends < int(before)
        with self._database.read() as connection:
            if connection.execute(select(job_tokens.c.job_id).where(old).limit(1)).first() is None:
                return 0
        with self._database.write(durable=False) as connection:
            return connection.execute(delete(job_tokens).where(old)).rowcount
