"""Subscriptions in memory, beside `MemoryJobStore`: for tests and throw-away servers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from ..errors import NoSuchJob
from ..model.identity import EVERYTHING
from ..model.run import JobID
from .memory import MemoryJobStore
from .notifications import Subscription, subscription_of


class MemoryNotificationStore:
    """`NotificationStore` in memory; thread-safe.

    Args:
        jobs: whose subscribers these are.
    """

    def __init__(self, jobs: MemoryJobStore) -> None:
        self._jobs = jobs
        self._known: dict[JobID, Subscription] = {}
        self._leases: dict[JobID, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def take(self, owner: str, until: datetime, limit: int, now: datetime) -> Sequence[Subscription]:
        """As `NotificationStore.take`."""
        with self._lock:
            found = [row for job in self._jobs.all() if (row := self._row(job.id)) is not None]
            free = [row for row in found if self._is_free(row.job_id, now)]
            news = [row for row in free if row.has_news(self._jobs.get(row.job_id, EVERYTHING), now)]
            taken = sorted(news, key=lambda row: (row.due, row.job_id))[: max(0, limit)]
            self._leases |= {row.job_id: (owner, until) for row in taken}
            return taken

    def give_back(self, owner: str, subscription: Subscription) -> bool:
        """As `NotificationStore.give_back`."""
        with self._lock:
            held = self._leases.get(subscription.job_id)
            if held is None or held[0] != owner or self._row(subscription.job_id) is None:
                return False
            del self._leases[subscription.job_id]
            self._known[subscription.job_id] = subscription
            return True

    def get(self, job_id: JobID) -> Subscription | None:
        """As `NotificationStore.get`."""
        with self._lock:
            return self._row(job_id)

    def owners(self) -> Sequence[str]:
        """As `NotificationStore.owners`."""
        with self._lock:
            return sorted({owner for owner, _ in self._leases.values()})

    def free(self, owner: str) -> None:
        """As `NotificationStore.free`."""
        with self._lock:
            self._leases = {job_id: lease for job_id, lease in self._leases.items() if lease[0] != owner}

    def _row(self, job_id: JobID) -> Subscription | None:
        try:
            job = self._jobs.get(job_id, EVERYTHING)
        except NoSuchJob:
            return None
        return self._known.get(job_id) or subscription_of(job)

    def _is_free(self, job_id: JobID, now: datetime) -> bool:
        held = self._leases.get(job_id)
        return held is None or held[1] < now
