"""What is done to a job in each phase: the machine of design 3, one step at a time.

Called by the reconciler, which holds the job's lease. Each step may be repeated after a crash at any point.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from .collecting import Collector
from .engines.base import Engine, Eventful
from .errors import (
    EngineUnavailable,
    JobFailed,
    NoSuchJob,
    OapipError,
    RunLost,
    StorageUnavailable,
    StoreUnavailable,
    Unavailable,
    UnresolvableReference,
)
from .model.execution import HAS_NESTED, PARENT, ExecutionRequest, Plan, groups_of
from .model.identity import EVERYTHING
from .model.job import RESULT_BYTES, Goal, Job, Phase, utc_now
from .model.json import JSONObject
from .model.process import NO_PACKAGE, Package, Source
from .model.run import RunReport, RunState
from .model.value import InputValue, output_to_json
from .packages.enclosed import enclosed_package
from .packages.joborder import FileSource, build_job_order
from .packages.plainorder import plain_job_order
from .packages.remote import is_remote
from .parts import Parts
from .staging.base import JobFiles, Watch
from .staging.wrap import WRAPPED_FILE, WrappedJob, Wrapping
from .store.base import JobStore

LOG = logging.getLogger(__name__)

ORDER_FILE = "job-order.json"
COLLECTED = "the results are being stored"
NO_PLACE = "waiting: as many jobs of this user run as may run at once"
PLACE_PAUSE = timedelta(seconds=1)
PACKAGES_KEPT = 64
"""Packages in memory; a revision never changes."""
MAX_BACKOFF = 60.0
"""Seconds between two tries of something that is temporarily impossible."""
SERVER_BACKOFF = 10.0
"""The same, where this server itself has to be put right: its disk is full, its engine does not start."""
STAGING_ATTEMPTS = 8
"""Tries to read an input before the job fails: about two minutes. An engine or the disk is waited for without end."""

_RUN_PHASE: Mapping[RunState, Phase] = {
    RunState.QUEUED: Phase.SUBMITTED,
    RunState.RUNNING: Phase.RUNNING,
    RunState.SUCCEEDED: Phase.COLLECTING,
    RunState.FAILED: Phase.FAILED,
    RunState.LOST: Phase.FAILED,
    RunState.CANCELLED: Phase.FAILED,
}
"""Where a report leads a job whose goal is RUN. CANCELLED without our asking is a failure, and says so."""


class Phases:
    """Moves one job by one step. Raises VersionConflict and StoreUnavailable of the store; all else ends in the job."""

    def __init__(self, parts: Parts, now: Callable[[], datetime] = utc_now) -> None:
        self._parts = parts
        self._now = now
        self._collector = parts.collector or Collector(parts.workspaces)
        self._packages: dict[tuple[str, int, str], Package] = {}
        self._steps: Mapping[Phase, Callable[[Job], Job]] = {
            Phase.ACCEPTED: self._stage,
            Phase.STAGED: self._submit,
            Phase.SUBMITTING: self._resubmit,
            Phase.COLLECTING: self._collect,
        }

    def step(self, job: Job) -> Job:
        """One step of a job that is not with its engine; others are returned as they are (see `apply`)."""
        step = self._dismiss if job.goal is Goal.DISMISS else self._steps.get(job.phase)
        if step is None:
            return job
        try:
            return step(job)
        except StoreUnavailable:
            raise
        except OapipError as error:
            return self._stopped(job, error)

    def apply(self, job: Job, report: RunReport | None) -> Job:
        """Write what the engine says of a job in SUBMITTED or RUNNING (None: it does not know the run)."""
        if job.goal is Goal.DISMISS:
            return self._apply_cancelled(job, report)
        if report is None:
            return self._fail(job, JobFailed("the engine does not know the run any more"))
        phase = _RUN_PHASE[report.state]
        if phase is Phase.FAILED:
            return self._fail(job, _failure(report), report)
        later = max(phase, job.phase, key=list(Phase).index)
        changed = job.advance(
            later,
            self._now(),
            message=report.message or (COLLECTED if later is Phase.COLLECTING else ""),
            progress=min(99, max(job.progress, report.progress)),
            steps=report.steps,
            usage=report.usage or job.usage,
            started=job.started or report.started,
            attempts=0,
            not_before=None,
        )
        if later is Phase.COLLECTING and self._engine(job).traits.idempotent_submit and not self.collects_slowly(job):
            return self.step(changed)
        return changed if replace(changed, updated=job.updated) == job else self._parts.jobs.save(changed)

    def stages_slowly(self, job: Job) -> bool:
        """True where a job in ACCEPTED has to ask others before it can be handed over."""
        asks, request = self._parts.workspaces.storage.of_users, str(job.request)
        # a CWL object or a plain text may be a reference, too
        return asks or HAS_NESTED in job.request or "href" in request or "://" in request

    def collects_slowly(self, job: Job) -> bool:
        """True where the outputs of a job come from or go to another machine: nobody else has to wait for that."""
        engine = self._parts.engines.get(job.engine)
        return self._parts.workspaces.storage.remote or not isinstance(engine, Eventful)

    def _stage(self, job: Job) -> Job:
        held = self._nested(job)
        if held is not None:
            return held
        watch = _Watch(self._parts.jobs, job, self._still_mine(job), self._now)
        try:
            self._order(job, watch)
        except StoreUnavailable:
            raise
        except OapipError as error:
            # what was told on the way has been saved
            return self._stopped(watch.job, error)
        return self._submit(watch.job)

    def _nested(self, job: Job) -> Job | None:
        """What becomes of a job that cannot go on, because of the nested processes that it waits for or its parent."""
        children = self._parts.children
        if children is None or not (HAS_NESTED in job.request or PARENT in job.request):
            return None
        if children.orphaned(job):
            return self._dismissed(job)
        if self._parts.workspaces.load(job.id, ORDER_FILE) is not None:
            return None
        return children.wait(job) or self._turn(job)

    def _turn(self, job: Job) -> Job | None:
        """What becomes of a job that has its nested results, but no place among the running ones of its owner."""
        if HAS_NESTED not in job.request or self._parts.jobs.take_place(job.id, self._parts.allowance(job.owner)):
            return None
        waiting = job if job.message == NO_PLACE else job.advance(Phase.ACCEPTED, self._now(), message=NO_PLACE)
        saved = job if waiting is job else self._parts.jobs.save(waiting, durable=False)
        return replace(saved, not_before=self._now() + PLACE_PAUSE)

    def _order(self, job: Job, watch: Watch | None = None) -> JSONObject:
        workspaces = self._parts.workspaces
        stored = workspaces.load(job.id, ORDER_FILE)
        if stored is not None:
            return stored
        workspaces.storage.admit(job.owner)
        workspaces.prepare(job.id)
        package = self._package(job)
        own = workspaces.inputs(job.id, self._engine(job).traits.reads)
        inputs, files = self._inputs(job, package, own)
        if package is NO_PACKAGE or is_remote(package):
            order = plain_job_order(inputs, files)
        elif (wrapped := self._wrap(job, package, inputs, files)) is not None:
            workspaces.save(job.id, WRAPPED_FILE, wrapped.to_json())
            order = wrapped.order
        else:
            order = build_job_order(package, inputs, files)
        order = own.complete(order, watch)
        workspaces.save(job.id, ORDER_FILE, order)
        return order

    def _wrap(
        self, job: Job, package: Package, inputs: Mapping[str, InputValue], files: FileSource
    ) -> WrappedJob | None:
        wrapping = self._parts.wrapping
        if wrapping is None:
            return None
        return wrapping.job((job, self._engine(job).traits.secrets), package, inputs, files)

    def _wrapped(self, job: Job) -> tuple[Wrapping, WrappedJob] | None:
        """What runs in the place of the job's package, if that is not the package itself."""
        wrapping = self._parts.wrapping
        stored = None if wrapping is None else self._parts.workspaces.load(job.id, WRAPPED_FILE)
        return None if wrapping is None or stored is None else (wrapping, WrappedJob.from_json(stored))

    def _inputs(self, job: Job, package: Package, files: JobFiles) -> tuple[Mapping[str, InputValue], FileSource]:
        request = ExecutionRequest.from_json(job.request)
        if self._parts.children is not None and HAS_NESTED in job.request:
            return self._parts.children.inputs(job, request, package, files)
        return request.inputs, files

    def _submit(self, job: Job) -> Job:
        plan = self._plan(job)
        submitting = job.advance(Phase.SUBMITTING, self._now(), attempts=0, not_before=None)
        # an engine that adopts a run by its job id is asked again after a power failure
        job = self._parts.jobs.save(submitting, durable=not self._engine(job).traits.idempotent_submit)
        return self._hand_over(job, plan)

    def _resubmit(self, job: Job) -> Job:
        if not self._engine(job).traits.idempotent_submit:
            # attempts > 0: the last call came back and said that nothing was started.
            if job.attempts == 0:
                raise JobFailed(
                    "the server stopped while it handed the job to the engine, which cannot tell whether it has it; "
                    "it was not started again, so that it does not run twice"
                )
            job = self._parts.jobs.save(job.advance(Phase.SUBMITTING, self._now(), attempts=0, not_before=None))
        return self._hand_over(job, self._plan(job))

    def _hand_over(self, job: Job, plan: Plan) -> Job:
        try:
            run = self._engine(job).submit(plan)
        except Unavailable as fault:
            return self._wait_for(job, fault)
        except OapipError as error:
            return self._fail(job, error)
        submitted = job.advance(Phase.SUBMITTED, self._now(), run=run, message="", attempts=0, not_before=None)
        return self._parts.jobs.save(submitted, durable=not self._engine(job).traits.idempotent_submit)

    def _plan(self, job: Job) -> Plan:
        order, sealing = self._order(job), self._parts.sealing
        plan = Plan(
            job_id=job.id,
            process_id=job.process_id,
            package=self._package(job),
            job_order=order,
            workspace=self._parts.workspaces.path(job.id),
            owner=job.owner,
            secrets={} if sealing is None else sealing.values(job.request, order),
            groups=groups_of(job.request),
        )
        found = self._wrapped(job)
        if found is None:
            return plan
        wrapping, wrapped = found
        return replace(plan, package=wrapped.package, secrets={**plan.secrets, **wrapping.secrets(wrapped, job)})

    def _package(self, job: Job) -> Package:
        own = enclosed_package(job.request)
        if own is not None:
            return own
        key = (job.process_id, job.process_revision, job.process_owner)
        if key not in self._packages:
            process = self._parts.processes.get(job.process_id, EVERYTHING, job.process_revision, job.process_owner)
            package = NO_PACKAGE if process.source is Source.BUILTIN else process.package
            if package is None:
                raise JobFailed(f"the process {job.process_id} has no package")
            if len(self._packages) >= PACKAGES_KEPT:
                self._packages.clear()
            self._packages[key] = package
        return self._packages[key]

    def _collect(self, job: Job) -> Job:
        assert job.run is not None
        engine = self._engine(job)
        try:
            outputs = engine.outputs(job.run)
        except RunLost as error:
            raise JobFailed(f"the outputs of the run are gone: {error}") from None
        if (found := self._wrapped(job)) is not None:
            outputs = found[0].delivered(job, found[1], outputs)
        collected = self._collector.collect(job, outputs, self._still_mine(job))
        done = job.advance(
            Phase.SUCCESSFUL,
            self._now(),
            outputs={key: output_to_json(value) for key, value in collected.outputs.items()},
            usage={**job.usage, RESULT_BYTES: collected.size} if collected.size else job.usage,
            progress=100,
            message=collected.message,
            attempts=0,
            not_before=None,
        )
        saved = self._parts.jobs.save(done)
        self._clean(saved, keep_outputs=True)
        return saved

    def _still_mine(self, job: Job) -> Callable[[], bool]:
        """Whether what is done for a job would be saved: it is not dismissed, and no other process moves it."""

        def ask() -> bool:
            try:
                seen = self._parts.jobs.get(job.id, EVERYTHING)
            except StoreUnavailable:
                return True
            except NoSuchJob:
                return False
            return seen.goal is Goal.RUN and not seen.ended and seen.lease_owner == job.lease_owner

        return ask

    def _dismiss(self, job: Job) -> Job:
        if self._parts.children is not None and HAS_NESTED in job.request and job.run is None:
            self._parts.children.dismiss(job)
        if job.phase is Phase.SUBMITTING:
            # The run may exist: adopting it is the only way to be sure that it ends.
            if self._engine(job).traits.idempotent_submit:
                run = self._engine(job).submit(self._plan(job))
                job = self._parts.jobs.save(job.advance(Phase.SUBMITTED, self._now(), run=run))
        if job.run is None or job.phase is Phase.COLLECTING:
            return self._dismissed(job)
        self._engine(job).cancel(job.run)
        report = self._engine(job).poll([job.run]).get(job.id)
        return self._apply_cancelled(job, report)

    def _apply_cancelled(self, job: Job, report: RunReport | None) -> Job:
        return self._dismissed(job) if report is None or report.ended else job

    def _dismissed(self, job: Job) -> Job:
        saved = self._parts.jobs.save(job.advance(Phase.DISMISSED, self._now(), message="dismissed", not_before=None))
        self._clean(saved, keep_outputs=False)
        return saved

    def _fail(self, job: Job, error: OapipError, report: RunReport | None = None) -> Job:
        changes = {} if report is None else {"steps": report.steps, "usage": report.usage}
        failed = job.advance(
            Phase.FAILED, self._now(), message=error.detail, problem=error.problem(), not_before=None, **changes
        )
        saved = self._parts.jobs.save(failed)
        self._clean(saved, keep_outputs=False)
        return saved

    def _stopped(self, job: Job, error: OapipError) -> Job:
        return self._wait_for(job, error) if isinstance(error, Unavailable) else self._fail(job, error)

    def _wait_for(self, job: Job, fault: Unavailable) -> Job:
        attempts = job.attempts + 1
        own = isinstance(fault, EngineUnavailable | StorageUnavailable)
        if job.phase is Phase.ACCEPTED and not own and attempts >= STAGING_ATTEMPTS:
            return self._fail(job, UnresolvableReference(f"{fault.detail} (tried {attempts} times)"))
        pause = timedelta(seconds=min(SERVER_BACKOFF if own else MAX_BACKOFF, 0.5 * 2 ** min(attempts, 10)))
        LOG.warning("job %s waits in phase %s: %s", job.id, job.phase, fault.detail)
        waiting = job.advance(
            job.phase, self._now(), message=fault.detail, attempts=attempts, not_before=self._now() + pause
        )
        return self._parts.jobs.save(waiting)

    def _clean(self, job: Job, keep_outputs: bool) -> None:
        # secrets first: an engine may take long
        if self._parts.sealing is not None:
            self._parts.sealing.drop(job)
        with suppress(StoreUnavailable):  # what has expired is swept
            self._parts.forget_tokens(job.id)
        if job.run is not None:
            try:
                self._engine(job).forget(job.run)
            except Unavailable as fault:
                LOG.warning("job %s has ended, but its engine could not free it: %s", job.id, fault.detail)
        self._parts.workspaces.free(job.id, outputs=not keep_outputs)

    def _engine(self, job: Job) -> Engine:
        if job.engine not in self._parts.engines:
            raise EngineUnavailable(f"the engine {job.engine} is not in the configuration any more")
        return self._parts.engines[job.engine]


class _Watch:
    """Waits for the inputs of a job (`staging.base.Watch`)."""

    def __init__(self, jobs: JobStore, job: Job, wanted: Callable[[], bool], now: Callable[[], datetime]) -> None:
        self.job = job
        self._jobs = jobs
        self._now = now
        self.wanted = wanted

    def tell(self, message: str) -> None:
        told = self.job.advance(self.job.phase, self._now(), message=message)
        with suppress(StoreUnavailable):
            self.job = self._jobs.save(told, durable=False)


def _failure(report: RunReport) -> JobFailed:
    if report.state is RunState.CANCELLED:
        return JobFailed(report.message or "the run was cancelled at the engine, not through this server")
    return JobFailed(report.message or "the engine gives no reason")
