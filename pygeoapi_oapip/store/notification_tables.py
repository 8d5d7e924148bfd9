"""The table of subscriptions; times as in `tables`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, literal_column

from .tables import metadata as metadata

subscriptions = Table(
    "subscriptions",
    metadata,
    # goes with its job
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("wants_progress", Boolean, nullable=False),
    Column("told", Integer),
    Column("progress_due", BigInteger),
    Column("progress_attempts", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_try", BigInteger),
    Column("note", Text, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
)

# the word stands in the text, so that queries with the same text use the index
OPEN = subscriptions.c.outcome == literal_column("'open'")
Index("subscriptions_open", subscriptions.c.due, sqlite_where=OPEN, postgresql_where=OPEN)
