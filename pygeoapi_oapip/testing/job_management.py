"""Part 4 for `FakeOperations`: jobs are created, changed and started without being checked."""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadRequest, NoSuchJob, NoSuchProcess
from ..job_management import definition_of, locked
from ..model.execution import DEFINITION, ExecutionRequest
from ..model.identity import Principal
from ..model.job import Job, Phase, utc_now
from ..model.json import JSONObject
from ..model.process import Process
from ..operations import Preference


class FakeJobManagement:
    """The methods of `Operations` for Part 4."""

    processes_by_id: dict[str, Process]
    jobs_by_id: dict[str, Job]
    error: Exception | None
    """If set, every operation raises it."""

    def defined_process(self, definition: JSONObject) -> str:
        """The last part of the address."""
        found = definition.get("process")
        if not isinstance(found, str):
            raise BadRequest("process: must be the id or the address of a process")
        return found.rpartition("/")[2]

    def create_job(self, principal: Principal, definition: JSONObject) -> Job:
        """Keeps the definition."""
        if self.error is not None:
            raise self.error
        process_id = self.defined_process(definition)
        if process_id not in self.processes_by_id:
            raise NoSuchProcess(f"there is no process {process_id!r}")
        request = {**ExecutionRequest({}).to_json(), DEFINITION: definition}
        job = replace(Job.new(process_id, 1, principal.name, "fake", request), phase=Phase.CREATED)
        self.jobs_by_id[job.id] = job
        return job

    def update_job(self, principal: Principal, job_id: str, changes: JSONObject) -> Job:
        """Keeps the merged definition."""
        job = self._created(job_id)
        definition = {key: value for key, value in {**definition_of(job), **changes}.items() if value is not None}
        self.jobs_by_id[job_id] = replace(job, request={**job.request, DEFINITION: definition})
        return self.jobs_by_id[job_id]

    def start_job(self, principal: Principal, job_id: str, preference: Preference) -> Job:
        """Accepts the job, and leaves it at that."""
        job = self._created(job_id).advance(Phase.ACCEPTED, utc_now())
        self.jobs_by_id[job_id] = job
        return job

    def _created(self, job_id: str) -> Job:
        if self.error is not None:
            raise self.error
        if job_id not in self.jobs_by_id:
            raise NoSuchJob(f"there is no job {job_id!r}")
        job = self.jobs_by_id[job_id]
        if job.phase is not Phase.CREATED:
            raise locked(job)
        return job
