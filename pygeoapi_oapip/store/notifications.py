"""What the subscribers of jobs have been told. One contract suite (`testing.notification_contract`) for every store.

There is no queue of messages: what is due follows from the row of the job and the row here, which is made in the same
transaction as the job. So no message can be lost, and none can tell of a state that was never saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ..model.job import Goal, Job, Phase
from ..model.run import JobID

TELLS_PROGRESS = (Phase.RUNNING, Phase.COLLECTING)
"""Phases in which there is progress to tell."""


class Outcome(StrEnum):
    """Where the messages about one job are."""

    OPEN = "open"
    """there is, or may be, something to tell"""
    DELIVERED = "delivered"
    """the end of the job was told, or there was nobody to tell it to"""
    GIVEN_UP = "given-up"
    """the end of the job could not be told"""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the subscriber of one job has been told."""

    job_id: JobID
    due: datetime
    """Nothing is sent before."""
    wants_progress: bool
    told: int | None = None
    """Progress last told, 0-100; None: not yet that the job runs."""
    progress_due: datetime | None = None
    """No message about progress before."""
    progress_attempts: int = 0
    """Tries in a row that failed to tell progress."""
    attempts: int = 0
    """Tries that failed to tell the end."""
    first_try: datetime | None = None
    """Of the message about the end."""
    note: str = ""
    """Why the last try failed, for people; "" where it did not."""
    outcome: Outcome = Outcome.OPEN

    def has_news(self, job: Job, now: datetime) -> bool:
        """True if there is something to tell, or to decide, now."""
        if self.outcome is not Outcome.OPEN or self.due > now:
            return False
        if job.ended:
            return True
        runs = job.phase in TELLS_PROGRESS and job.goal is Goal.RUN and job.progress != self.told
        return runs and self.wants_progress and (self.progress_due is None or self.progress_due <= now)


def subscription_of(job: Job) -> Subscription | None:
    """The row that a job begins with; None where nobody subscribes, and before a created job is started."""
    addresses = job.request.get("subscriber")
    if not isinstance(addresses, Sequence) or not any(addresses) or job.phase is Phase.CREATED:
        return None
    return Subscription(job.id, job.created, wants_progress=bool(addresses[1]))


class NotificationStore(Protocol):
    """Subscriptions, with leases of their own. Rows appear with their jobs and go with them.

    Every method raises StoreUnavailable when the database is locked, full or gone.
    """

    def take(self, owner: str, until: datetime, limit: int, now: datetime) -> Sequence[Subscription]:
        """Lease up to `limit` subscriptions that have news (`Subscription.has_news`) and that nobody has a live lease
        of, longest due first. No two callers get the same one."""
        ...

    def give_back(self, owner: str, subscription: Subscription) -> bool:
        """Write the row and end its lease.

        Returns:
            False where `owner` does not hold it any more, or the job is gone; nothing is written then.
        """
        ...

    def get(self, job_id: JobID) -> Subscription | None:
        """The subscription of a job; None where there is none."""
        ...

    def owners(self) -> Sequence[str]:
        """Who holds leases."""
        ...

    def free(self, owner: str) -> None:
        """End all leases of an owner."""
        ...
