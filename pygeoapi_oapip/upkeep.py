"""What has to be done from time to time: freeing leases of dead processes, removing old jobs, watching folders."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .catalogue import Catalogue
from .errors import NoSuchJob, StoreUnavailable, VersionConflict
from .model.execution import PARENT
from .model.identity import EVERYTHING
from .model.job import Job, JobStatus, Phase
from .staging.base import Workspaces
from .store.base import JobQuery, JobStore

LOG = logging.getLogger(__name__)

REAP_INTERVAL = 1.0
WATCH_INTERVAL = 2.0
SWEEP_INTERVAL = 15.0
RETENTION_INTERVAL = 60.0
_BATCH = 100
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

    def expire(self) -> int:
        """Remove ended jobs that are older than the retention, with their folders, and jobs that were created (Part 4)
        and not touched for as long.

        Returns:
            The number of jobs removed.
        """
        if not self.keep_jobs:
            return 0
        before = datetime.now(UTC) - timedelta(seconds=self.keep_jobs)
        old = self._removable(before, _BATCH) or self._removable(before, 10 * _BATCH)
        for job in old:
            self.workspaces.remove(job.id)
            try:
                self.jobs.delete(job.id, EVERYTHING)
            except NoSuchJob:
                LOG.debug("job %s was removed meanwhile", job.id)
        return len(old) + self._forget_created(before)

    def sweep(self) -> None:
        """Remove stored results of removed jobs that could not be removed with them."""
        self.workspaces.storage.sweep()

    def _forget_created(self, before: datetime) -> int:
        query = JobQuery(_BATCH, statuses=(JobStatus.CREATED,), created_until=before)
        old = [job for job in self.jobs.list(query, EVERYTHING).jobs if job.updated < before]
        for job in old:
            try:
                fresh = self.jobs.get(job.id, EVERYTHING)
                self.jobs.define(fresh.advance(Phase.DISMISSED, datetime.now(UTC), message="never started"))
                self.jobs.delete(job.id, EVERYTHING)
            except (NoSuchJob, VersionConflict):
                LOG.debug("job %s was changed or removed meanwhile", job.id)
        return len(old)

    def _removable(self, before: datetime, limit: int) -> list[Job]:
        return [job for job in self.jobs.ended_before(before, limit) if not self._is_needed(job)]

    def _is_needed(self, job: Job) -> bool:
        """True while the job whose nested process this was may still read its result."""
        parent = job.request.get(PARENT)
        if not isinstance(parent, str):
            return False
        try:
            return not self.jobs.get(parent, EVERYTHING).ended
        except NoSuchJob:
            return False

    def run(self, stop: threading.Event) -> None:
        """Do each chore at its interval until `stop`. Faults of the store put it off."""
        chores: dict[Callable[[], object], float] = {
            self.reap: REAP_INTERVAL,
            self.catalogue.refresh: WATCH_INTERVAL,
            self.expire: RETENTION_INTERVAL,
            self.sweep: SWEEP_INTERVAL,
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
