"""What has to be done from time to time: freeing leases of dead processes, removing old jobs, watching folders."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from .catalogue import Catalogue
from .errors import NoSuchJob, StoreUnavailable, VersionConflict
from .model.identity import EVERYTHING
from .model.job import Job, JobStatus, Phase
from .retention import BATCH, Expired, Limits, Retention
from .sealing import Sealing
from .staging.base import Workspaces
from .store.base import JobQuery, JobStore

LOG = logging.getLogger(__name__)

REAP_INTERVAL = 1.0
WATCH_INTERVAL = 2.0
SWEEP_INTERVAL = 15.0
RETENTION_INTERVAL = 60.0
SECRETS_INTERVAL = 300.0
_PAST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The chores of a worker."""

    jobs: JobStore
    workspaces: Workspaces
    catalogue: Catalogue
    keep_jobs: float
    """Seconds that ended jobs are kept; 0: for ever."""
    is_dead: Callable[[str], bool]
    """Whether the owner of a lease is certainly gone."""
    jobs_per_user: int = 0
    """Ended jobs of one user that are kept; 0: any number."""
    bytes_per_user: int = 0
    """Bytes of the results of one user that are kept; 0: any."""
    sealing: Sealing | None = None
    """Where secret values are, which jobs may leave behind."""
    further: Mapping[Callable[[], object], float] = field(default_factory=dict)
    """More chores, and the seconds between two times."""

    def reap(self) -> int:
        """Let the leases of dead owners run out now.

        Returns:
            The number of owners.
        """
        dead = [owner for owner in self.jobs.lease_owners() if self.is_dead(owner)]
        for owner in dead:
            self.jobs.extend(owner, _PAST)
        return len(dead)

    def has_ended(self, job_id: str) -> bool:
        """True for a job of this server that has ended."""
        try:
            return self.jobs.get(job_id, EVERYTHING).ended
        except NoSuchJob:
            return False

    def sweep_secrets(self) -> int:
        """Remove secret values that jobs have left behind; gives the number of files."""
        return 0 if self.sealing is None else self.sealing.sweep(self._is_over)

    def _is_over(self, job_id: str) -> bool:
        """True for a job that has ended, and for one that this server does not know."""
        try:
            return self.jobs.get(job_id, EVERYTHING).ended
        except NoSuchJob:
            return True

    def expire(self) -> int:
        """Remove ended jobs that the retention does not keep, with their folders, and jobs that were created (Part 4)
        and not touched for as long.

        Returns:
            The number of jobs removed.
        """
        old = self.expired()
        for expired in old:
            self.workspaces.remove(expired.job_id)
            try:
                self.jobs.delete(expired.job_id, EVERYTHING)
            except NoSuchJob:
                LOG.debug("job %s was removed meanwhile", expired.job_id)
        return len(old) + len(self.forgotten(forget=True))

    def expired(self, most: int = BATCH) -> list[Expired]:
        """What `expire` removes at its next call, but for jobs that were only created.

        Args:
            most: jobs of each kind.
        """
        # what is in the bucket of its user does not count for what is kept here
        room = self.bytes_per_user and (0 if self.workspaces.storage.of_users else self.bytes_per_user)
        return Retention(self.jobs, Limits(self.keep_jobs, self.jobs_per_user, room)).expired(most)

    def sweep(self) -> None:
        """Remove stored results of removed jobs that could not be removed with them."""
        self.workspaces.storage.sweep()

    def forgotten(self, forget: bool = False) -> list[Job]:
        """Jobs that were created, and not touched for as long as ended ones are kept.

        Args:
            forget: remove them.
        """
        if not self.keep_jobs:
            return []
        before = datetime.now(UTC) - timedelta(seconds=self.keep_jobs)
        old = list(islice(self._untouched(before), BATCH))
        for job in old if forget else ():
            try:
                fresh = self.jobs.get(job.id, EVERYTHING)
                if fresh.phase is not Phase.CREATED:
                    continue
                self.jobs.define(fresh.advance(Phase.DISMISSED, datetime.now(UTC), message="never started"))
                self.jobs.delete(job.id, EVERYTHING)
            except (NoSuchJob, VersionConflict):
                LOG.debug("job %s was changed or removed meanwhile", job.id)
        return old

    def _untouched(self, before: datetime) -> Iterator[Job]:
        """All, page by page: a page may be full of jobs that were touched since."""
        query = JobQuery(BATCH, statuses=(JobStatus.CREATED,), created_until=before)
        while True:
            page = self.jobs.list(query, EVERYTHING)
            yield from (job for job in page.jobs if job.updated < before)
            if page.end is None:
                return
            query = replace(query, start=page.end)

    def run(self, stop: threading.Event) -> None:
        """Do each chore at its interval until `stop`. Faults of the store put it off."""
        chores: dict[Callable[[], object], float] = {
            self.reap: REAP_INTERVAL,
            self.catalogue.refresh: WATCH_INTERVAL,
            self.expire: RETENTION_INTERVAL,
            self.sweep: SWEEP_INTERVAL,
            self.sweep_secrets: SECRETS_INTERVAL,
            **self.further,
        }
        due = dict.fromkeys(chores, 0.0)
        said: dict[Callable[[], object], str] = {}
        while not stop.wait(0.2):
            for chore, interval in chores.items():
                if time.monotonic() >= due[chore]:
                    due[chore] = time.monotonic() + interval
                    trouble = self._do(chore)
                    if trouble and trouble != said.get(chore):
                        LOG.warning("upkeep %s", trouble)
                    said[chore] = trouble

    def _do(self, chore: Callable[[], object]) -> str:
        try:
            chore()
        except StoreUnavailable as fault:
            return f"waits for the database: {fault.detail}"
        except OSError as error:
            return f"waits for the disk: {error.strerror}"
        return ""
