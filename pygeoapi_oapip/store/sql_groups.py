"""What the members of a group have together, in a database; in the transaction of the caller (see `sql_queue`)."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select, text

from ..model.job import JobStatus
from ..model.quota import Allowance, Held
from .fair import refuse_too_much
from .identity_tables import members
from .tables import HOLDING, accounts, jobs

_LOCK_KEY = 0x6F6167
"""Key of the advisory lock, with the hash of a group."""
_LOCK = text("SELECT pg_advisory_xact_lock(:key, hashtext(:group_is))")
_OF_GROUP = select(members.c.name).where(members.c.group == bindparam("group_is"))
_BY_STATUS = select(jobs.c.id).where(jobs.c.owner.in_(_OF_GROUP), jobs.c.status == bindparam("status_is"))
_COUNT = select(func.count()).select_from(_BY_STATUS.limit(bindparam("most")).subquery())
_KEPT = select(func.coalesce(func.sum(accounts.c.kept), 0)).where(accounts.c.name.in_(_OF_GROUP))
_HELD = select(func.count(), func.sum(jobs.c.cores), func.sum(jobs.c.memory)).where(
    HOLDING, jobs.c.owner.in_(_OF_GROUP)
)


def require_room(connection: Connection, allowance: Allowance, *, lock: bool) -> None:
    """One more job may be made by a member of the groups; with `lock`, no other member makes one before the transaction
    has ended. Raises TooManyRequests, StorageFull."""
    for group in allowance.together:  # by name, so that no two wait for each other
        most, key = group.most, {"group_is": group.name}
        if not most.bounds_adding:
            continue
        if lock and connection.dialect.name == "postgresql":
            connection.execute(_LOCK, {"key": _LOCK_KEY, **key})
        accepted = {**key, "status_is": JobStatus.ACCEPTED.value, "most": most.queued}
        waiting = int(connection.execute(_COUNT, accepted).scalar_one()) if most.queued else 0
        kept = int(connection.execute(_KEPT, key).scalar_one()) if most.storage else 0
        refuse_too_much(most, waiting, 0, kept, group.name)


def have_room(connection: Connection, wanted: Held, allowance: Allowance) -> bool:
    """True if the groups may have one more job that runs; the caller has `sql_queue.lock_starts`."""
    for group in allowance.together:
        if group.most.bounds_running:
            number, cores, memory = connection.execute(_HELD, {"group_is": group.name}).one()
            if not group.most.covers(Held(number, cores or 0.0, memory or 0.0), wanted):
                return False
    return True
