"""The tables of logins and of the audit; times as their columns say."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from .notification_tables import metadata as metadata

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the text in the cookie, so that nobody who reads the database can use it
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    # seconds since 1970
    Column("expires", BigInteger, nullable=False),
)
Index("sessions_by_end", sessions.c.expires)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    # microseconds since 1970
    Column("moment", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("outcome", Text, nullable=False),
)
Index("audit_by_moment", audit.c.moment)
Index("audit_by_who", audit.c.who, audit.c.moment)

job_tokens = Table(
    "job_tokens",
    metadata,
    # written before its job is, so it is no foreign key
    Column("job_id", Text, primary_key=True),
    # sealed (auth.sealing)
    Column("content", Text, nullable=False),
    # seconds since 1970
    Column("ends", BigInteger, nullable=False),
)
Index("job_tokens_by_end", job_tokens.c.ends)

members = Table(
    "members",
    metadata,
    # as the users were in when they last asked for something
    Column("group", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)
Index("members_by_name", members.c.name)
