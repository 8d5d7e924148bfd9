"""ProcessingService: one method per operation, the only thing that doors call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from .adhoc import ENDPOINT
from .admission import Admission, PlanCheck, waiting_time
from .auth.policy import Do, Policy
from .catalogue import Catalogue
from .delivery import catalogue_of, list_directory, process_of, served_file, stored_outputs, wanted_outputs
from .deploying import Deployments
from .engines.base import Engine
from .errors import (
    ImmutableProcess,
    NoSuchOutput,
    NoSuchProcess,
    OapipError,
    VersionConflict,
)
from .health import engine_parts
from .job_management import DefinitionRules, Definitions, locked
from .model.execution import ExecutionRequest, with_groups
from .model.identity import ANONYMOUS, Principal, Scope
from .model.job import Goal, Job, Phase
from .model.json import JSON, JSONObject
from .model.process import AD_HOC, Package, Process
from .model.run import LogLine
from .model.value import OutputValue, output_from_json
from .nested.reading import NestedReader, NestedSources, Rules
from .on_behalf import JobTokens, NoTokens
from .operations import (
    Deployment,
    DirectoryEntry,
    Execution,
    Health,
    Operations,
    Preference,
    Results,
    ServedFile,
)
from .packages.deployment import require_media_type
from .packages.enclosed import stored_request
from .quotas import Quotas
from .reconciler import Reconciler
from .sealing import Sealing
from .settings import Settings
from .shares import Shares, SharingOperations
from .staging.base import Stager, Workspaces
from .staging.wrap import Wrapping
from .store.base import JobPage, JobQuery, JobStore, ProcessPage, ProcessStore
from .store.notifications import NotificationStore, Subscription

__all__ = [
    "Collaborators",
    "Deployment",
    "DirectoryEntry",
    "Execution",
    "Health",
    "Operations",
    "Preference",
    "ProcessingService",
    "Results",
    "ServedFile",
]


COUNTS_AGE = 1.0
"""Seconds that the numbers of jobs in `/health` may be old."""


PROCESSES_KEPT = 256
"""Descriptions with their packages that a web process keeps in memory."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What the service works with; `wiring` makes it."""

    jobs: JobStore
    processes: ProcessStore
    engines: Mapping[str, Engine]
    stager: Stager
    workspaces: Workspaces
    reconciler: Reconciler
    catalogue: Catalogue
    policy: Policy
    settings: Settings
    nested: NestedSources
    notifications: NotificationStore
    quotas: Quotas
    sealing: Sealing
    wrapping: Wrapping | None = None
    tokens: JobTokens = field(default_factory=NoTokens)


class ProcessingService(SharingOperations):
    """Implements `Operations`."""

    def __init__(self, parts: Collaborators) -> None:
        self._parts = parts
        self._jobs = parts.jobs
        self._processes = parts.processes
        self._policy = parts.policy
        self._deployments = Deployments(
            parts.processes, parts.policy, parts.stager, parts.settings.limits.package_bytes
        )
        self._admission = Admission(parts.stager, parts.settings)
        self._plans = PlanCheck(parts.engines, parts.wrapping)
        rules = Rules(self.process, self._admit, self._engine_of, stored_request)
        self._nested = NestedReader(parts.nested, rules)
        self._definitions = Definitions(
            parts.jobs,
            DefinitionRules(
                parts.nested.own, self.process, self._read, self._request, self._engine_of, parts.policy, parts.sealing
            ),
        )
        self._quotas = parts.quotas
        self._shares = Shares(parts.processes, parts.jobs, parts.policy)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Scope], Process] = {}
        self._known_at = -1
        self._counted: tuple[float, Mapping[str, int]] = (0.0, {})

    def revision(self) -> str:
        """The store's counter of changes."""
        return str(self._processes.revision())

    def processes(self, principal: Principal, limit: int, offset: int) -> ProcessPage:
        """Part 1 process list."""
        return self._processes.list(limit, offset, self._policy.processes(principal))

    def process(self, principal: Principal, process_id: str) -> Process:
        """Part 1 process description, kept in memory until any process changes."""
        scope = self._policy.processes(principal)
        if process_id == AD_HOC:
            return self._require_adhoc()
        revision = self._processes.revision()
        with self._lock:
            if self._known_at != revision or len(self._known) >= PROCESSES_KEPT:
                self._known, self._known_at = {}, revision
            found = self._known.get((process_id, scope))
        if found is None:
            found = self._processes.get(process_id, scope)
            with self._lock:
                if self._known_at == revision:
                    self._known[process_id, scope] = found
        return found

    def history(self, principal: Principal, process_id: str) -> Sequence[Process]:
        """All revisions, newest first."""
        scope = self._policy.processes(principal)
        if process_id == AD_HOC:
            return (self._require_adhoc(),)
        return self._processes.history(process_id, scope)

    def package(self, principal: Principal, process_id: str) -> Package:
        """What was deployed."""
        package = self.process(principal, process_id).package
        if package is None:
            raise ImmutableProcess(f"the process {process_id} is built into the server and has no package")
        return package

    def deploy(self, principal: Principal, deployment: Deployment) -> Process:
        """Part 2 deploy."""
        self._policy.require_deploy(principal)
        allowance = self._quotas.count_deployment(principal, self._policy.owner(principal))
        return self._deployments.deploy(principal, deployment, allowance.processes)

    def replace(
        self, principal: Principal, process_id: str, deployment: Deployment, expected: int | None = None
    ) -> Process:
        """Part 2 replace; CWL's own id does not count."""
        self._policy.require_deploy(principal)
        # the OGC suite asks for 415 before 404
        require_media_type(deployment.media_type)
        present = self.process(principal, process_id)
        self._quotas.count_deployment(principal, self._policy.owner(principal))
        return self._deployments.replace(principal, present, deployment, expected)

    def undeploy(self, principal: Principal, process_id: str, expected: int | None = None) -> None:
        """Part 2 undeploy."""
        self._policy.require_deploy(principal)
        self._deployments.undeploy(principal, self.process(principal, process_id), expected)

    def execute(self, principal: Principal, process_id: str, body: JSON, preference: Preference) -> Execution:
        """Part 1 execute."""
        return self._start(principal, self.process(principal, process_id), body, preference)

    def execute_cwl(
        self, principal: Principal, deployment: Deployment, body: JSON, preference: Preference
    ) -> Execution:
        """Part 3 ad-hoc execution: the job's request holds the package."""
        self._policy.require_deploy(principal)
        self._require_adhoc()
        owner = self._policy.owner(principal)
        process = replace(self._deployments.read(deployment), id=AD_HOC, revision=0, owner=owner)
        return self._start(principal, process, body, preference)

    def _require_adhoc(self) -> Process:
        if not self._parts.settings.adhoc_cwl:
            raise NoSuchProcess("ad-hoc execution of CWL is switched off on this server")
        return ENDPOINT

    def job_package(self, principal: Principal, job_id: str) -> Package:
        """The package that a job runs."""
        package = process_of(self._processes, self._job(principal, job_id, Do.READ)).package
        if package is None:
            raise ImmutableProcess("the process of this job is built into the server and has no package")
        return package

    def _start(self, principal: Principal, process: Process, body: JSON, preference: Preference) -> Execution:
        self._policy.require_run(principal)
        owner = self._policy.owner(principal)
        allowance = self._quotas.require_room(principal, owner)
        stored = self._request(principal, process, body)
        wait = waiting_time(process, preference, self._parts.settings.sync.max_wait)
        job = Job.new(process.id, process.revision, owner, self._engine_of(process), stored)
        # where it is waited for, the answer comes after a durable write: of the end, or of the lease that is given back
        return self._run(job, wait, lambda made: self._jobs.add(made, durable=wait is None, allowance=allowance))

    def _run(self, job: Job, wait: float | None, write: Callable[[Job], Job]) -> Execution:
        self._parts.tokens.admit(job)
        write = self._parts.sealing.writing(write)
        if wait is None:
            return Execution(write(job), finished_in_time=False)
        leases = self._parts.reconciler.leases
        held = write(replace(job, lease_owner=leases.owner, lease_until=leases.until()))
        # without the lease, where it has to wait until other jobs have ended
        moves = self._parts.reconciler.drive if held.lease_owner else self._parts.reconciler.follow
        done = moves(held, wait)
        return Execution(done, finished_in_time=done.phase in (Phase.SUCCESSFUL, Phase.FAILED))

    def _read(self, principal: Principal, process: Process, body: JSON) -> ExecutionRequest:
        return self._admission.request(self._nested.replaced(principal, process, body), process, self._reads(process))

    def _request(self, principal: Principal, process: Process, body: JSON) -> JSONObject:
        request = self._admit(principal, process, self._nested.replaced(principal, process, body))
        own = principal.name == self._policy.owner(principal)
        return with_groups(stored_request(process, request), principal.groups if own else ())

    def defined_process(self, definition: JSONObject) -> str:
        """The process that a job definition names."""
        return self._definitions.process_id(definition)

    def create_job(self, principal: Principal, definition: JSONObject) -> Job:
        """Part 4 create."""
        return self._definitions.create(principal, definition)

    def update_job(self, principal: Principal, job_id: str, changes: JSONObject) -> Job:
        """Part 4 update."""
        return self._definitions.update(principal, job_id, changes)

    def start_job(self, principal: Principal, job_id: str, preference: Preference) -> Job:
        """Part 4 start."""
        job = self._definitions.startable(principal, job_id)
        allowance = self._quotas.require_room(principal, job.owner)
        wait = None if preference.wait is None else min(preference.wait, self._parts.settings.sync.max_wait)
        try:
            return self._run(job, wait, lambda made: self._jobs.define(made, allowance=allowance)).job
        except VersionConflict:
            raise locked(self.job(principal, job_id)) from None

    def jobs(self, principal: Principal, query: JobQuery) -> JobPage:
        """Part 1 job list."""
        listed = self._policy.shared_jobs if query.shared else self._policy.listed_jobs
        return self._jobs.list(query, listed(principal))

    def job(self, principal: Principal, job_id: str) -> Job:
        """Part 1 job status."""
        return self._quotas.told(self._jobs.get(job_id, self._policy.jobs(principal)))

    def job_request(self, principal: Principal, job_id: str) -> Job:
        """The same, for whoever may also read what was asked for."""
        return self._job(principal, job_id, Do.READ)

    def _job(self, principal: Principal, job_id: str, what: Do) -> Job:
        job = self.job(principal, job_id)
        self._policy.require(principal, what, job)
        return job

    def callbacks(self, principal: Principal, job_id: str) -> Subscription | None:
        """What the subscriber of a job has been told."""
        return self._parts.notifications.get(self._job(principal, job_id, Do.LOGS).id)

    def results(self, principal: Principal, job_id: str) -> Results:
        """Part 1 job results: the outputs that were asked for."""
        job = self._job(principal, job_id, Do.READ)
        stored = stored_outputs(job)
        process = process_of(self._processes, job)
        outputs = wanted_outputs(process, ExecutionRequest.from_json(job.request), stored)
        workspaces = self._parts.workspaces
        return Results(job, process, outputs, workspaces.storage.link, partial(catalogue_of, workspaces, job_id))

    def result_file(self, principal: Principal, job_id: str, output_id: str, path: str) -> ServedFile:
        """A file of an output."""
        value = self._output(principal, job_id, output_id)
        workspaces = self._parts.workspaces
        return served_file(value, output_id, path, workspaces.path(job_id), workspaces.storage)

    def directory(self, principal: Principal, job_id: str, output_id: str, path: str) -> Sequence[DirectoryEntry]:
        """The content of a Directory output."""
        value = self._output(principal, job_id, output_id)
        workspaces = self._parts.workspaces
        return list_directory(value, output_id, path, workspaces.path(job_id), workspaces.storage)

    def logs(self, principal: Principal, job_id: str) -> Iterator[LogLine]:
        """The log so far; the server's own words first."""
        job = self._job(principal, job_id, Do.LOGS)
        engine = self._parts.engines.get(job.engine)
        return iter(()) if job.run is None or engine is None else engine.logs(job.run)

    def dismiss(self, principal: Principal, job_id: str) -> Job:
        """Part 1 dismiss."""
        scope = self._policy.jobs(principal)
        self._job(principal, job_id, Do.DISMISS)
        job = self._jobs.set_goal(job_id, Goal.DISMISS, scope)
        if job.ended:
            self._jobs.delete(job_id, scope)
            self._parts.workspaces.remove(job_id)
            return replace(job, phase=Phase.DISMISSED, message="removed")
        return job

    def health(self, principal: Principal = ANONYMOUS) -> Health:
        """Store, packages and the number of jobs; for those who do not look after the server, only what works."""
        found = self._health()
        if self._policy.sees_operation(principal):
            return found
        return Health(found.ok, {name: _works(part) for name, part in found.parts.items()}, found.degraded)

    def _health(self) -> Health:
        """Store, packages, engines and the number of jobs."""
        store_ok, store = self._store_health()
        broken = dict(self._parts.catalogue.broken())
        detail = f"{len(broken)} packages could not be loaded" if broken else "all packages are loaded"
        engines_ok, engines = engine_parts(self._parts.engines)
        storage = dict(self._parts.workspaces.storage.health())
        parts: dict[str, JSON] = {
            "store": store,
            "storage": cast(JSON, storage),
            "packages": {"ok": not broken, "detail": detail, "broken": broken},
            **engines,
        }
        return Health(store_ok and not broken, parts, degraded=not (engines_ok and storage["ok"]))

    def _store_health(self) -> tuple[bool, JSON]:
        try:
            counts = dict(self._counts())
        except OapipError as error:
            return False, {"ok": False, "detail": error.detail}
        return True, {"ok": True, "detail": "answers", "jobs": counts}

    def _counts(self) -> Mapping[str, int]:
        # counting takes long where there are many jobs, and monitors ask often
        counted, counts = self._counted
        if not counts or time.monotonic() - counted > COUNTS_AGE:
            counts = {status.value: number for status, number in self._jobs.counts().items()}
            self._counted = (time.monotonic(), counts)
        return counts

    def _admit(self, principal: Principal, process: Process, body: JSON) -> ExecutionRequest:
        request = self._admission.request(body, process, self._reads(process))
        self._check_plan(process, request, principal)
        return request

    def _check_plan(self, process: Process, request: ExecutionRequest, principal: Principal) -> None:
        package = self._plans.package(process)
        self._quotas.require_fitting(principal, self._policy.owner(principal), package)
        self._plans.require(process, request, self._engine_of(process), principal.name)

    def _reads(self, process: Process) -> frozenset[str]:
        engine = self._parts.engines.get(self._engine_of(process))
        return frozenset() if engine is None else engine.traits.reads

    def _engine_of(self, process: Process) -> str:
        return process.engine or self._parts.settings.default_engine

    def _output(self, principal: Principal, job_id: str, output_id: str) -> OutputValue:
        stored = stored_outputs(self._job(principal, job_id, Do.READ))
        if output_id not in stored:
            raise NoSuchOutput(f"the job has no output {output_id} (outputs: {', '.join(stored)})")
        return output_from_json(stored[output_id])


def _works(part: JSON) -> JSON:
    return {"ok": part.get("ok", False)} if isinstance(part, Mapping) else part
