"""Tells the subscribers of jobs (Part 1 /req/callback/job-callback): at least once, in order, and never in the way.

Everything happens in threads of its own. What is due is read from the stores, so a restart or a `kill -9` loses
nothing; a lease on each subscription keeps several servers from telling the same.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from .errors import NoSuchJob, OapipError, StoreUnavailable
from .messages import Composer, Kind, Message, address_of
from .model.identity import EVERYTHING
from .model.job import Job, Phase, utc_now
from .settings import Callbacks
from .staging.poster import Poster
from .store.base import JobStore
from .store.notifications import NotificationStore, Outcome, Subscription

LOG = logging.getLogger(__name__)

LOOK = 0.25
"""Seconds between two looks for news."""
REAP = 1.0
"""Seconds between two looks for leases of dead processes."""
THREADS = 16
"""Messages under way at once, in one process."""
HOST_SHARE = 8
"""The same, to one receiver: one that hangs leaves room for the others."""
LONGEST_PAUSE = 900.0
"""Seconds between two tries, at most."""
PATIENCE = timedelta(seconds=15)
"""How long the end of a job waits for the message that it began."""
PROGRESS_TRIES = 4
"""Tries of that message once the job has ended."""
GONE = 410
"""The status by which a receiver says that it wants no more (RFC 9110 section 15.5.11)."""

_REASONS = {403: "is not an address that this server may tell", 503: "cannot be reached, or does not answer"}


class _CrowdedError(Exception):
    """So many messages to this receiver are under way that others come first."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What a notifier works with."""

    jobs: JobStore
    notifications: NotificationStore
    composer: Composer
    poster: Poster
    settings: Callbacks


def wants_start_first(job: Job, row: Subscription, now: datetime) -> bool:
    """True if the end of a job waits, for a while, because nobody has been told yet that it ran."""
    if not row.wants_progress or row.told is not None or job.started is None or job.phase is Phase.DISMISSED:
        return False
    waited = now - (job.finished or now)
    return waited < PATIENCE and row.progress_attempts < PROGRESS_TRIES


def pause(attempts: int) -> timedelta:
    """How long to wait after so many tries that failed: doubled each time, and spread so that not all come at once."""
    longest = min(LONGEST_PAUSE, 2.0 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(longest / 2, longest))


class Notifier:
    """Tells the subscribers of all jobs of a database, beside any number of others like it.

    Args:
        channel: stores, messages and the way out.
        owner: the name of this process in leases.
        is_dead: whether the owner of a lease is certainly gone.
        now: the present time.
    """

    def __init__(
        self, channel: Channel, owner: str, is_dead: Callable[[str], bool], now: Callable[[], datetime] = utc_now
    ) -> None:
        self._channel = channel
        self._owner = owner
        self._is_dead = is_dead
        self._now = now
        self._lease = timedelta(seconds=3 * channel.settings.timeout + 30)
        self._busy: set[threading.Thread] = set()
        self._hosts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: look for news, and tell each in a thread of its own."""
        reap, trouble = 0.0, ""
        while not stop.wait(LOOK):
            try:
                if time.monotonic() >= reap:
                    reap = time.monotonic() + REAP
                    self.free_dead()
                self.start_due()
                trouble = ""
            except StoreUnavailable as fault:
                if fault.detail != trouble:
                    LOG.warning("callbacks wait for the database: %s", fault.detail)
                trouble = fault.detail
        self.settle(2.0)

    def free_dead(self) -> None:
        """Let others have what processes that are gone were about to tell."""
        for owner in self._channel.notifications.owners():
            if owner != self._owner and self._is_dead(owner):
                self._channel.notifications.free(owner)

    def start_due(self) -> None:
        """Take what is due, as much as there are free threads, and begin to tell it."""
        with self._lock:
            free = THREADS - len(self._busy)
        now = self._now()
        for row in self._channel.notifications.take(self._owner, now + self._lease, free, now):
            thread = threading.Thread(target=self._told, args=(row,), name="oapip-callback", daemon=True)
            with self._lock:
                self._busy.add(thread)
            thread.start()

    def settle(self, timeout: float) -> None:
        """Wait for what is under way, at most `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            busy = list(self._busy)
        for thread in busy:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _told(self, row: Subscription) -> None:
        try:
            self._give_back(self.tell(row))
        except NoSuchJob:
            LOG.debug("job %s was removed before its subscriber was told", row.job_id)
        except StoreUnavailable as fault:
            LOG.warning("callback of job %s waits for the database: %s", row.job_id, fault.detail)
        except Exception:
            # A defect in one message must not stop the others; it is tried again when the lease has run out.
            LOG.exception("callback of job %s: a defect of the server", row.job_id)
        finally:
            with self._lock:
                self._busy.discard(threading.current_thread())

    def tell(self, row: Subscription) -> Subscription:
        """Tell what there is to tell now of one job.

        Returns:
            The row after it.

        Raises:
            NoSuchJob: the job is gone.
            StoreUnavailable: it could not be read.
        """
        try:
            return self._tell(row)
        except _CrowdedError:
            return replace(row, due=self._now() + timedelta(seconds=1))

    def _tell(self, row: Subscription) -> Subscription:
        # twice at most: that the job began, and that it ended
        for _ in range(2):
            job = self._channel.jobs.get(row.job_id, EVERYTHING)
            now = self._now()
            if not row.has_news(job, now):
                break
            if not job.ended:
                row = self._tell_progress(job, row)
            elif not wants_start_first(job, row, now):
                return self._tell_end(job, row)
            elif row.progress_due is not None and row.progress_due > now:
                return replace(row, due=min(row.progress_due, (job.finished or now) + PATIENCE))
            else:
                row = self._tell_progress(job, row)
        return row

    def _tell_progress(self, job: Job, row: Subscription) -> Subscription:
        message = self._channel.composer.progress(job)
        trouble, _ = self._post(message)
        now = self._now()
        if trouble:
            attempts = row.progress_attempts + 1
            return replace(row, progress_attempts=attempts, progress_due=now + pause(attempts), note=trouble)
        interval = timedelta(seconds=self._channel.settings.progress_interval)
        told = 0 if job.ended else job.progress
        return replace(row, told=told, progress_attempts=0, progress_due=now + interval, note="")

    def _tell_end(self, job: Job, row: Subscription) -> Subscription:
        kind = Kind.SUCCESS if job.phase is Phase.SUCCESSFUL else Kind.FAILURE
        if not address_of(job, kind):
            return replace(row, outcome=Outcome.DELIVERED, note="")
        first_try = row.first_try or self._now()
        try:
            trouble, final = self._post(self._channel.composer.end(job))
        except StoreUnavailable:
            raise
        except OapipError as error:
            trouble, final = f"the message could not be made: {error.detail}", False
        if not trouble:
            return replace(row, outcome=Outcome.DELIVERED, note="")
        failed = replace(row, attempts=row.attempts + 1, first_try=first_try, note=trouble)
        now = self._now()
        if final or now - first_try >= timedelta(seconds=self._channel.settings.give_up_after):
            LOG.warning("job %s: its %s was given up: %s", job.id, kind, trouble)
            return replace(failed, outcome=Outcome.GIVEN_UP)
        LOG.info("job %s: its %s is tried again: %s", job.id, kind, trouble)
        return replace(failed, due=now + pause(failed.attempts))

    def _post(self, message: Message) -> tuple[str, bool]:
        """What went wrong ("" for nothing), and whether it is final."""
        host = urlsplit(message.url).hostname or ""
        with self._lock:
            if self._hosts[host] >= HOST_SHARE:
                raise _CrowdedError
            self._hosts[host] += 1
        try:
            status = self._channel.poster.post(message.url, message.body, message.headers)
        except OapipError as error:
            return f"{host} {_REASONS.get(error.status, 'has no address that can be told')}", False
        finally:
            with self._lock:
                self._hosts[host] -= 1
        return ("", False) if 200 <= status < 300 else (f"{host} answers {status}", status == GONE)

    def _give_back(self, row: Subscription) -> None:
        # What was told is worth some patience with the database: without the row it would be told again.
        for _ in range(10):
            try:
                self._channel.notifications.give_back(self._owner, row)
                return
            except StoreUnavailable as fault:
                LOG.warning("callback of job %s waits for the database: %s", row.job_id, fault.detail)
                time.sleep(1.0)
