"""Subscriptions in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, and_, bindparam, insert, null, or_, select, update

from ..model.job import Goal, Job
from ..model.run import JobID
from .database import Database
from .notification_tables import OPEN, subscriptions
from .notifications import TELLS_PROGRESS, Outcome, Subscription, subscription_of
from .rows import from_micros, optional_micros, optional_moment, storable, to_micros
from .tables import jobs

_ROW = subscriptions.c
_NOW: BindParameter[int] = bindparam("now")
_THIS = _ROW.job_id == bindparam("this")
_ADD = insert(subscriptions)
_GET = select(subscriptions).where(_THIS)
_FREE = or_(_ROW.lease_until.is_(null()), _ROW.lease_until < _NOW)
_PROGRESS = and_(
    _ROW.wants_progress,
    jobs.c.phase.in_([phase.value for phase in TELLS_PROGRESS]),
    jobs.c.goal == Goal.RUN.value,
    or_(_ROW.told.is_(null()), _ROW.told != jobs.c.progress),
    or_(_ROW.progress_due.is_(null()), _ROW.progress_due <= _NOW),
)
_NEWS = (
    select(_ROW.job_id)
    .join(jobs, jobs.c.id == _ROW.job_id)
    .where(OPEN, _ROW.due <= _NOW, _FREE, or_(jobs.c.ended, _PROGRESS))
    .order_by(_ROW.due, _ROW.job_id)
    .limit(bindparam("most"))
)
_PICK = _NEWS.with_for_update(of=subscriptions, skip_locked=True)
_LEASE = update(subscriptions).where(_ROW.job_id.in_(bindparam("ids", expanding=True))).returning(subscriptions)
_GIVE_BACK = (
    update(subscriptions)
    .where(_THIS, _ROW.lease_owner == bindparam("holder"))
    .values(lease_owner=None, lease_until=None)
    .returning(_ROW.job_id)
)
_OWNERS = select(_ROW.lease_owner).where(OPEN, _ROW.lease_owner.is_not(null())).distinct()
_RELEASE = (
    update(subscriptions)
    .where(OPEN, _ROW.lease_owner == bindparam("holder"))
    .values(lease_owner=None, lease_until=None)
)


def subscribe(connection: Connection, job: Job) -> None:
    """Make the subscription of a job, in the transaction that makes or starts the job; nothing where it has none."""
    subscription = subscription_of(job)
    if subscription is not None:
        connection.execute(_ADD, {"job_id": job.id, **_columns(subscription)})


class SqlNotificationStore:
    """`NotificationStore` over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, owner: str, until: datetime, limit: int, now: datetime) -> Sequence[Subscription]:
        """As `NotificationStore.take`. Where there is no news, nothing is locked or written."""
        if limit < 1:
            return ()
        values = {"now": to_micros(now), "most": limit}
        with self._database.read() as connection:
            if connection.execute(_NEWS, values | {"most": 1}).first() is None:
                return ()
        with self._database.write(durable=False) as connection:
            ids = connection.execute(_PICK, values).scalars().all()
            if not ids:
                return ()
            lease = {"ids": ids, "lease_owner": owner, "lease_until": to_micros(until)}
            taken = [_subscription(row) for row in connection.execute(_LEASE, lease)]
        return sorted(taken, key=lambda row: (row.due, row.job_id))

    def give_back(self, owner: str, subscription: Subscription) -> bool:
        """As `NotificationStore.give_back`."""
        held = {"this": subscription.job_id, "holder": owner}
        with self._database.write() as connection:
            return connection.execute(_GIVE_BACK, _columns(subscription) | held).first() is not None

    def get(self, job_id: JobID) -> Subscription | None:
        """As `NotificationStore.get`."""
        if not storable(job_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_GET, {"this": job_id}).first()
        return None if row is None else _subscription(row)

    def owners(self) -> Sequence[str]:
        """As `NotificationStore.owners`."""
        with self._database.read() as connection:
            return connection.execute(_OWNERS).scalars().all()

    def free(self, owner: str) -> None:
        """As `NotificationStore.free`."""
        with self._database.write(durable=False) as connection:
            connection.execute(_RELEASE, {"holder": owner})


def _columns(subscription: Subscription) -> dict[str, Any]:
    return {
        "outcome": subscription.outcome.value,
        "due": to_micros(subscription.due),
        "wants_progress": subscription.wants_progress,
        "told": subscription.told,
        "progress_due": optional_micros(subscription.progress_due),
        "progress_attempts": subscription.progress_attempts,
        "attempts": subscription.attempts,
        "first_try": optional_micros(subscription.first_try),
        "note": subscription.note,
    }


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        job_id=row.job_id,
        due=from_micros(row.due),
        wants_progress=row.wants_progress,
        told=row.told,
        progress_due=optional_moment(row.progress_due),
        progress_attempts=row.progress_attempts,
        attempts=row.attempts,
        first_try=optional_moment(row.first_try),
        note=row.note,
        outcome=Outcome(row.outcome),
    )
