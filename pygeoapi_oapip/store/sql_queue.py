"""Queues of waiting jobs and quotas in a database. All of it is read and changed in the transaction of the caller.

Checks and the changes that they allow must not run at the same time: SQLite has one writer, and in PostgreSQL they take
advisory locks, one for each owner whose jobs are counted and one for the order of starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    literal_column,
    select,
    text,
    tuple_,
    update,
)

from ..model.job import ENDED_STATUSES, JobStatus
from ..model.quota import Allowance, Held, Place, Queue, QueuePlace, StartOrder
from . import sql_groups
from .fair import Waiting, choose, refuse_too_much
from .tables import DUE, HOLDING, WAITING, accounts, jobs

_QUEUED_LOCK = 0x6F6171
_START_LOCK = 0x6F617073
"""Keys of advisory locks; the first one with the hash of an owner."""

_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
_OF_QUEUE = (WAITING, jobs.c.owner == bindparam("owner_is"), jobs.c.engine == bindparam("engine_is"))
_JOB = (jobs.c.created, jobs.c.id, jobs.c.cores, jobs.c.memory)
_FIRST = select(*_JOB).where(*_OF_QUEUE, DUE).order_by(jobs.c.created, jobs.c.id).limit(bindparam("most"))
_FIRST_OF_ALL = "FROM jobs WHERE place = 'waits' ORDER BY owner, engine, created, id LIMIT 1"
# SQLite enters an index by the first of several columns that are compared at once
_HEADS = f"""
WITH RECURSIVE head (id) AS (
  SELECT (SELECT id {_FIRST_OF_ALL})
  UNION ALL
  SELECT coalesce(
    (SELECT id FROM jobs WHERE place = 'waits' AND owner = seen.owner AND engine > seen.engine
     ORDER BY engine, created, id LIMIT 1),
    (SELECT id FROM jobs WHERE place = 'waits' AND owner > seen.owner ORDER BY owner, engine, created, id LIMIT 1))
  FROM head CROSS JOIN jobs seen WHERE seen.id = head.id
)
SELECT j.owner, j.engine, j.created, j.id, j.cores, j.memory, coalesce(a.served, 0)
FROM head JOIN jobs j ON j.id = head.id LEFT JOIN accounts a ON a.name = j.owner
"""
# PostgreSQL believes that few jobs wait, and would read all of them for a join; it has nothing to choose here
_HEADS_POSTGRES = f"""
WITH RECURSIVE head (owner, engine, created, id, cores, memory) AS (
  (SELECT owner, engine, created, id, cores, memory {_FIRST_OF_ALL})
  UNION ALL
  SELECT n.* FROM head CROSS JOIN LATERAL (
    SELECT owner, engine, created, id, cores, memory FROM jobs
    WHERE place = 'waits' AND (owner, engine) > (head.owner, head.engine)
    ORDER BY owner, engine, created, id LIMIT 1) n
)
SELECT j.owner, j.engine, j.created, j.id, j.cores, j.memory, coalesce(a.served, 0)
FROM head j LEFT JOIN accounts a ON a.name = j.owner
"""
"""The first job of each queue: as many steps through the index as there are queues, whatever their lengths."""
_HELD = (
    select(jobs.c.owner, func.count(), func.sum(jobs.c.cores), func.sum(jobs.c.memory))
    .where(HOLDING)
    .group_by(jobs.c.owner)
)
_HELD_BY = _HELD.where(jobs.c.owner == bindparam("owner_is"))
_IDS = jobs.c.id.in_(bindparam("ids", expanding=True))
_OWNERS = select(jobs.c.id, jobs.c.owner).where(_IDS)
_START = update(jobs).where(_IDS).values(place=Place.HELD.value)
_SERVED = text(
    "INSERT INTO accounts (name, served) VALUES (:name, :served) "
    "ON CONFLICT (name) DO UPDATE SET served = excluded.served"
)
_LOCK_OWNER = text("SELECT pg_advisory_xact_lock(:key, hashtext(:owner))")
_TAKE = update(jobs).where(jobs.c.id == bindparam("job_id")).values(place=Place.HELD.value)
_PLACE = select(jobs.c.place, jobs.c.owner, jobs.c.created).where(jobs.c.id == bindparam("job_id"))
_BEFORE = tuple_(jobs.c.created, jobs.c.id) < tuple_(bindparam("created_is"), bindparam("job_id"))
_STANDING = select(func.count(), func.coalesce(func.sum(case((_BEFORE, _ONE), else_=_ZERO)), _ZERO)).where(
    WAITING, jobs.c.owner == bindparam("owner_is")
)
_BY_STATUS = select(jobs.c.id).where(jobs.c.owner == bindparam("owner_is"), jobs.c.status == bindparam("status_is"))
_COUNT = select(func.count()).select_from(_BY_STATUS.limit(bindparam("most")).subquery())
_KEPT = select(accounts.c.kept).where(accounts.c.name == bindparam("owner_is"))
_KEEPING = select(accounts.c.name).where(accounts.c.kept > bindparam("least")).order_by(accounts.c.name)
_ENDED = case((jobs.c.status.in_([status.value for status in ENDED_STATUSES]), _ONE), else_=_ZERO)
_WITH_ENDED = select(jobs.c.owner).group_by(jobs.c.owner).having(func.sum(_ENDED) > bindparam("least"))
"""From the index by owner and status alone: with a condition SQLite would take another one, and read each job."""
_KEEP = text(
    "INSERT INTO accounts (name, kept) VALUES (:name, :more) "
    "ON CONFLICT (name) DO UPDATE SET kept = accounts.kept + excluded.kept"
)


def lock_starts(connection: Connection) -> None:
    """Keep all others from starting jobs until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _START_LOCK})


def picked(connection: Connection, room: int, now: int, order: StartOrder, *, lock: bool) -> list[str]:
    """The ids of the waiting jobs that start now, in their order.

    Args:
        connection: that has `lock_starts`, unless it only wants to know whether there are any.
        room: how many may start.
        now: microseconds since 1970.
        order: see StartOrder.
        lock: True: their rows are locked, and rows that others have locked are passed over.
    """
    query = _HEADS_POSTGRES if connection.dialect.name == "postgresql" else _HEADS
    heads = {(owner, engine): Waiting(*job) for owner, engine, *job in connection.exec_driver_sql(query)}
    if not heads:
        return []
    first = _FIRST.with_for_update(skip_locked=True) if lock else _FIRST

    def fetch(queue: Queue, most: int) -> Sequence[Waiting]:
        values = {"owner_is": queue[0], "engine_is": queue[1], "now": now, "most": most}
        return [Waiting(*row) for row in connection.execute(first, values)]

    return choose(room, heads, _held(connection.execute(_HELD)), order, fetch)


def start(connection: Connection, job_ids: Sequence[str], now: int) -> None:
    """Count jobs among those that run, and remember the turn of their owners.

    Args:
        connection: that has `lock_starts`.
        job_ids: in the order in which they start.
        now: microseconds since 1970.
    """
    owners = {job_id: owner for job_id, owner in connection.execute(_OWNERS, {"ids": job_ids})}
    connection.execute(_START, {"ids": job_ids})
    turns = {owners[job_id]: now + number for number, job_id in enumerate(job_ids)}
    connection.execute(_SERVED, [{"name": owner, "served": turn} for owner, turn in turns.items()])


def has_room(connection: Connection, owner: str, wanted: Held, allowance: Allowance) -> bool:
    """True if a job of an owner may start now; nobody else starts one before the transaction has ended."""
    if not allowance.bounds_running:
        return True
    lock_starts(connection)
    found = _held(connection.execute(_HELD_BY, {"owner_is": owner}))
    return allowance.covers(found.get(owner, Held()), wanted) and sql_groups.have_room(connection, wanted, allowance)


def take_place(connection: Connection, job_id: str) -> None:
    """Count a job among those that run."""
    connection.execute(_TAKE, {"job_id": job_id})


def require_room(connection: Connection, owner: str, allowance: Allowance, *, lock: bool) -> None:
    """One more job may be made; with `lock`, nobody else makes one of this owner, or of his groups, before the
    transaction has ended.

    Raises:
        TooManyRequests: the owner has as many jobs as he may have.
        StorageFull: the results of his jobs, or of a group, take all the room that they may.
    """
    if not allowance.bounds_adding:
        return
    if lock and connection.dialect.name == "postgresql":
        connection.execute(_LOCK_OWNER, {"key": _QUEUED_LOCK, "owner": owner})
    most = max(allowance.jobs, allowance.queued)
    waiting = _count(connection, owner, JobStatus.ACCEPTED, most)
    running = _count(connection, owner, JobStatus.RUNNING, most) if allowance.jobs else 0
    kept = connection.execute(_KEPT, {"owner_is": owner}).scalar() if allowance.storage else 0
    refuse_too_much(allowance, waiting, running, kept or 0)
    sql_groups.require_room(connection, allowance, lock=lock)


def standing(connection: Connection, job_id: str) -> QueuePlace | None:
    """Where a job stands among the waiting ones of its owner; None where it does not wait for its turn."""
    found = connection.execute(_PLACE, {"job_id": job_id}).first()
    if found is None or found.place != Place.WAITS:
        return None
    key = {"owner_is": found.owner, "created_is": found.created, "job_id": job_id}
    waiting, before = connection.execute(_STANDING, key).one()
    held = _held(connection.execute(_HELD_BY, key))
    return QueuePlace(int(before) + 1, waiting, held.get(found.owner, Held()).jobs)


def keep(connection: Connection, owner: str, more: int) -> None:
    """Count bytes of results that an owner keeps, or does not keep any more (negative)."""
    if not more:
        return
    connection.execute(_KEEP, {"name": owner, "more": more})


def keeping(connection: Connection, least: int) -> Sequence[str]:
    """The owners, by name, whose results take more than so many bytes."""
    return connection.execute(_KEEPING, {"least": least}).scalars().all()


def with_ended(connection: Connection, least: int) -> Sequence[str]:
    """The owners who have more than so many jobs that have ended or are being dismissed."""
    return connection.execute(_WITH_ENDED, {"least": least}).scalars().all()


def _count(connection: Connection, owner: str, status: JobStatus, most: int) -> int:
    values = {"owner_is": owner, "status_is": status.value, "most": most}
    return int(connection.execute(_COUNT, values).scalar_one()) if most else 0


def _held(rows: Iterable[Sequence[Any]]) -> Mapping[str, Held]:
    return {owner: Held(number, cores or 0.0, memory or 0.0) for owner, number, cores, memory in rows}
