"""Stores in memory, for tests and throw-away servers: the same contract, nothing durable, one process."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from ..errors import Conflict, NoSuchJob, VersionConflict
from ..model.identity import PRIVATE, Scope, Sharing
from ..model.job import ENDED_STATUSES, Goal, Job, JobStatus, Phase, result_bytes, utc_now
from ..model.quota import (
    ANY_ORDER,
    UNBOUNDED,
    Allowance,
    Held,
    Place,
    Queue,
    QueuePlace,
    StartOrder,
    first_place,
    wanted_by,
)
from ..model.run import JobID
from .accounts import MemoryAccountStore
from .base import JobPage, JobQuery, Position
from .fair import Waiting, choose, refuse_too_much
from .memory_processes import MemoryProcessStore as MemoryProcessStore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryJobStore:
    """`JobStore` in memory; thread-safe.

    Args:
        clock: the present time, with time zone.
        accounts: tell who is in which group; none: nobody is in any.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, accounts: MemoryAccountStore | None = None) -> None:
        self._clock = clock
        self._accounts = accounts or MemoryAccountStore()
        self._jobs: dict[JobID, Job] = {}
        self._sharing: dict[JobID, Sharing] = {}
        self._places: dict[JobID, Place] = {}
        self._served: dict[str, int] = {}
        """By owner: the number of his last turn."""
        self._order: list[tuple[int, JobID]] = []
        """The keys of all jobs as the list has them."""
        self._lock = threading.RLock()

    def add(self, job: Job, *, durable: bool = True, allowance: Allowance = UNBOUNDED) -> Job:
        """As `JobStore.add`."""
        with self._lock:
            if job.id in self._jobs:
                raise Conflict(f"A job {job.id} exists.")
            return self._put_new(replace(job, version=1), allowance)

    def get(self, job_id: JobID, scope: Scope) -> Job:
        """As `JobStore.get`."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NoSuchJob(f"There is no job {job_id!r}.")
        if scope.owner not in (None, job.owner) and not self.sharing(job_id).reaches(scope.groups):
            raise NoSuchJob(f"There is no job {job_id!r}.")
        return job

    def share(self, job_id: JobID, sharing: Sharing) -> None:
        """As `JobStore.share`."""
        with self._lock:
            self.get(job_id, Scope(None))
            self._sharing[job_id] = sharing

    def sharing(self, job_id: JobID) -> Sharing:
        """As `JobStore.sharing`."""
        return self._sharing.get(job_id, PRIVATE)

    def list(self, query: JobQuery, scope: Scope) -> JobPage:
        """As `JobStore.list`; it looks at the jobs of the list one after the other, but at none before the page."""
        now = self._clock()
        with self._lock:
            walk = (self._jobs[job_id] for job_id in self._walk(query.start))
            within = scope
            if query.shared:
                walk = (job for job in walk if job.owner != scope.owner and self.sharing(job.id).reaches(scope.groups))
                within = Scope(None)
            found = (job for job in walk if _matches(job, query, within, now))
            page = list(islice(found, query.offset, query.offset + query.limit + 1))
        return JobPage.cut([replace(job, request={}, outputs=None, version=0) for job in page], query)

    def _walk(self, start: Position | None) -> Iterator[JobID]:
        if start is None:
            places = range(len(self._order))
        elif start.backwards:
            places = range(bisect_left(self._order, _key(start.created, start.id)) - 1, -1, -1)
        else:
            places = range(bisect_right(self._order, _key(start.created, start.id)), len(self._order))
        return (self._order[place][1] for place in places)

    def save(self, job: Job, *, durable: bool = True) -> Job:
        """As `JobStore.save`."""
        with self._lock:
            present = self.get(job.id, Scope(None))
            if present.version != job.version:
                raise VersionConflict(
                    f"job {job.id}: version {job.version} was to be saved, {present.version} is there"
                )
            lease = (None, None) if job.ended else (present.lease_owner, present.lease_until)
            if job.ended:
                self._places[job.id] = Place.NONE
            return self._put(
                replace(
                    job,
                    process_id=present.process_id,
                    process_revision=present.process_revision,
                    owner=present.owner,
                    request=present.request,
                    created=present.created,
                    goal=present.goal,
                    version=job.version + 1,
                    lease_owner=lease[0],
                    lease_until=lease[1],
                )
            )

    def define(self, job: Job, *, allowance: Allowance = UNBOUNDED) -> Job:
        """As `JobStore.define`."""
        with self._lock:
            present = self.get(job.id, Scope(None))
            if present.version != job.version or present.phase is not Phase.CREATED:
                raise VersionConflict(f"job {job.id} is {present.phase} in version {present.version}")
            changed = replace(job, owner=present.owner, created=present.created, version=job.version + 1)
            return self._put_new(changed, allowance)

    def set_goal(self, job_id: JobID, goal: Goal, scope: Scope) -> Job:
        """As `JobStore.set_goal`."""
        with self._lock:
            job = self._own(job_id, scope)
            if job.ended:
                return job
            updated = max(job.updated, self._clock())
            if goal is Goal.DISMISS and self._places[job_id] is Place.WAITS:
                self._places[job_id] = Place.NONE
            return self._put(replace(job, goal=goal, version=job.version + 1, not_before=None, updated=updated))

    def claim(
        self, owner: str, until: datetime, limit: int, now: datetime, order: StartOrder = ANY_ORDER
    ) -> Sequence[Job]:
        """As `JobStore.claim`."""
        with self._lock:
            free = sorted((job for job in self._started() if _is_free(job, now)), key=_age)
            moving = [job.id for job in free if self._places[job.id] is not Place.WAITS][: max(0, limit)]
            starting = self._picked(limit - len(moving), free, order)
            self._places |= dict.fromkeys(starting, Place.HELD)
            turn = max(self._served.values(), default=0) + 1
            self._served |= {self._jobs[job_id].owner: turn + number for number, job_id in enumerate(starting)}
            taken = [self._jobs[job_id] for job_id in (*moving, *starting)]
            return [self._put(replace(job, lease_owner=owner, lease_until=until)) for job in taken]

    def _picked(self, room: int, free: Sequence[Job], order: StartOrder) -> Sequence[JobID]:
        queues: dict[Queue, list[Waiting]] = {}
        for job in free:
            if self._places[job.id] is Place.WAITS:
                queues.setdefault((job.owner, job.engine), []).append(_waiting(job, self._served.get(job.owner, 0)))
        heads = {queue: found[0] for queue, found in queues.items()}
        return choose(room, heads, self._held(), order, lambda queue, most: queues[queue][:most])

    def _held(self) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for job in self._jobs.values():
            if self._places[job.id] is Place.HELD:
                found[job.owner] = found.get(job.owner, Held()).and_(wanted_by(job))
        return found

    def take_place(self, job_id: JobID, allowance: Allowance) -> bool:
        """As `JobStore.take_place`."""
        with self._lock:
            job = self.get(job_id, Scope(None))
            if self._places[job_id] is not Place.NONE:
                return True
            if not self._has_room(job, allowance):
                return False
            self._places[job_id] = Place.HELD
            return True

    def standing(self, job_id: JobID) -> QueuePlace | None:
        """As `JobStore.standing`."""
        with self._lock:
            if self._places.get(job_id) is not Place.WAITS:
                return None
            job = self._jobs[job_id]
            waiting = [
                one for one in self._jobs.values() if one.owner == job.owner and self._places[one.id] is Place.WAITS
            ]
            before = sum(_age(one) < _age(job) for one in waiting)
            return QueuePlace(before + 1, len(waiting), self._held().get(job.owner, Held()).jobs)

    def extend(self, owner: str, until: datetime) -> Sequence[JobID]:
        """As `JobStore.extend`."""
        with self._lock:
            held = [job for job in self._open() if job.lease_owner == owner]
            return [self._put(replace(job, lease_until=until)).id for job in held]

    def release(self, owner: str, job_ids: Sequence[JobID]) -> None:
        """As `JobStore.release`."""
        with self._lock:
            for job in [self._jobs[i] for i in job_ids if i in self._jobs]:
                if job.lease_owner == owner:
                    self._put(replace(job, lease_owner=None, lease_until=None))

    def lease_owners(self) -> Sequence[str]:
        """As `JobStore.lease_owners`."""
        with self._lock:
            return sorted({job.lease_owner for job in self._open() if job.lease_owner is not None})

    def goals(self, job_ids: Sequence[JobID]) -> Sequence[JobID]:
        """As `JobStore.goals`."""
        with self._lock:
            return [i for i in job_ids if i in self._jobs and self._jobs[i].goal is Goal.DISMISS]

    def delete(self, job_id: JobID, scope: Scope) -> None:
        """As `JobStore.delete`."""
        with self._lock:
            if not self._own(job_id, scope).ended:
                raise Conflict(f"The job {job_id} has not ended.")
            self._sharing.pop(job_id, None)
            self._places.pop(job_id)
            del self._order[bisect_left(self._order, _key(self._jobs.pop(job_id).created, job_id))]

    def ended_before(self, moment: datetime, limit: int) -> Sequence[Job]:
        """As `JobStore.ended_before`."""
        with self._lock:
            old = [(job.finished, job.id, job) for job in self._jobs.values() if job.ended and job.finished]
        return [job for _, _, job in sorted(entry for entry in old if entry[0] < moment)[:limit]]

    def require_room(self, owner: str, allowance: Allowance) -> None:
        """As `JobStore.require_room`."""
        with self._lock:
            self._refuse(frozenset({owner}), allowance)
            for group in allowance.together:
                self._refuse(self._accounts.members(group.name), group.most, group.name)

    def _refuse(self, owners: frozenset[str], allowance: Allowance, group: str = "") -> None:
        own = [one for one in self._jobs.values() if one.owner in owners]
        status = Counter(one.status for one in own)
        kept = sum(map(result_bytes, own))
        refuse_too_much(allowance, status[JobStatus.ACCEPTED], status[JobStatus.RUNNING], kept, group)

    def owners(self, keeping: int = 0, ended: int = 0) -> Sequence[str]:
        """As `JobStore.owners`."""
        kept: Counter[str] = Counter()
        count: Counter[str] = Counter()
        with self._lock:
            for job in self._jobs.values():
                kept[job.owner] += result_bytes(job)
                count[job.owner] += job.status in ENDED_STATUSES
        if not keeping and not ended:
            return sorted(kept)
        beyond = {owner for owner in kept if keeping and kept[owner] > keeping}
        return sorted(beyond | {owner for owner in kept if ended and count[owner] > ended})

    def counts(self) -> dict[JobStatus, int]:
        """As `JobStore.counts`."""
        with self._lock:
            found = Counter(job.status for job in self._jobs.values())
        return {status: found[status] for status in JobStatus}

    def _own(self, job_id: JobID, scope: Scope) -> Job:
        job = self.get(job_id, Scope(None))
        if scope.owner not in (None, job.owner):
            raise NoSuchJob(f"There is no job {job_id!r}.")
        return job

    def all(self) -> Sequence[Job]:
        """All jobs, in no order."""
        with self._lock:
            return list(self._jobs.values())

    def _started(self) -> Sequence[Job]:
        return [job for job in self._open() if job.phase is not Phase.CREATED or job.goal is Goal.DISMISS]

    def _open(self) -> Sequence[Job]:
        return [job for job in self._jobs.values() if not job.ended]

    def _put_new(self, job: Job, allowance: Allowance) -> Job:
        """Write a job that comes into the store, or is started, if there is room for it."""
        if job.phase is Phase.ACCEPTED:
            self.require_room(job.owner, allowance)
        place = first_place(job)
        if place is Place.HELD and not self._has_room(job, allowance):
            place, job = Place.WAITS, replace(job, lease_owner=None, lease_until=None)
        self._places[job.id] = place
        return self._put(job)

    def _has_room(self, job: Job, allowance: Allowance) -> bool:
        held, wanted = self._held(), wanted_by(job)
        if not allowance.covers(held.get(job.owner, Held()), wanted):
            return False
        for group in allowance.together:
            found = Held()
            for name in self._accounts.members(group.name):
                found = found.and_(held.get(name, Held()))
            if not group.most.covers(found, wanted):
                return False
        return True

    def _put(self, job: Job) -> Job:
        if job.id not in self._jobs:
            insort(self._order, _key(job.created, job.id))
        self._jobs[job.id] = job
        return job


def _key(created: datetime, job_id: JobID) -> tuple[int, JobID]:
    return -((created - _EPOCH) // timedelta(microseconds=1)), job_id


def _age(job: Job) -> tuple[datetime, JobID]:
    return job.created, job.id


def _waiting(job: Job, served: int) -> Waiting:
    wanted = wanted_by(job)
    return Waiting(-_key(job.created, job.id)[0], job.id, wanted.cores, wanted.memory, served)


def _is_free(job: Job, now: datetime) -> bool:
    leased = job.lease_owner is not None and (job.lease_until is None or job.lease_until >= now)
    return not leased and (job.not_before is None or job.not_before <= now)


def _matches(job: Job, query: JobQuery, scope: Scope, now: datetime) -> bool:
    if scope.owner not in (None, job.owner):
        return False
    if query.process_ids and job.process_id not in query.process_ids:
        return False
    if query.statuses and job.status not in query.statuses:
        return False
    if query.created_from is not None and job.created < query.created_from:
        return False
    if query.created_until is not None and job.created > query.created_until:
        return False
    return _lasts(job, query, now)


def _lasts(job: Job, query: JobQuery, now: datetime) -> bool:
    if query.min_duration is None and query.max_duration is None:
        return True
    finished = job.finished or (None if job.ended else now)
    if job.started is None or finished is None:
        return False
    seconds = (finished - job.started).total_seconds()
    return (query.min_duration or 0) <= seconds and (query.max_duration is None or seconds <= query.max_duration)
