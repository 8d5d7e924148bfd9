"""The service with an audit: each change, each reading of another's results, and each refusal is written down."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .auth.base import LoginLog
from .auth.context import current_address
from .errors import Forbidden, OapipError, StoreUnavailable
from .model.identity import Principal, Sharing
from .model.job import Job, utc_now
from .model.json import JSON, JSONObject
from .model.process import Process
from .operations import Deployment, Execution, Preference, Results
from .service import Collaborators, ProcessingService
from .store.audit import AuditEntry, AuditStore

LOG = logging.getLogger(__name__)


@dataclass
class _Deed:
    object: str = ""
    kept: bool = True
    """False: not worth a row, if it succeeds."""


class AuditedService(ProcessingService):
    """Implements `Operations`. A deed that cannot be written down is done all the same, and told in the log.

    Args:
        parts: of the service.
        audit: where entries go.
    """

    def __init__(self, parts: Collaborators, audit: AuditStore) -> None:
        super().__init__(parts)
        self._audit = audit

    def deploy(self, principal: Principal, deployment: Deployment) -> Process:
        """As `Operations`."""
        with self._deed(principal, "deploy") as deed:
            process = super().deploy(principal, deployment)
            deed.object = f"process:{process.id}"
            return process

    def replace(
        self, principal: Principal, process_id: str, deployment: Deployment, expected: int | None = None
    ) -> Process:
        """As `Operations`."""
        with self._deed(principal, "replace", f"process:{process_id}"):
            return super().replace(principal, process_id, deployment, expected)

    def undeploy(self, principal: Principal, process_id: str, expected: int | None = None) -> None:
        """As `Operations`."""
        with self._deed(principal, "undeploy", f"process:{process_id}"):
            super().undeploy(principal, process_id, expected)

    def share_process(self, principal: Principal, process_id: str, sharing: Sharing) -> Sharing:
        """As `Operations`."""
        with self._deed(principal, _share(sharing), f"process:{process_id}"):
            return super().share_process(principal, process_id, sharing)

    def execute(self, principal: Principal, process_id: str, body: JSON, preference: Preference) -> Execution:
        """As `Operations`."""
        with self._deed(principal, f"execute {process_id}", f"process:{process_id}") as deed:
            execution = super().execute(principal, process_id, body, preference)
            deed.object = f"job:{execution.job.id}"
            return execution

    def execute_cwl(
        self, principal: Principal, deployment: Deployment, body: JSON, preference: Preference
    ) -> Execution:
        """As `Operations`."""
        with self._deed(principal, "execute own CWL") as deed:
            execution = super().execute_cwl(principal, deployment, body, preference)
            deed.object = f"job:{execution.job.id}"
            return execution

    def create_job(self, principal: Principal, definition: JSONObject) -> Job:
        """As `Operations`."""
        with self._deed(principal, "create") as deed:
            job = super().create_job(principal, definition)
            deed.object = f"job:{job.id}"
            return job

    def update_job(self, principal: Principal, job_id: str, changes: JSONObject) -> Job:
        """As `Operations`."""
        with self._deed(principal, "change", f"job:{job_id}"):
            return super().update_job(principal, job_id, changes)

    def start_job(self, principal: Principal, job_id: str, preference: Preference) -> Job:
        """As `Operations`."""
        with self._deed(principal, "start", f"job:{job_id}"):
            return super().start_job(principal, job_id, preference)

    def dismiss(self, principal: Principal, job_id: str) -> Job:
        """As `Operations`."""
        with self._deed(principal, "dismiss", f"job:{job_id}"):
            return super().dismiss(principal, job_id)

    def share_job(self, principal: Principal, job_id: str, sharing: Sharing) -> Sharing:
        """As `Operations`."""
        with self._deed(principal, _share(sharing), f"job:{job_id}"):
            return super().share_job(principal, job_id, sharing)

    def results(self, principal: Principal, job_id: str) -> Results:
        """As `Operations`; the owner's own reading is not written down."""
        with self._deed(principal, "read results", f"job:{job_id}") as deed:
            found = super().results(principal, job_id)
            deed.kept = found.job.owner != principal.name
            return found

    @contextmanager
    def _deed(self, principal: Principal, what: str, about: str = "") -> Iterator[_Deed]:
        """Write down what is done in the block, or that it was refused; other failures changed nothing."""
        deed = _Deed(about)
        try:
            yield deed
        except Forbidden as error:
            self._write(principal, what, deed.object, f"{error.status} {error.title or 'Forbidden'}")
            raise
        except OapipError:
            raise
        if deed.kept:
            self._write(principal, what, deed.object, "done")

    def _write(self, principal: Principal, what: str, about: str, outcome: str) -> None:
        context = principal.context if principal.context != principal.name else ""
        entry = AuditEntry(utc_now(), principal.name, context, current_address(), what, about, outcome)
        try:
            self._audit.append(entry)
        except StoreUnavailable as fault:
            LOG.error("the audit lacks an entry (%s): %s", fault.detail, entry)


def login_log(audit: AuditStore) -> LoginLog:
    """Writes logins into the audit."""

    def write(what: str, who: str, outcome: str, address: str) -> None:
        entry = AuditEntry(utc_now(), who, "", address, what, "", outcome)
        try:
            audit.append(entry)
        except StoreUnavailable as fault:
            LOG.error("the audit lacks an entry (%s): %s", fault.detail, entry)

    return write


def _share(sharing: Sharing) -> str:
    if sharing.public:
        return "share with everybody"
    return f"share with {', '.join(sorted(sharing.groups))}" if sharing.groups else "make private"
