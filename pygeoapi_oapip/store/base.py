"""Where jobs and processes live. One contract suite (`testing.store_contract`) runs over every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..model.identity import Scope, Sharing
from ..model.job import Goal, Job, JobStatus
from ..model.process import Process
from ..model.quota import ANY_ORDER, UNBOUNDED, Allowance, QueuePlace, StartOrder
from ..model.run import JobID


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list of jobs, just behind the job with this key; it stays where it is when jobs come and go."""

    created: datetime
    id: JobID
    backwards: bool = False
    """True: the page is the one that ends just before this job; else the one that begins just behind it."""


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Part 1 job-list parameters; an empty tuple or None means no filter."""

    limit: int = 10
    offset: int = 0
    """Jobs to pass over, from `start` on."""
    start: Position | None = None
    """Where the page begins; None: with the newest job."""
    process_ids: tuple[str, ...] = ()
    statuses: tuple[JobStatus, ...] = ()
    created_from: datetime | None = None
    """inclusive"""
    created_until: datetime | None = None
    """inclusive"""
    min_duration: float | None = None
    """seconds of finished - started, or now - started while running"""
    max_duration: float | None = None
    shared: bool = False
    """Jobs of others that are shared with the scope, in place of its own."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs, newest first."""

    jobs: tuple[Job, ...]
    more: bool
    """True if there are, or may be, jobs beyond this page, in the direction of the query."""
    end: Position | None = None
    """Where the next page in this direction begins, if there are more."""
    left: int = 0
    """Of `offset`, the jobs that the next page still has to pass over."""

    @staticmethod
    def cut(found: Sequence[Job], query: JobQuery) -> JobPage:
        """The page of jobs that were found in the direction of the query, one more than its limit where there are."""
        jobs, more = tuple(found[: query.limit]), len(found) > query.limit
        backwards = query.start is not None and query.start.backwards
        end = Position(jobs[-1].created, jobs[-1].id, backwards) if more and jobs else None
        return JobPage(jobs[::-1] if backwards else jobs, more, end)


@dataclass(frozen=True, slots=True)
class ProcessPage:
    """One page of processes (without packages), by id."""

    processes: tuple[Process, ...]
    more: bool
    total: int


class JobStore(Protocol):
    """Jobs, with compare-and-swap saves and leases.

    Every method raises StoreUnavailable when the database is locked, full or gone; nothing is half done then.
    """

    def add(self, job: Job, *, durable: bool = True, allowance: Allowance = UNBOUNDED) -> Job:
        """Make a job durable (its lease fields too, so that a sync request holds it from the start).

        With `durable=False` it survives the end of every process, but not a power failure, until the next
        durable write: for a request that is answered only after one.

        Args:
            job: new.
            durable: see above.
            allowance: what its owner may have. Checked together with the writing, so that of requests at the same
                moment none slips through.

        Returns:
            The job with version 1; without its lease, if it has to wait until others of its owner have ended.

        Raises:
            Conflict: there is a job with this id.
            TooManyRequests, StorageFull: the owner has as much as he may have.
        """
        ...

    def get(self, job_id: JobID, scope: Scope) -> Job:
        """Raises NoSuchJob where it does not exist or is outside the scope."""
        ...

    def list(self, query: JobQuery, scope: Scope) -> JobPage:
        """Jobs of the scope, newest first (`created` descending, then id). They come without what may be long:
        `request` is empty and `outputs` None; their version is 0, so that saving one by mistake conflicts.

        A page may be shorter than its limit although there are more: where a filter by duration would otherwise make
        the store look at very many jobs. The next page begins at `JobPage.end`."""
        ...

    def save(self, job: Job, *, durable: bool = True) -> Job:
        """Write all fields of the job except `goal` and the lease, if the row still has `job.version`.
        What `add` wrote for good stays: id, process and its revision, owner, request, created. A job saved in a
        phase that ends it loses its lease.

        With `durable=False` the save survives the end of every process, but perhaps not a power failure.

        Returns:
            The stored job: version + 1, and the goal and lease as they are in the row.

        Raises:
            VersionConflict: the row has another version.
            NoSuchJob: the row is gone.
        """
        ...

    def define(self, job: Job, *, allowance: Allowance = UNBOUNDED) -> Job:
        """Write all fields of a job that is `created` in the store, if the row still has `job.version`; id, owner and
        time of creation stay. The phase may be CREATED (another definition), ACCEPTED (the start, with its lease if
        the caller is to drive it) or DISMISSED. A start needs room, as in `add`.

        Returns:
            The stored job: version + 1; without its lease, as in `add`.

        Raises:
            VersionConflict: the row has another version, or is not `created` any more.
            NoSuchJob: the row is gone.
            TooManyRequests, StorageFull: as `add`.
        """
        ...

    def set_goal(self, job_id: JobID, goal: Goal, scope: Scope) -> Job:
        """Write the goal of a job that has not ended (an ended one is returned as it is). Adds 1 to the version,
        so that a save that did not see the goal conflicts; clears `not_before`.

        Raises:
            NoSuchJob: as in `get`.
        """
        ...

    def claim(
        self, owner: str, until: datetime, limit: int, now: datetime, order: StartOrder = ANY_ORDER
    ) -> Sequence[Job]:
        """Take the lease of up to `limit` jobs that are started (or dismissed) and have not ended, have no live lease
        (none, or `lease_until` < now), and whose `not_before` is not after now. No two callers get the same job. Does
        not change the version. Jobs whose lease `owner` already holds are not returned.

        Jobs that are under way come first, the oldest first. Of those that have not started it is the turn of the owner
        with the fewest jobs under way, wherever these run, and of his oldest job; never of more than his allowance.
        Its cost does not grow with the number of jobs, but with that of owners whose jobs wait."""
        ...

    def take_place(self, job_id: JobID, allowance: Allowance) -> bool:
        """Count a job that waited for nested processes among those of its owner that run.

        Returns:
            False, and nothing is changed, where the owner has as many as he may have. True where it counts already.

        Raises:
            NoSuchJob: it is gone.
        """
        ...

    def standing(self, job_id: JobID) -> QueuePlace | None:
        """Where a job stands among those of its owner that wait for their turn; None where it does not wait."""
        ...

    def extend(self, owner: str, until: datetime) -> Sequence[JobID]:
        """Prolong all leases of `owner` on jobs that have not ended.

        Returns:
            The ids of the jobs that `owner` still holds.
        """
        ...

    def release(self, owner: str, job_ids: Sequence[JobID]) -> None:
        """Give the leases of these jobs back, where `owner` holds them."""
        ...

    def lease_owners(self) -> Sequence[str]:
        """The owners of leases on jobs that have not ended (for reaping those that are known to be dead)."""
        ...

    def goals(self, job_ids: Sequence[JobID]) -> Sequence[JobID]:
        """Those of the given jobs whose goal is DISMISS (one query; the lease holder watches it)."""
        ...

    def share(self, job_id: JobID, sharing: Sharing) -> None:
        """Say who beside its owner may see a job; `get` obeys it, `list` shows one's own. Raises NoSuchJob."""
        ...

    def sharing(self, job_id: JobID) -> Sharing:
        """With whom a job is shared; PRIVATE where there is no such job."""
        ...

    def delete(self, job_id: JobID, scope: Scope) -> None:
        """Remove an ended job. Raises NoSuchJob as `get`, Conflict if it has not ended."""
        ...

    def ended_before(self, moment: datetime, limit: int) -> Sequence[Job]:
        """Ended jobs with `finished` before the moment, oldest first (retention)."""
        ...

    def owners(self, keeping: int = 0, ended: int = 0) -> Sequence[str]:
        """Everybody who has jobs, by name (retention); with an argument, only those who are beyond it. With both, those
        who are beyond either. The answer comes from counts in the database: no job is read.

        Args:
            keeping: bytes that the results of one take; 0: any.
            ended: ended (or dismissed) jobs of one; 0: any number.
        """
        ...

    def require_room(self, owner: str, allowance: Allowance) -> None:
        """A look ahead at what `add` would say, before anything else is done for a request.

        Raises:
            TooManyRequests, StorageFull: as `add`.
        """
        ...

    def counts(self) -> dict[JobStatus, int]:
        """Number of jobs by public status (health, metrics)."""
        ...


class ProcessStore(Protocol):
    """Deployed processes with all their revisions. Raises StoreUnavailable as JobStore does."""

    def revision(self) -> int:
        """A number that grows with each change to any process: what caches in each worker are keyed by.
        Much cheaper than a list."""
        ...

    def add(self, process: Process, *, most: int = 0) -> Process:
        """Store revision 1 of a new process (or the next one, if the owner had a process of this id before). It is
        private, whatever its sharing says.

        Args:
            process: what is stored; its own revision does not count.
            most: how many deployed processes its owner may have; 0: any number.

        Returns:
            The process with its revision and times.

        Raises:
            DuplicateProcess: its owner has a process of this id.
            StorageFull: the owner has as many as he may have.
        """
        ...

    def replace(self, process: Process, expected: int | None = None) -> Process:
        """Store the next revision of the process of this id and owner; its sharing stays.

        Args:
            process: what is stored; its own revision does not count.
            expected: the present revision that the caller knows; None: whatever it is.

        Raises:
            NoSuchProcess: it is not deployed.
            VersionConflict: the present revision is another one.
        """
        ...

    def remove(self, process_id: str, expected: int | None = None, owner: str | None = None) -> None:
        """Undeploy: the id disappears from `get`, `list`; revisions stay for running jobs, and nothing is shared any
        more. `expected` and errors as in `replace`; `owner` as in `get`."""
        ...

    def share(self, process_id: str, owner: str, sharing: Sharing) -> Process:
        """Say who beside its owner sees a process; makes no revision. Raises NoSuchProcess."""
        ...

    def get(self, process_id: str, scope: Scope, revision: int | None = None, owner: str | None = None) -> Process:
        """The process with its package: the present revision, or any past one by number
        (also of an undeployed process).

        Args:
            process_id: several owners may have one of this id.
            scope: what may be seen.
            revision: None for the present one.
            owner: whose; None: of those that may be seen the one of `scope.preferred`, else the server's (of
                `anonymous`), else a public one, else one that is shared with a group, else any; of several by the
                name of the owner.

        Raises:
            NoSuchProcess: not deployed, no such revision, or outside the scope.
        """
        ...

    def list(self, limit: int, offset: int, scope: Scope) -> ProcessPage:
        """Present revisions, without packages, by id; of each id the one that `get` gives."""
        ...

    def history(self, process_id: str, scope: Scope) -> Sequence[Process]:
        """All revisions of the process that `get` gives, newest first, without packages. Raises NoSuchProcess."""
        ...
