"""Which ended jobs are to be removed: by age, by number and by bytes of each user.

Jobs that run or wait are never among them, nor a nested process whose job may still read its result. What is
removed goes folder first and row last (`upkeep`): after a crash between the two, the next time goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from .errors import NoSuchJob
from .model.execution import PARENT
from .model.identity import EVERYTHING, Scope
from .model.job import ENDED_STATUSES, Job, result_bytes
from .store.base import JobQuery, JobStore

BATCH = 100
"""Jobs of one kind that are removed at once: in between, other chores have their turn."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept; 0: any amount."""

    seconds: float = 0.0
    jobs_per_user: int = 0
    bytes_per_user: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """A job to be removed."""

    job_id: str
    owner: str
    finished: datetime | None
    size: int
    """Bytes of its results."""
    reason: str


class Retention:
    """Looks through the jobs; removes nothing.

    Args:
        jobs: the store.
        limits: what is kept.
    """

    def __init__(self, jobs: JobStore, limits: Limits) -> None:
        self._jobs = jobs
        self._limits = limits

    def expired(self, most: int = BATCH) -> list[Expired]:
        """The jobs that are to be removed now, each once.

        Args:
            most: of each kind.
        """
        found: dict[str, Expired] = {}
        for expired in (*self._old(most), *self._beyond(most)):
            found.setdefault(expired.job_id, expired)
        return list(found.values())

    def _old(self, most: int) -> list[Expired]:
        if not self._limits.seconds:
            return []
        before = datetime.now(UTC) - timedelta(seconds=self._limits.seconds)
        reason = f"older than {timedelta(seconds=self._limits.seconds)}"
        return self._free(before, most, reason) or self._free(before, 10 * most, reason)

    def _free(self, before: datetime, most: int, reason: str) -> list[Expired]:
        jobs = self._jobs.ended_before(before, most)
        return [_expired(job, reason) for job in jobs if not self._is_needed(job)]

    def _beyond(self, most: int) -> Iterator[Expired]:
        limits = self._limits
        if not limits.jobs_per_user and not limits.bytes_per_user:
            return
        # the database counts; jobs are read only of those who have too many
        for owner in self._jobs.owners(limits.bytes_per_user, limits.jobs_per_user):
            yield from islice(self._beyond_of(owner), most)

    def _beyond_of(self, owner: str) -> Iterator[Expired]:
        count, size = 0, 0
        for job in self._ended(owner):
            count, size = count + 1, size + result_bytes(job)
            reason = self._reason(count, size)
            if reason and (full := self._full(job)) is not None and not self._is_needed(full):
                yield _expired(job, reason)

    def _reason(self, count: int, size: int) -> str:
        limits = self._limits
        if limits.jobs_per_user and count > limits.jobs_per_user:
            return f"more than {limits.jobs_per_user} jobs of this user"
        if limits.bytes_per_user and size > limits.bytes_per_user:
            return f"results of this user take more than {limits.bytes_per_user} bytes"
        return ""

    def _ended(self, owner: str) -> Iterator[Job]:
        """Ended jobs of a user, newest first."""
        query: JobQuery | None = JobQuery(_PAGE, statuses=ENDED_STATUSES)
        while query is not None:
            page = self._jobs.list(query, Scope(owner))
            # one that is being dismissed has that status before its end
            yield from (job for job in page.jobs if job.ended)
            query = JobQuery(_PAGE, start=page.end, statuses=ENDED_STATUSES) if page.more else None

    def _full(self, job: Job) -> Job | None:
        try:
            return self._jobs.get(job.id, EVERYTHING)
        except NoSuchJob:
            return None

    def _is_needed(self, job: Job) -> bool:
        """True while the job whose nested process this was may still read its result."""
        parent = job.request.get(PARENT)
        if not isinstance(parent, str):
            return False
        try:
            return not self._jobs.get(parent, EVERYTHING).ended
        except NoSuchJob:
            return False


def _expired(job: Job, reason: str) -> Expired:
    return Expired(job.id, job.owner, job.finished, result_bytes(job), reason)
