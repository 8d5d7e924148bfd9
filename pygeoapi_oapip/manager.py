"""The pygeoapi process manager plug-in: the same service behind the stock routes of pygeoapi.

For people who add a plug-in to a pygeoapi that they start in their own way (`pygeoapi serve`, gunicorn with
`pygeoapi.flask_app:APP`). What stock routes cannot say is told in docs/pygeoapi-plugin.md.

pygeoapi builds a manager more than once, also to write the OpenAPI document, so the constructor does nothing: the
service is made at the first use, and the background thread starts with the first request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import flask
from pygeoapi.plugin import load_plugin
from pygeoapi.process.base import BaseProcessor, UnknownProcessError
from pygeoapi.process.manager.base import BaseManager
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode

from .auth.context import current_principal
from .catalogue import PROCESSOR
from .errors import MethodNotAllowed, NoSuchProcess, OapipError
from .model.process import Process
from .operations import Operations
from .stock.answers import Answers
from .stock.faults import ExecuteError, answered
from .stock.host import announce, base_url
from .stock.rows import JSON_TYPE, accepted, job_row, preference, public_status, request_body, response_form
from .store.base import JobQuery

if TYPE_CHECKING:
    from .wiring import Wired

_ALL = 10_000


class LiveProcesses(Mapping[str, dict[str, Any]]):
    """All processes as pygeoapi resources: configured, from folders and deployed, as they are at this moment."""

    def __init__(self, manager: ProcessManager) -> None:
        self._manager = manager

    def __getitem__(self, process_id: str) -> dict[str, Any]:
        try:
            process = self._manager.service.process(current_principal(), process_id)
        except NoSuchProcess:
            raise KeyError(process_id) from None
        return {"type": "process", "processor": {"name": PROCESSOR, "process": process}}

    def __iter__(self) -> Iterator[str]:
        return iter([process.id for process in self._all()])

    def __len__(self) -> int:
        return self._manager.service.processes(current_principal(), 1, 0).total

    def _all(self) -> tuple[Process, ...]:
        return self._manager.service.processes(current_principal(), _ALL, 0).processes


class ProcessManager(BaseManager):  # type: ignore[misc]  # pygeoapi has no types
    """`server.manager.name: pygeoapi_oapip.manager.ProcessManager`."""

    def __init__(self, manager_def: Mapping[str, Any]) -> None:
        """Keep the configuration; nothing else happens here.

        Args:
            manager_def: the `server.manager` block with the `processes` that pygeoapi adds.
        """
        self._definition = manager_def
        super().__init__({**manager_def, "processes": {}})
        self.is_async = True
        self.supports_subscribing = True

    @property
    def wired(self) -> Wired:
        """The server of this configuration in this process. Raises ConfigurationError."""
        from .wiring import wire

        server = {"manager": self._definition, "url": base_url()}
        wired = wire({"server": server, "resources": self._definition.get("processes", {})})
        if flask.has_request_context():
            wired.start_background()
        return wired

    @property
    def service(self) -> Operations:
        """What doors call."""
        return self.wired.service

    @property
    def processes(self) -> Mapping[str, dict[str, Any]]:
        """A live view; pygeoapi looks processes up in it at each request."""
        return LiveProcesses(self)

    @processes.setter
    def processes(self, value: Mapping[str, Any]) -> None:
        """`BaseManager` assigns an empty mapping when it is made; the view stays live."""

    def get_processor(self, process_id: str) -> BaseProcessor:
        """A fresh processor. Raises UnknownProcessError."""
        try:
            resource = self.processes[process_id]
        except KeyError:
            raise UnknownProcessError("Invalid process identifier") from None
        announce(process_id)
        return load_plugin("process", resource["processor"])

    def get_jobs(
        self, status: JobStatus | None = None, limit: int | None = None, offset: int | None = None
    ) -> dict[str, Any]:
        """A page of jobs, newest first; `numberMatched` is exact on the last page and a lower bound before."""
        most = self.wired.settings.limits.max_page
        statuses = (public_status(status),) if status is not None else ()
        query = JobQuery(limit=min(limit or most, most), offset=offset or 0, statuses=statuses)
        with answered():
            page = self.service.jobs(current_principal(), query)
        jobs = [job_row(job) for job in page.jobs]
        return {"jobs": jobs, "numberMatched": query.offset + len(jobs) + (1 if page.more else 0)}

    def get_job(self, job_id: str) -> dict[str, Any]:
        """One job. Raises JobNotFoundError."""
        with answered():
            return job_row(self.service.job(current_principal(), job_id))

    def add_job(self, job_metadata: Mapping[str, Any]) -> str:
        """Not a way to make jobs here: `execute_process` does. Raises MethodNotAllowed."""
        raise MethodNotAllowed("jobs are made by execute_process")

    def update_job(self, job_id: str, update_dict: Mapping[str, Any]) -> bool:
        """Jobs are moved on by the reconciler only. Raises MethodNotAllowed."""
        raise MethodNotAllowed("jobs are moved on by the reconciler")

    def delete_job(self, job_id: str) -> bool:
        """Dismiss (unfinished) or remove (ended) a job. Raises JobNotFoundError."""
        with answered():
            self.service.dismiss(current_principal(), job_id)
        return True

    def get_job_result(self, job_id: str) -> tuple[str, Any]:
        """The results of a job, or, under Flask with `?output=ID&path=PATH`, one file of them.

        Raises:
            JobNotFoundError: there is no such job.
            JobResultNotFoundError: it has no results.
        """
        with answered():
            results = self.service.results(current_principal(), job_id)
            output_id = flask.request.args.get("output") if flask.has_request_context() else None
            if output_id is not None:
                return self._answers().file(results.job, output_id, flask.request.args.get("path", ""))
            return self._answers().rendered(results, response_form(results.job))

    def execute_process(
        self,
        process_id: str,
        data_dict: dict[str, Any],
        execution_mode: RequestedProcessExecutionMode | None = None,
        requested_outputs: dict[str, Any] | None = None,
        subscriber: Any = None,
        requested_response: str | None = "raw",
    ) -> tuple[str, str, Any, JobStatus, dict[str, str] | None]:
        """Make a job, and wait for it where the mode is synchronous.

        Returns:
            Job id, media type, the results or the job status, pygeoapi's status, further headers.

        Raises:
            ExecuteError: with the status and code of the error.
        """
        body = request_body(data_dict, requested_outputs, subscriber, requested_response)
        principal = current_principal()
        try:
            execution = self.service.execute(principal, process_id, body, preference(execution_mode))
            job = execution.job
            if not execution.finished_in_time:
                headers = {"Preference-Applied": RequestedProcessExecutionMode.respond_async.value}
                return job.id, JSON_TYPE, accepted(job), JobStatus.accepted, headers
            form = requested_response or "raw"
            media_type, output = self._answers().rendered(self.service.results(principal, job.id), form)
        except OapipError as error:
            raise ExecuteError(error) from error
        return job.id, media_type, output, JobStatus.successful, None

    def _answers(self) -> Answers:
        return Answers(self.service, current_principal())
