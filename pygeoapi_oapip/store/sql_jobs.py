"""Jobs in a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from ..errors import Conflict, NoSuchJob, VersionConflict
from ..model.identity import PRIVATE, Scope, Sharing
from ..model.job import ENDED, OGC_STATUS, Goal, Job, JobStatus, Phase, result_bytes, utc_now
from ..model.quota import ANY_ORDER, UNBOUNDED, Allowance, Place, QueuePlace, StartOrder, first_place, wanted_by
from ..model.run import JobID
from . import sql_queue
from .base import JobPage, JobQuery
from .database import Database
from .process_rows import sharing_of
from .rows import job_changes, job_from_row, job_row, optional_moment, storable, to_micros, to_text
from .sql_job_list import page_of
from .sql_notifications import subscribe
from .sql_shared_jobs import shared_page
from .statements import driver_text
from .tables import DUE, MOVING, job_sharing, jobs

_ENDED = jobs.c.ended.is_(true())
_THIS = jobs.c.id == bindparam("job_id")

_KEPT = select(jobs.c.kept).where(_THIS)
_PLACE = select(jobs.c.place).where(_THIS)
_OWNER = tuple(jobs.c.keys()).index("owner")
_ADD = insert(jobs)
_GET = select(jobs).where(_THIS)
# a job that is not shared is passed over by its owner alone: what it holds is not read, so it takes the time of none
_GET_KNOWN = _GET.where(
    or_(jobs.c.owner == bindparam("owner_is"), exists().where(job_sharing.c.job_id == bindparam("job_id")))
)
_GET_SHARING = select(job_sharing.c.public, job_sharing.c.groups).where(job_sharing.c.job_id == bindparam("job_id"))
_SAVE = (
    update(jobs)
    .where(_THIS, jobs.c.version == bindparam("seen"))
    .returning(jobs.c.version, jobs.c.goal, jobs.c.lease_owner, jobs.c.lease_until)
)
# the status is computed with the goal that the row has, not with the one that the saver believes in
_SAVE_OPEN = _SAVE.values(
    status=case((jobs.c.goal == Goal.DISMISS.value, JobStatus.DISMISSED.value), else_=bindparam("reached"))
)
_DEFINE = update(jobs).where(_THIS, jobs.c.version == bindparam("seen"), jobs.c.phase == Phase.CREATED.value)
_SAVE_ENDED = _SAVE.values(
    status=bindparam("reached"), lease_owner=None, lease_until=None, place=Place.NONE.value
).returning(jobs.c.owner)
_DURABLE = frozenset({Phase.SUBMITTING, Phase.SUBMITTED}) | ENDED
"""Phases whose loss by a power failure would repeat a run or lose a result; the others would be found again."""

_FREE = or_(jobs.c.lease_owner.is_(null()), jobs.c.lease_until < bindparam("now"))
_OLDEST = (jobs.c.created, jobs.c.id)
_CLAIMABLE = select(jobs.c.id).where(MOVING, _FREE, DUE).order_by(*_OLDEST).limit(bindparam("most"))
_PICK = _CLAIMABLE.with_for_update(skip_locked=True)
_LEASE = update(jobs).where(jobs.c.id.in_(bindparam("ids", expanding=True))).returning(jobs)
_HELD = and_(MOVING, jobs.c.lease_owner == bindparam("holder"))
_HELD_IDS = select(jobs.c.id).where(_HELD).order_by(jobs.c.created, jobs.c.id)
_EXTEND = update(jobs).where(_HELD).returning(jobs.c.id)
_RELEASE = (
    update(jobs)
    .where(jobs.c.lease_owner == bindparam("holder"), jobs.c.id.in_(bindparam("ids", expanding=True)))
    .values(lease_owner=None, lease_until=None)
)
_OWNERS = select(jobs.c.lease_owner).where(MOVING, jobs.c.lease_owner.is_not(null())).distinct()
_DISMISS_WANTED = select(jobs.c.id).where(
    jobs.c.id.in_(bindparam("ids", expanding=True)), jobs.c.goal == Goal.DISMISS.value
)
_OLD = (
    select(jobs)
    .where(_ENDED, jobs.c.finished < bindparam("moment"))
    .order_by(jobs.c.finished, jobs.c.id)
    .limit(bindparam("most"))
)
_COUNTS = select(jobs.c.status, func.count()).group_by(jobs.c.status)

_JOB_OWNERS = select(jobs.c.owner).distinct().order_by(jobs.c.owner)


class SqlJobStore:
    """`JobStore` over SQLite or PostgreSQL.

    Args:
        database: set up by `migrations.upgrade`.
        clock: the present time, with time zone.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._text_of_get = driver_text(_GET, database.dialect)
        self._text_of_get_known = driver_text(_GET_KNOWN, database.dialect)
        self._text_of_sharing = driver_text(_GET_SHARING, database.dialect)

    def add(self, job: Job, *, durable: bool = True, allowance: Allowance = UNBOUNDED) -> Job:
        """Make a job durable. Raises Conflict where its id exists, TooManyRequests, StorageFull."""
        stored = replace(job, version=1)
        try:
            with self._database.write(durable=durable) as connection:
                stored = _admitted(connection, stored, allowance)
                connection.execute(_ADD, job_row(stored))
                subscribe(connection, stored)
        except IntegrityError:
            raise Conflict(f"A job {job.id} exists.") from None
        return stored

    def get(self, job_id: JobID, scope: Scope) -> Job:
        """The job. Raises NoSuchJob where it does not exist or is outside the scope."""
        if not storable(job_id) or not storable(scope.owner or ""):
            return _found(None, job_id)
        text = self._text_of_get if scope.owner is None else self._text_of_get_known
        row = self._database.row(text, {"job_id": job_id, "owner_is": scope.owner})
        if row is not None and scope.owner not in (None, row[_OWNER]):
            shared = self._database.row(self._text_of_sharing, {"job_id": job_id})
            if shared is None or not sharing_of(bool(shared[0]), shared[1]).reaches(scope.groups):
                row = None
        return _found(row, job_id)

    def share(self, job_id: JobID, sharing: Sharing) -> None:
        """Say who beside its owner may see a job. Raises NoSuchJob."""
        with self._database.write() as connection:
            _get(connection, job_id, Scope(None), lock=True)
            connection.execute(delete(job_sharing).where(job_sharing.c.job_id == job_id))
            if sharing != PRIVATE:
                row = {"job_id": job_id, "public": sharing.public, "groups": to_text(sorted(sharing.groups))}
                connection.execute(insert(job_sharing), row)

    def sharing(self, job_id: JobID) -> Sharing:
        """With whom a job is shared."""
        row = self._database.row(self._text_of_sharing, {"job_id": job_id}) if storable(job_id) else None
        return PRIVATE if row is None else sharing_of(bool(row[0]), row[1])

    def list(self, query: JobQuery, scope: Scope) -> JobPage:
        """One page, newest first; `request` and `outputs` of its jobs are empty (see `rows.listed_job`)."""
        find = shared_page if query.shared else page_of
        with self._database.read() as connection:
            return find(connection, query, scope, to_micros(self._clock()))

    def save(self, job: Job, *, durable: bool = True) -> Job:
        """Write what changes in a job, if the row has its version. Raises VersionConflict, NoSuchJob."""
        seen = {"job_id": job.id, "seen": job.version, "reached": OGC_STATUS[job.phase].value}
        changes = job_changes(job) | seen | {"version": job.version + 1}
        with self._database.write(durable=durable and job.phase in _DURABLE) as connection:
            before = _kept(connection, job.id) if result_bytes(job) else 0
            row = connection.execute(_SAVE_ENDED if job.ended else _SAVE_OPEN, changes).first()
            if row is None:
                present = _get(connection, job.id, Scope(None))
                raise VersionConflict(
                    f"job {job.id}: version {job.version} was to be saved, {present.version} is there"
                )
            if result_bytes(job):
                sql_queue.keep(connection, row.owner, result_bytes(job) - before)
        return replace(
            job,
            version=row.version,
            goal=Goal(row.goal),
            lease_owner=row.lease_owner,
            lease_until=optional_moment(row.lease_until),
        )

    def define(self, job: Job, *, allowance: Allowance = UNBOUNDED) -> Job:
        """Write a job that is `created`, or start it. Raises VersionConflict, NoSuchJob, and as `add`."""
        stored = replace(job, version=job.version + 1)
        same = ("id", "owner", "created")
        with self._database.write() as connection:
            stored = _admitted(connection, stored, allowance)
            changes = {key: value for key, value in job_row(stored).items() if key not in same}
            done = connection.execute(_DEFINE, changes | {"job_id": job.id, "seen": job.version})
            if done.rowcount == 0:
                present = _get(connection, job.id, Scope(None))
                raise VersionConflict(f"job {job.id} is {present.phase} in version {present.version}")
            subscribe(connection, stored)
        return stored

    def set_goal(self, job_id: JobID, goal: Goal, scope: Scope) -> Job:
        """Write the goal of a job that has not ended; an ended one is returned as it is. Raises NoSuchJob."""
        with self._database.write() as connection:
            job = _get(connection, job_id, scope, lock=True)
            if job.ended:
                return job
            wanted = replace(
                job, goal=goal, version=job.version + 1, not_before=None, updated=max(job.updated, self._clock())
            )
            row = job_row(wanted)
            changed = {key: row[key] for key in ("goal", "status", "version", "not_before", "updated")}
            if goal is Goal.DISMISS:
                # what waits for its turn need not wait any longer; what has started counts until it has ended
                changed["place"] = case((jobs.c.place == Place.WAITS.value, Place.NONE.value), else_=jobs.c.place)
            connection.execute(update(jobs).where(_THIS).values(changed), {"job_id": job_id})
        return wanted

    def claim(
        self, owner: str, until: datetime, limit: int, now: datetime, order: StartOrder = ANY_ORDER
    ) -> Sequence[Job]:
        """Take the lease of free jobs: those under way, oldest first, then those whose turn it is. Where there is none,
        nothing is locked or written."""
        if limit < 1:
            return ()
        moment = to_micros(now)
        with self._database.read() as connection:
            moves = connection.execute(_CLAIMABLE, {"now": moment, "most": 1}).first() is not None
            if not moves and not sql_queue.picked(connection, limit, moment, order, lock=False):
                return ()
        with self._database.write(durable=False) as connection:
            sql_queue.lock_starts(connection)
            ids = list(connection.execute(_PICK, {"now": moment, "most": limit}).scalars())
            starting = sql_queue.picked(connection, limit - len(ids), moment, order, lock=True)
            if starting:
                sql_queue.start(connection, starting, moment)
            if not (ids := ids + starting):
                return ()
            lease = {"ids": ids, "lease_owner": owner, "lease_until": to_micros(until)}
            taken = {job.id: job for job in map(job_from_row, connection.execute(_LEASE, lease))}
        return [taken[job_id] for job_id in ids]

    def take_place(self, job_id: JobID, allowance: Allowance) -> bool:
        """Count a job that needed no place so far among those that run, if there is room."""
        with self._database.write(durable=False) as connection:
            job = _get(connection, job_id, Scope(None), lock=True)
            if _place(connection, job_id) is not Place.NONE:
                return True
            if not sql_queue.has_room(connection, job.owner, wanted_by(job), allowance):
                return False
            sql_queue.take_place(connection, job_id)
        return True

    def standing(self, job_id: JobID) -> QueuePlace | None:
        """Where a job stands among the waiting ones of its owner."""
        with self._database.read() as connection:
            return sql_queue.standing(connection, job_id)

    def extend(self, owner: str, until: datetime) -> Sequence[JobID]:
        """Prolong all leases of `owner`; returns the ids of the jobs that it holds."""
        with self._database.read() as connection:
            if connection.execute(_HELD_IDS.limit(1), {"holder": owner}).first() is None:
                return ()
        with self._database.write(durable=False) as connection:
            return connection.execute(_EXTEND, {"holder": owner, "lease_until": to_micros(until)}).scalars().all()

    def release(self, owner: str, job_ids: Sequence[JobID]) -> None:
        """Give the leases of these jobs back, where `owner` holds them."""
        if not job_ids:
            return
        # durable, and with it all that was written before: who gives a job back may answer its client next
        with self._database.write() as connection:
            connection.execute(_RELEASE, {"holder": owner, "ids": [i for i in job_ids if storable(i)]})

    def lease_owners(self) -> Sequence[str]:
        """The owners of leases on jobs that have not ended."""
        with self._database.read() as connection:
            return connection.execute(_OWNERS).scalars().all()

    def goals(self, job_ids: Sequence[JobID]) -> Sequence[JobID]:
        """Those of the jobs whose goal is DISMISS."""
        if not job_ids:
            return ()
        with self._database.read() as connection:
            return connection.execute(_DISMISS_WANTED, {"ids": [i for i in job_ids if storable(i)]}).scalars().all()

    def delete(self, job_id: JobID, scope: Scope) -> None:
        """Remove an ended job. Raises NoSuchJob, Conflict where it has not ended."""
        with self._database.write() as connection:
            job = _get(connection, job_id, scope, lock=True)
            if not job.ended:
                raise Conflict(f"The job {job_id} has not ended.")
            if result_bytes(job):
                sql_queue.keep(connection, job.owner, -_kept(connection, job_id))
            connection.execute(delete(jobs).where(_THIS), {"job_id": job_id})

    def ended_before(self, moment: datetime, limit: int) -> Sequence[Job]:
        """Ended jobs with `finished` before the moment, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(_OLD, {"moment": to_micros(moment), "most": limit})
            return [job_from_row(row) for row in rows]

    def require_room(self, owner: str, allowance: Allowance) -> None:
        """A look ahead at what `add` would say. Raises TooManyRequests, StorageFull."""
        if allowance.bounds_adding and storable(owner):
            with self._database.read() as connection:
                sql_queue.require_room(connection, owner, allowance, lock=False)

    def owners(self, keeping: int = 0, ended: int = 0) -> Sequence[str]:
        """As `JobStore.owners`."""
        with self._database.read() as connection:
            if not keeping and not ended:
                return connection.execute(_JOB_OWNERS).scalars().all()
            beyond = set(sql_queue.keeping(connection, keeping)) if keeping else set()
            return sorted(beyond.union(sql_queue.with_ended(connection, ended) if ended else ()))

    def counts(self) -> dict[JobStatus, int]:
        """Number of jobs by public status, 0 where there is none."""
        found = dict.fromkeys(JobStatus, 0)
        with self._database.read() as connection:
            found |= {JobStatus(status): number for status, number in connection.execute(_COUNTS).all()}
        return found


def _admitted(connection: Connection, job: Job, allowance: Allowance) -> Job:
    """The job as it may be stored: without its lease, where it has to wait for its turn."""
    if first_place(job) is Place.NONE and job.phase is not Phase.ACCEPTED:
        return job
    sql_queue.require_room(connection, job.owner, allowance, lock=True)
    waits = first_place(job) is Place.HELD and not sql_queue.has_room(connection, job.owner, wanted_by(job), allowance)
    return replace(job, lease_owner=None, lease_until=None) if waits else job


def _kept(connection: Connection, job_id: JobID) -> int:
    return int(connection.execute(_KEPT, {"job_id": job_id}).scalar() or 0)


def _place(connection: Connection, job_id: JobID) -> Place:
    return Place(connection.execute(_PLACE, {"job_id": job_id}).scalar_one())


def _get(connection: Connection, job_id: JobID, scope: Scope, *, lock: bool = False) -> Job:
    query = _GET.with_for_update() if lock else _GET
    return _visible(connection.execute(query, {"job_id": job_id}).first() if storable(job_id) else None, job_id, scope)


def _visible(row: Sequence[Any] | None, job_id: JobID, scope: Scope) -> Job:
    return _found(None if row is None or scope.owner not in (None, row[_OWNER]) else row, job_id)


def _found(row: Sequence[Any] | None, job_id: JobID) -> Job:
    if row is None:
        raise NoSuchJob(f"There is no job {job_id!r}.")
    return job_from_row(row)
