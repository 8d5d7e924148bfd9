"""FakeOperations: the operations over plain dictionaries, for tests of doors. Jobs end the way that a test sets."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ..errors import (
    BadRequest,
    DuplicateProcess,
    ImmutableProcess,
    JobFailed,
    NoSuchJob,
    NoSuchOutput,
    NoSuchProcess,
    PreconditionFailed,
    ResultNotAvailable,
    ResultNotReady,
    UnsupportedMediaType,
    WorkflowNotFound,
)
from ..model.execution import ExecutionRequest, OutputRequest, ResponseForm, Transmission
from ..model.identity import Principal
from ..model.job import Goal, Job, JobStatus, Phase
from ..model.json import JSON, JSONObject
from ..model.process import AD_HOC, Package, Process
from ..model.run import LogLine
from ..model.value import DirectoryOutput, FileOutput, Inline, OutputValue, output_from_json, output_to_json
from ..operations import Deployment, DirectoryEntry, Execution, Health, Preference, Results, ServedFile
from ..results import find_file
from ..store.base import JobPage, JobQuery, ProcessPage
from ..store.notifications import Subscription
from ..validate import validate
from .job_management import FakeJobManagement

Found = FileOutput | tuple[DirectoryOutput, str]

CWL_TYPES = (
    "application/cwl",
    "application/cwl+yaml",
    "application/cwl+json",
    "application/ogcapppkg+json",
    "application/json",
)


@dataclass
class FakeOperations(FakeJobManagement):
    """Implements `operations.Operations` in memory."""

    workspace: Path
    """Folder of the result files; `href`s of outputs are relative to it."""
    processes_by_id: dict[str, Process] = field(default_factory=dict)
    jobs_by_id: dict[str, Job] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    outputs: dict[str, OutputValue] = field(default_factory=dict)
    """What every execution makes."""
    problem: JSONObject | None = None
    """If set, every execution fails with it."""
    log: list[LogLine] = field(default_factory=list)
    healthy: bool = True
    degraded: bool = False
    error: Exception | None = None
    """If set, every operation raises it."""
    validates: bool = False
    """If true, execute bodies have to fit the description; else anything goes."""
    preferences: list[Preference] = field(default_factory=list)
    bodies: list[JSON] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    queries: list[JobQuery] = field(default_factory=list)
    changes: int = 0
    lists: int = 0
    """How often a list was really made."""

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def revision(self) -> str:
        """As Operations."""
        self._check()
        return str(self.changes)

    def processes(self, principal: Principal, limit: int, offset: int) -> ProcessPage:
        """As Operations."""
        self._check()
        self.lists += 1
        rows = sorted(self.processes_by_id.values(), key=lambda process: process.id)
        page = tuple(replace(row, package=None) for row in rows[offset : offset + limit])
        return ProcessPage(page, offset + limit < len(rows), len(rows))

    def process(self, principal: Principal, process_id: str) -> Process:
        """As Operations."""
        self._check()
        if process_id not in self.processes_by_id:
            raise NoSuchProcess(f"there is no process {process_id!r}")
        return self.processes_by_id[process_id]

    def history(self, principal: Principal, process_id: str) -> Sequence[Process]:
        """As Operations."""
        return [self.process(principal, process_id)]

    def package(self, principal: Principal, process_id: str) -> Package:
        """As Operations."""
        found = self.process(principal, process_id).package
        if found is None:
            raise ImmutableProcess("a built-in process has no package")
        return found

    def deploy(self, principal: Principal, deployment: Deployment) -> Process:
        """Deploys a process whose id is the body."""
        self._check()
        process = self._read(deployment)
        if process.id in self.processes_by_id:
            raise DuplicateProcess(f"{process.id} is deployed", processID=process.id)
        return self._keep(process)

    def replace(
        self, principal: Principal, process_id: str, deployment: Deployment, expected: int | None = None
    ) -> Process:
        """As Operations."""
        process = self._read(deployment)
        old = self._mutable(principal, process_id, expected)
        return self._keep(replace(process, id=process_id, revision=old.revision + 1))

    def undeploy(self, principal: Principal, process_id: str, expected: int | None = None) -> None:
        """As Operations."""
        del self.processes_by_id[self._mutable(principal, process_id, expected).id]
        self.changes += 1

    def _mutable(self, principal: Principal, process_id: str, expected: int | None) -> Process:
        found = self.process(principal, process_id)
        if not found.mutable:
            raise ImmutableProcess(f"{process_id} is configured")
        if expected not in (None, found.revision):
            raise PreconditionFailed(f"{process_id} has revision {found.revision}")
        return found

    def _read(self, deployment: Deployment) -> Process:
        self.deployments.append(deployment)
        if deployment.media_type not in CWL_TYPES:
            raise UnsupportedMediaType(f"{deployment.media_type or 'no media type'} is not supported")
        if deployment.workflow == "absent":
            raise WorkflowNotFound("the package has no entry point 'absent'")
        text = deployment.body.decode("utf-8", "replace").strip()
        if not text:
            raise BadRequest("the body is empty")
        package = Package({}, "", deployment.body, deployment.media_type)
        return Process(text, "1.0.0", text, "", {}, {}, package)

    def _keep(self, process: Process) -> Process:
        self.processes_by_id[process.id] = process
        self.changes += 1
        return process

    def execute(self, principal: Principal, process_id: str, body: JSON, preference: Preference) -> Execution:
        """Ends at once where the request does not ask for async; else the job stays accepted."""
        process = self.process(principal, process_id)
        self.preferences.append(preference)
        self.bodies.append(body)
        assert isinstance(body, Mapping)
        wanted = validate(body, process) if self.validates else request_of(body)
        job = Job.new(process.id, process.revision, principal.name, "fake", wanted.to_json())
        if preference.wait is not None and not preference.respond_async:
            job = self.finish(job)
        self.jobs_by_id[job.id] = job
        return Execution(job, job.ended)

    def execute_cwl(
        self, principal: Principal, deployment: Deployment, body: JSON, preference: Preference
    ) -> Execution:
        """As `execute`, of a process whose id is the package."""
        self.processes_by_id[AD_HOC] = replace(self._read(deployment), id=AD_HOC)
        return self.execute(principal, AD_HOC, body, preference)

    def job_package(self, principal: Principal, job_id: str) -> Package:
        """As Operations, of the present revision."""
        return self.package(principal, self.job(principal, job_id).process_id)

    def finish(self, job: Job) -> Job:
        """End a job the way that `outputs` and `problem` say, and keep it."""
        now = datetime.now(UTC)
        if self.problem is not None:
            ended = job.advance(Phase.FAILED, now, problem=self.problem)
        else:
            outputs = {key: output_to_json(value) for key, value in self.outputs.items()}
            ended = job.advance(Phase.SUCCESSFUL, now, progress=100, outputs=outputs)
        self.jobs_by_id[job.id] = ended
        return ended

    def jobs(self, principal: Principal, query: JobQuery) -> JobPage:
        """As Operations, with the filters for process and status."""
        self._check()
        self.queries.append(query)
        rows = [
            job
            for job in sorted(self.jobs_by_id.values(), key=lambda job: job.created, reverse=True)
            if (not query.process_ids or job.process_id in query.process_ids)
            and (not query.statuses or job.status in query.statuses)
        ]
        if query.start is not None:
            rows = [job for job in rows if job.created < query.start.created]
        return JobPage.cut(rows[query.offset : query.offset + query.limit + 1], query)

    def job(self, principal: Principal, job_id: str) -> Job:
        """As Operations."""
        self._check()
        if job_id not in self.jobs_by_id:
            raise NoSuchJob(f"there is no job {job_id!r}")
        return self.jobs_by_id[job_id]

    def callbacks(self, principal: Principal, job_id: str) -> Subscription | None:
        """As Operations."""
        return self.subscriptions.get(self.job(principal, job_id).id)

    def results(self, principal: Principal, job_id: str) -> Results:
        """As Operations."""
        job = self.job(principal, job_id)
        if not job.ended:
            raise ResultNotReady("the job has not ended")
        if job.status is JobStatus.DISMISSED:
            raise ResultNotAvailable("the job was dismissed")
        if job.outputs is None:
            raise JobFailed.because(job.problem)
        wanted = ExecutionRequest.from_json(job.request).outputs
        outputs = {
            key: output_from_json(value) for key, value in job.outputs.items() if wanted is None or key in wanted
        }
        return Results(job, self.processes_by_id[job.process_id], outputs)

    def result_file(self, principal: Principal, job_id: str, output_id: str, path: str) -> ServedFile:
        """As Operations."""
        found = self._found(principal, job_id, output_id, path)
        if isinstance(found, tuple):
            directory, below = found
            file = self.workspace / directory.href / below
            if below and not file.is_file():
                raise NoSuchOutput("this is not a file")
            return ServedFile(file, file.name, "text/plain") if below else self._archive(directory)
        return ServedFile(self.workspace / found.href, found.name, found.media_type)

    def directory(self, principal: Principal, job_id: str, output_id: str, path: str) -> Sequence[DirectoryEntry]:
        """As Operations."""
        found = self._found(principal, job_id, output_id, path)
        if not isinstance(found, tuple) or not (self.workspace / found[0].href / found[1]).is_dir():
            raise NoSuchOutput("this is not a folder")
        root = self.workspace / found[0].href / found[1]
        files = sorted(file for file in root.rglob("*") if file.is_file())
        return [DirectoryEntry(file.relative_to(root).as_posix(), file.stat().st_size, "text/plain") for file in files]

    def _found(self, principal: Principal, job_id: str, output_id: str, path: str) -> Found:
        outputs = self.results(principal, job_id).outputs
        found = find_file(outputs[output_id], path) if output_id in outputs else None
        if found is None:
            raise NoSuchOutput("nothing has this path")
        return found

    def _archive(self, directory: DirectoryOutput) -> ServedFile:
        target = self.workspace / f"{directory.name}.zip"
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for file in sorted((self.workspace / directory.href).rglob("*")):
                archive.write(file, file.relative_to(self.workspace / directory.href).as_posix())
        target.write_bytes(content.getvalue())
        return ServedFile(target, target.name, "application/zip")

    def logs(self, principal: Principal, job_id: str) -> Iterator[LogLine]:
        """As Operations."""
        self.job(principal, job_id)
        return iter(self.log)

    def dismiss(self, principal: Principal, job_id: str) -> Job:
        """As Operations."""
        job = self.job(principal, job_id)
        if job.ended:
            del self.jobs_by_id[job_id]
            return job
        self.jobs_by_id[job_id] = replace(job, goal=Goal.DISMISS)
        return self.jobs_by_id[job_id]

    def health(self) -> Health:
        """As Operations."""
        return Health(self.healthy, {"store": {"ok": self.healthy, "detail": ""}}, self.degraded)


def request_of(body: JSONObject) -> ExecutionRequest:
    """An execute body without any validation."""
    inputs, outputs = body.get("inputs") or {}, body.get("outputs")
    if not isinstance(inputs, Mapping) or not (outputs is None or isinstance(outputs, Mapping)):
        raise BadRequest("inputs and outputs are objects")
    response = body.get("response")
    return ExecutionRequest(
        {key: Inline(value) for key, value in inputs.items()},
        None if outputs is None else {key: _output(item) for key, item in outputs.items()},
        ResponseForm(str(response)) if response in ("raw", "document") else None,
    )


def _output(item: JSON) -> OutputRequest:
    if not isinstance(item, Mapping):
        return OutputRequest()
    mode, form = item.get("transmissionMode"), item.get("format")
    kind = form.get("mediaType") if isinstance(form, Mapping) else None
    return OutputRequest(Transmission(str(mode)) if mode in ("value", "reference") else None, str(kind or ""))
