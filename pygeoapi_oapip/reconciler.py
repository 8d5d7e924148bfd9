"""Moves unfinished jobs to their end.

Any number of web and worker processes may run one each: a job is moved only by the holder of its lease,
and saves are compare-and-swap, so a holder that lost its lease cannot do harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from .engines.base import Engine, Eventful
from .errors import NoSuchJob, StoreUnavailable, Unavailable, VersionConflict
from .model.execution import HAS_NESTED
from .model.identity import EVERYTHING
from .model.job import Goal, Job, Phase, utc_now
from .model.quota import StartOrder
from .model.run import RunRef
from .parts import Parts
from .phases import Phases
from .store.base import JobStore

LOG = logging.getLogger(__name__)

LEASE = timedelta(seconds=10)
HEARTBEAT = 3.0
"""Seconds between two extensions of the leases."""
IDLE = 0.05
"""Seconds between two looks for new jobs."""
FOLLOW = 0.1
"""Seconds between two looks at a job that is waited for and that another process moves."""
AHEAD = 16
"""Runs of one owner that one worker has handed to an engine which does not know owners, before they run there."""
ENGINE_PAUSE = 2.0
"""Seconds until an engine that could not be asked is asked again."""
QUIET = timedelta(seconds=0.5)
"""A job that somebody waits for writes no progress in its first moments, and its dismissal is not looked for."""
GOAL_WATCH = 0.2
"""Seconds between two looks for dismissals of the jobs that are held."""
_NOT_YET = (Phase.ACCEPTED, Phase.STAGED, Phase.SUBMITTING, Phase.SUBMITTED)
WITH_ENGINE = (Phase.SUBMITTED, Phase.RUNNING)


class Leases:
    """The leases of one process, kept alive by a thread as long as there are any."""

    def __init__(self, jobs: JobStore, owner: str) -> None:
        self.owner = owner
        self._jobs = jobs
        self._count = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def until(self) -> datetime:
        """When a lease taken now runs out."""
        return utc_now() + LEASE

    def keep(self) -> None:
        """Count one more job held; starts the thread at the first."""
        with self._lock:
            self._count += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="oapip-leases", daemon=True)
                self._thread.start()

    def drop(self) -> None:
        """Count one job less."""
        with self._lock:
            self._count -= 1

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT)
            if not self._count:
                continue
            try:
                self._jobs.extend(self.owner, self.until())
            except StoreUnavailable as fault:
                LOG.warning("leases could not be extended: %s", fault.detail)


class Reconciler:
    """Drives the jobs whose leases this process holds."""

    def __init__(self, parts: Parts, owner: str, capacity: int = 200) -> None:
        self._parts = parts
        self._phases = Phases(parts)
        self._capacity = capacity
        self.leases = Leases(parts.jobs, owner)

    def drive(self, job: Job, timeout: float) -> Job:
        """Move one job, whose lease this process holds, until it ends or `timeout` seconds are over.

        The lease is given back in every case, so that another reconciler goes on where this one stops.
        """
        deadline = time.monotonic() + timeout
        self.leases.keep()
        try:
            while not job.ended and (left := deadline - time.monotonic()) > 0:
                job = self._turn(job, left)
        except (VersionConflict, NoSuchJob):
            job = self._parts.jobs.get(job.id, EVERYTHING)
        finally:
            self.leases.drop()
            self._release(job)
        return job

    def follow(self, job: Job, timeout: float) -> Job:
        """Wait until a job ends that others move, or `timeout` seconds are over. What was written of it is durable
        then."""
        deadline = time.monotonic() + timeout
        try:
            while not job.ended and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, FOLLOW))
                job = self._parts.jobs.get(job.id, EVERYTHING)
        finally:
            self._release(job)
        return job

    def run(self, stop: threading.Event) -> None:
        """Move all jobs until `stop` is set: the loop of a worker process or of a background thread."""
        Loop(self._parts, self._phases, self.leases, self._capacity).run(stop)

    def _turn(self, job: Job, left: float) -> Job:
        try:
            job = self._advance(job)
            if not job.ended:
                self._pause(job, min(left, 0.5))
                job = self._seen_goal(job)
        except StoreUnavailable as fault:
            if left < IDLE:
                raise
            LOG.warning("job %s waits for the database: %s", job.id, fault.detail)
            time.sleep(IDLE)
        return job

    def _release(self, job: Job) -> None:
        if job.ended:
            return
        try:
            self._parts.jobs.release(self.leases.owner, [job.id])
        except StoreUnavailable as fault:
            LOG.warning("the lease of job %s runs out by itself: %s", job.id, fault.detail)

    def _advance(self, job: Job) -> Job:
        if job.not_before is not None and job.not_before > utc_now():
            return job
        if job.phase in WITH_ENGINE and job.goal is Goal.RUN:
            assert job.run is not None
            engine = self._parts.engines[job.engine]
            try:
                report = engine.poll([job.run]).get(job.id)
                if report is not None and not report.ended and utc_now() - job.created < QUIET:
                    return job
                return self._phases.apply(job, report)
            except StoreUnavailable:
                raise
            except Unavailable as fault:
                LOG.warning("job %s: %s", job.id, fault.detail)
                return job
        return self._phases.step(job)

    def _pause(self, job: Job, timeout: float) -> None:
        engine = self._parts.engines.get(job.engine)
        if job.phase in WITH_ENGINE and job.run is not None and isinstance(engine, Eventful):
            engine.wait([job.run], timeout)
        else:
            time.sleep(min(timeout, IDLE))

    def _seen_goal(self, job: Job) -> Job:
        if utc_now() - job.created < QUIET:
            return job
        if job.goal is Goal.RUN and self._parts.jobs.goals([job.id]):
            return self._parts.jobs.get(job.id, EVERYTHING)
        return job


class Loop:
    """The state of one running loop: the jobs that it holds."""

    def __init__(self, parts: Parts, phases: Phases, leases: Leases, capacity: int) -> None:
        self._parts = parts
        self._phases = phases
        self._leases = leases
        self._capacity = capacity
        self._held: dict[str, Job] = {}
        self._staging: dict[str, Future[Job]] = {}
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="oapip-stage")
        # a storage that is away must not keep inputs from being read
        self._storing = ThreadPoolExecutor(8, thread_name_prefix="oapip-store")
        self._next_goals = 0.0
        self._next_poll: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: claim, step, poll, wait. Faults of the store pause the loop and never end it."""
        away = False
        while not stop.is_set():
            try:
                self._turn()
                self._wait(stop)
                if away:
                    LOG.warning("the database answers again")
                away = False
            except StoreUnavailable as fault:
                if not away:
                    LOG.warning("the reconciler waits for the database: %s", fault.detail)
                away = True
                stop.wait(0.5)
        for pool in (self._pool, self._storing):
            pool.shutdown(wait=False, cancel_futures=True)
        self._give_back()

    def _turn(self) -> None:
        now = utc_now()
        free = self._capacity - sum(not _waits(job) for job in self._held.values())
        if free > 0:
            for job in self._parts.jobs.claim(self._leases.owner, self._leases.until(), free, now, self._order()):
                self._hold(job)
        self._look_for_goals()
        for job in list(self._held.values()):
            if job.phase not in WITH_ENGINE or job.goal is Goal.DISMISS:
                self._step(job, now)
        self._poll_engines()

    def _order(self) -> StartOrder:
        """One owner does not get all the room with jobs that only wait in an engine: others would have to wait for
        these."""
        ahead = Counter(
            (job.owner, job.engine) for job in self._held.values() if job.phase in _NOT_YET and not _waits(job)
        )
        most = {name: AHEAD for name, engine in self._parts.engines.items() if not engine.traits.fair}
        return StartOrder(self._parts.allowance, ahead, most, reserve=True)

    def _hold(self, job: Job) -> None:
        if job.id not in self._held:
            self._leases.keep()
        self._held[job.id] = job

    def _let_go(self, job_id: str) -> None:
        if self._held.pop(job_id, None) is not None:
            self._leases.drop()

    def _update(self, job: Job) -> None:
        if job.ended or job.lease_owner != self._leases.owner:
            self._let_go(job.id)
        else:
            self._held[job.id] = job

    def _step(self, job: Job, now: datetime) -> None:
        if job.not_before is not None and job.not_before > now:
            return
        if job.id in self._staging:
            self._staged(job)
        elif job.goal is Goal.RUN and self._may_take_long(job):
            # Downloads, uploads and copies of results; all else is done in order, here.
            pool = self._storing if job.phase is Phase.COLLECTING else self._pool
            self._staging[job.id] = pool.submit(self._phases.step, job)
        else:
            self._guarded(job, lambda: self._phases.step(job))

    def _may_take_long(self, job: Job) -> bool:
        if job.phase is Phase.COLLECTING:
            return self._phases.collects_slowly(job)
        return job.phase is Phase.ACCEPTED and self._phases.stages_slowly(job)

    def _staged(self, job: Job) -> None:
        future = self._staging[job.id]
        if future.done():
            del self._staging[job.id]
            # a wait that saved nothing must not undo what was seen since then
            self._guarded(job, lambda: max(future.result(), job, key=lambda seen: seen.version))

    def _guarded(self, job: Job, step: object) -> None:
        assert callable(step)
        try:
            self._update(step())
        except VersionConflict:
            self._reload(job)
        except NoSuchJob:
            self._let_go(job.id)
        except StoreUnavailable:
            raise
        except Exception:
            # A defect in one job must not stop the others.
            LOG.exception("job %s: a defect of the server", job.id)
            self._held[job.id] = replace(job, not_before=utc_now() + timedelta(seconds=5))

    def _reload(self, job: Job) -> None:
        try:
            fresh = self._parts.jobs.get(job.id, EVERYTHING)
        except NoSuchJob:
            self._let_go(job.id)
            return
        if fresh.ended or fresh.lease_owner != self._leases.owner:
            self._let_go(job.id)
        else:
            self._held[job.id] = fresh

    def _look_for_goals(self) -> None:
        if not self._held or time.monotonic() < self._next_goals:
            return
        self._next_goals = time.monotonic() + GOAL_WATCH
        running = [job.id for job in self._held.values() if job.goal is Goal.RUN]
        for job_id in self._parts.jobs.goals(running):
            self._reload(self._held[job_id])

    def _poll_engines(self) -> None:
        for name, engine in self._parts.engines.items():
            jobs = [job for job in self._held.values() if job.engine == name and _with_engine(job)]
            due = self._next_poll.get(name, 0.0)
            if not jobs or time.monotonic() < due:
                continue
            pause = 0.0 if isinstance(engine, Eventful) else engine.traits.poll_interval
            self._next_poll[name] = time.monotonic() + (pause if self._poll(engine, jobs) else ENGINE_PAUSE)

    def _poll(self, engine: Engine, jobs: Sequence[Job]) -> bool:
        try:
            reports = engine.poll(_runs(jobs))
        except Unavailable as fault:
            LOG.warning("%d jobs wait for their engine: %s", len(jobs), fault.detail)
            return False
        except Exception:
            # An engine may come from others: its defect must not stop the worker.
            LOG.exception("%d jobs wait for their engine, which has a defect", len(jobs))
            return False
        for job in jobs:
            report = reports.get(job.id)
            self._guarded(job, lambda job=job, report=report: self._phases.apply(job, report))
        return True

    def _wait(self, stop: threading.Event) -> None:
        jobs = [job for job in self._held.values() if _with_engine(job)]
        for name, engine in self._parts.engines.items():
            runs = _runs(job for job in jobs if job.engine == name)
            if runs and isinstance(engine, Eventful):
                engine.wait(runs, IDLE)
                return
        stop.wait(IDLE)

    def _give_back(self) -> None:
        try:
            self._parts.jobs.release(self._leases.owner, list(self._held))
        except StoreUnavailable as fault:
            LOG.warning("leases run out by themselves: %s", fault.detail)
        for job_id in list(self._held):
            self._let_go(job_id)


def _waits(job: Job) -> bool:
    """True for a job that waits for its nested processes: those need the room, else all would wait for ever."""
    return job.phase is Phase.ACCEPTED and HAS_NESTED in job.request


def _with_engine(job: Job) -> bool:
    return job.phase in WITH_ENGINE and job.goal is Goal.RUN and job.run is not None


def _runs(jobs: Iterable[Job]) -> list[RunRef]:
    return [job.run for job in jobs if job.run is not None]
