"""Jobs that are defined before they are started (Part 4): what a definition must be, when it is checked, and its end.

A definition is an execute request with the member `process`. Creation and change check its form, its process, and the
values that it has; inputs may still be missing. The start checks all of it, against the process as it is then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .auth.policy import Do, Policy
from .errors import BadRequest, Locked, VersionConflict
from .model.execution import DEFINITION, PROCESS_OWNER, SECRET_INPUTS, ExecutionRequest
from .model.identity import ANONYMOUS_NAME, Principal
from .model.job import Job, JobStatus, Phase, utc_now
from .model.json import JSON, JSONObject
from .model.process import Process
from .nested.addresses import OwnAddresses, resolve
from .packages.enclosed import secret_inputs
from .sealing import Sealing
from .store.base import JobStore

TRIES = 20
"""Changes of one job at the same moment before one is refused."""


@dataclass(frozen=True, slots=True)
class DefinitionRules:
    """What the service knows of processes and requests."""

    own: OwnAddresses
    find: Callable[[Principal, str], Process]
    """The process of an id. Raises NoSuchProcess."""
    read: Callable[[Principal, Process, JSON], ExecutionRequest]
    """Validates a body against a description."""
    request: Callable[[Principal, Process, JSON], JSONObject]
    """Validates a body, and whether the process can run, and gives the stored request."""
    engine: Callable[[Process], str]
    """Name of the engine that runs a process."""
    policy: Policy
    """Whose jobs a principal may change."""
    sealing: Sealing
    """Keeps secret values apart from definitions."""


class Definitions:
    """Creates, changes and starts jobs.

    Args:
        jobs: where they are kept.
        rules: of the service.
    """

    def __init__(self, jobs: JobStore, rules: DefinitionRules) -> None:
        self._jobs = jobs
        self._rules = rules

    def process_id(self, definition: JSONObject) -> str:
        """The process that a definition names: by its id, or by its address on this server.

        Raises:
            BadRequest: it names none, or one elsewhere.
        """
        reference = definition.get("process")
        if not isinstance(reference, str) or not reference:
            raise BadRequest("process: must be the id or the address of a process", location="process")
        if "/" not in reference:
            return reference
        try:
            found = self._rules.own.process_id(resolve(reference, f"{self._rules.own.url}/"))
        except ValueError as error:
            raise BadRequest(f"process: {error}", location="process") from None
        if found is None:
            raise BadRequest("process: must be an address of a process of this server", location="process")
        return found

    def create(self, principal: Principal, definition: JSONObject) -> Job:
        """Part 4 /req/job-management/create-response-success: a job with the status `created`.

        Raises:
            NoSuchProcess: its process is not there.
            BadRequest, InvalidInputs, OapipError: the definition is wrong, as in an execution; inputs may be missing.
        """
        process, told = self._checked(principal, definition)
        owner = self._rules.policy.owner(principal)
        job = Job.new(process.id, process.revision, owner, self._rules.engine(process), _kept(definition, process))
        with self._rules.sealing.sealed(replace(job, phase=Phase.CREATED), told) as kept:
            return self._jobs.add(kept)

    def update(self, principal: Principal, job_id: str, changes: JSONObject) -> Job:
        """Part 4 /req/job-management/update-response: each member of `changes` replaces the one in the definition;
        null removes it.

        Raises:
            Locked: the job has been started, or dismissed.
            OapipError: as `create`, and NoSuchJob.
        """
        for _ in range(TRIES):
            job = self._open(principal, job_id)
            merged = {**self._opened(job), **changes}
            definition = {key: value for key, value in merged.items() if value is not None}
            process, told = self._checked(principal, definition)
            changed = replace(
                job.advance(Phase.CREATED, utc_now()),
                request=_kept(definition, process),
                process_id=process.id,
                process_revision=process.revision,
                engine=self._rules.engine(process),
            )
            try:
                with self._rules.sealing.sealed(changed, told) as kept:
                    return self._jobs.define(kept)
            except VersionConflict:
                continue
        raise Locked("the job is being changed by others at this moment; try again")

    def startable(self, principal: Principal, job_id: str) -> Job:
        """The job as it is to be stored (`JobStore.define`) to start it, with the present revision of its process and
        with its secrets in the open (`Sealing.sealed`).

        Raises:
            Locked: the job has been started, or dismissed.
            OapipError: as an execution would, and NoSuchJob.
        """
        job = self._open(principal, job_id)
        definition = self._opened(job)
        process = self._rules.find(principal, job.process_id)
        request = {**self._rules.request(principal, process, definition), DEFINITION: definition}
        return replace(
            job.advance(Phase.ACCEPTED, utc_now()),
            request=request,
            process_revision=process.revision,
            engine=self._rules.engine(process),
        )

    def _opened(self, job: Job) -> JSONObject:
        found: JSONObject = self._rules.sealing.opened(job.request, definition_of(job))
        return found

    def _checked(self, principal: Principal, definition: JSONObject) -> tuple[Process, JSONObject]:
        """The process, and the request as far as it goes."""
        process = self._rules.find(principal, self.process_id(definition))
        optional = {key: replace(item, min_occurs=0) for key, item in process.inputs.items()}
        # without its package, whose types would ask for every input
        request = self._rules.read(principal, replace(process, inputs=optional, package=None), definition)
        names = () if process.package is None else secret_inputs(process.package)
        return process, {**request.to_json(), SECRET_INPUTS: list(names)}

    def _open(self, principal: Principal, job_id: str) -> Job:
        job = self._jobs.get(job_id, self._rules.policy.jobs(principal))
        self._rules.policy.require(principal, Do.CHANGE, job)
        if job.status is not JobStatus.CREATED:
            raise locked(job)
        return job


def locked(job: Job) -> Locked:
    """Part 4 /req/job-management/update-response-locked."""
    return Locked(f"the job is {job.status}; only a job with the status created can be changed or started")


def definition_of(job: Job) -> JSONObject:
    """The body that a job was created or last changed with; empty where it came by an execution."""
    found = job.request.get(DEFINITION)
    return found if isinstance(found, Mapping) else {}


def _kept(definition: JSONObject, process: Process) -> JSONObject:
    owner = {} if process.owner == ANONYMOUS_NAME else {PROCESS_OWNER: process.owner}
    return {**ExecutionRequest({}).to_json(), **owner, DEFINITION: definition}
