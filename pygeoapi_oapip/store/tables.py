"""The tables. `migrations` builds the same ones step by step; a test compares them.

Times are whole microseconds since 1970-01-01 UTC: exact, and ordered alike in every database. JSON is text that the
database never looks into. Small columns come first, so that SQLite reads a list without touching long requests.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    false,
    literal_column,
    null,
    or_,
    true,
)

metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("process_id", Text, nullable=False),
    Column("process_revision", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("goal", Text, nullable=False),
    # the public status (Job.status) and whether the phase is an end: derived, for filters and partial indexes
    Column("status", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("finished", BigInteger),
    Column("not_before", BigInteger),
    Column("progress", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
    # model.quota.Place; what the package asks for (memory in bytes); bytes of the results
    Column("place", Text, nullable=False, server_default="none"),
    Column("cores", Float, nullable=False, server_default="0"),
    Column("memory", Float, nullable=False, server_default="0"),
    Column("kept", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("outputs", Text),
    Column("request", Text, nullable=False),
)

# Each page of the job list is read from branches, one for each status, so that few indexes serve all filters. Started
# and finished stand at their ends so that a duration is found without touching the row; so does the process.
_PAGE = (jobs.c.created.desc(), jobs.c.id, jobs.c.started, jobs.c.finished)
Index("jobs_by_status", jobs.c.status, *_PAGE, jobs.c.process_id)
Index("jobs_by_owner", jobs.c.owner, jobs.c.status, *_PAGE, jobs.c.process_id)
Index("jobs_by_process", jobs.c.process_id, jobs.c.status, *_PAGE)
Index("jobs_by_owner_process", jobs.c.owner, jobs.c.process_id, jobs.c.status, *_PAGE)
OPEN = jobs.c.ended.is_(false())
ENDED = jobs.c.ended.is_(true())
RUNNING = and_(OPEN, jobs.c.started.is_not(null()))
TIMED = and_(jobs.c.started.is_not(null()), jobs.c.finished.is_not(null()))
DURATION = jobs.c.finished - jobs.c.started
# A job that is only created (Part 4) is nobody's work until it is started or dismissed. The words stand in the text, as
# an index with a condition is used only where a query has the same text.
_STARTED = or_(jobs.c.phase != literal_column("'created'"), jobs.c.goal == literal_column("'dismiss'"))
WORK = and_(OPEN, _STARTED)
# Work is in one of two indexes: what waits for its turn, in queues; and all else, which is all that can have a lease.
WAITING = jobs.c.place == literal_column("'waits'")
HOLDING = jobs.c.place == literal_column("'held'")
MOVING = and_(WORK, jobs.c.place != literal_column("'waits'"))
DUE = or_(jobs.c.not_before.is_(null()), jobs.c.not_before <= bindparam("now"))
_QUEUE = (jobs.c.owner, jobs.c.engine, jobs.c.created, jobs.c.id)
Index("jobs_waiting", *_QUEUE, sqlite_where=WAITING, postgresql_where=WAITING)
Index("jobs_holding", jobs.c.owner, jobs.c.cores, jobs.c.memory, sqlite_where=HOLDING, postgresql_where=HOLDING)
Index("jobs_moving", jobs.c.created, jobs.c.id, sqlite_where=MOVING, postgresql_where=MOVING)
Index("jobs_ended", jobs.c.finished, jobs.c.id, sqlite_where=ENDED, postgresql_where=ENDED)
Index("jobs_running", jobs.c.created.desc(), jobs.c.id, sqlite_where=RUNNING, postgresql_where=RUNNING)
Index("jobs_by_duration", DURATION, sqlite_where=TIMED, postgresql_where=TIMED)

# Several owners may have a process of the same id, each with revisions of its own.
processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("deployed", Boolean, nullable=False),
    # the newest revision: the present one where deployed, else the last there was
    Column("revision", Integer, nullable=False),
    Column("public", Boolean, nullable=False),
    # a JSON list of names, which `process_groups` has too
    Column("groups", Text, nullable=False),
)

process_groups = Table(
    "process_groups",
    metadata,
    Column("process_id", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)

process_revisions = Table(
    "process_revisions",
    metadata,
    Column("process_id", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("summary", Text, nullable=False),
    Column("package", Text),
    Column("document", Text),
    Column("source", LargeBinary),
)

# only of jobs that are shared
job_sharing = Table(
    "job_sharing",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("public", Boolean, nullable=False),
    Column("groups", Text, nullable=False),
)

# users as they were when they last asked for something
accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    # JSON lists
    Column("groups", Text, nullable=False, server_default="[]"),
    Column("roles", Text, nullable=False, server_default="[]"),
    # bytes of the results of all jobs
    Column("kept", BigInteger, nullable=False, server_default="0"),
    # microseconds since 1970 when a job of his was last started
    Column("served", BigInteger, nullable=False, server_default="0"),
)

# how fast something is done, by a key: microseconds since 1970 until which the rate is used up
rates = Table(
    "rates",
    metadata,
    Column("key", Text, primary_key=True),
    Column("used_until", BigInteger, nullable=False),
)

# one row, id 1: grows with each change to any process
process_changes = Table(
    "process_changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

# Alembic's own table, as Alembic makes it
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", Text, primary_key=True),
)
