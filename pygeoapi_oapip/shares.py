"""Processes and jobs that are shared with groups, or with everybody."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .auth.policy import Policy
from .errors import Conflict, NoSuchProcess
from .model.identity import ANONYMOUS_NAME, Principal, Scope, Sharing
from .model.job import Job
from .model.process import Process
from .store.base import JobStore, ProcessStore


class Shares:
    """Reads and changes who beside the owner may see a thing.

    Args:
        processes: where processes are.
        jobs: where jobs are.
        policy: who may share what, and with whom.
    """

    def __init__(self, processes: ProcessStore, jobs: JobStore, policy: Policy) -> None:
        self._processes = processes
        self._jobs = jobs
        self._policy = policy

    def of_process(self, principal: Principal, process: Process) -> Sharing:
        """With whom a process is shared. Raises Forbidden, ImmutableProcess: not one that the principal can share."""
        self._policy.require_change(principal, process)
        return process.sharing

    def share_process(self, principal: Principal, process: Process, sharing: Sharing) -> Sharing:
        """Share a process.

        Raises:
            Forbidden, ImmutableProcess: not this one, or not with these groups.
            Conflict: there is a public process of this id.
        """
        before = self.of_process(principal, process)
        self._policy.require_group(principal, sharing.groups - before.groups)
        if sharing.public and not before.public and self._is_public(process):
            raise Conflict(f"there is a public process {process.id} already; only one can have this id")
        return self._processes.share(process.id, process.owner, sharing).sharing

    def names_owners(self, principal: Principal) -> bool:
        """Whether the principal is told whose a job is."""
        return self._policy.names_owners(principal)

    def of_job(self, principal: Principal, job: Job) -> Sharing:
        """With whom a job is shared. Raises Forbidden."""
        self._policy.require_share(principal, job)
        return self._jobs.sharing(job.id)

    def share_job(self, principal: Principal, job: Job, sharing: Sharing) -> Sharing:
        """Share a job: status, log, inputs and results. Raises Forbidden: not this one, or not with these groups."""
        before = self.of_job(principal, job)
        self._policy.require_group(principal, sharing.groups - before.groups)
        self._jobs.share(job.id, sharing)
        return sharing

    def _is_public(self, process: Process) -> bool:
        try:
            found = self._processes.get(process.id, Scope(ANONYMOUS_NAME))
        except NoSuchProcess:
            return False
        return found.owner != process.owner


class SharingOperations(ABC):
    """The operations of the service about sharing."""

    _shares: Shares

    @abstractmethod
    def process(self, principal: Principal, process_id: str) -> Process:
        """As `Operations`."""

    @abstractmethod
    def job(self, principal: Principal, job_id: str) -> Job:
        """As `Operations`."""

    def process_sharing(self, principal: Principal, process_id: str) -> Sharing:
        """With whom a process is shared."""
        return self._shares.of_process(principal, self.process(principal, process_id))

    def share_process(self, principal: Principal, process_id: str, sharing: Sharing) -> Sharing:
        """Share a process."""
        return self._shares.share_process(principal, self.process(principal, process_id), sharing)

    def names_owners(self, principal: Principal) -> bool:
        """Whether the principal is told whose a job is."""
        return self._shares.names_owners(principal)

    def job_sharing(self, principal: Principal, job_id: str) -> Sharing:
        """With whom a job is shared."""
        return self._shares.of_job(principal, self.job(principal, job_id))

    def share_job(self, principal: Principal, job_id: str, sharing: Sharing) -> Sharing:
        """Share a job."""
        return self._shares.share_job(principal, self.job(principal, job_id), sharing)
