"""Sharing for `FakeOperations`: nobody is asked whether he may."""

from __future__ import annotations

from ..errors import NoSuchJob, NoSuchProcess
from ..model.identity import PRIVATE, Principal, Role, Sharing
from ..model.job import Job
from ..model.process import Process


class FakeSharing:
    """The methods of `Operations` for sharing."""

    processes_by_id: dict[str, Process]
    jobs_by_id: dict[str, Job]
    error: Exception | None
    """If set, every operation raises it."""

    def process_sharing(self, principal: Principal, process_id: str) -> Sharing:
        """As Operations."""
        return self._kept("processes", self.processes_by_id, process_id, NoSuchProcess).get(process_id, PRIVATE)

    def share_process(self, principal: Principal, process_id: str, sharing: Sharing) -> Sharing:
        """As Operations."""
        self._kept("processes", self.processes_by_id, process_id, NoSuchProcess)[process_id] = sharing
        return sharing

    def names_owners(self, principal: Principal) -> bool:
        """As Operations."""
        return Role.OPERATOR in principal.roles

    def job_sharing(self, principal: Principal, job_id: str) -> Sharing:
        """As Operations."""
        return self._kept("jobs", self.jobs_by_id, job_id, NoSuchJob).get(job_id, PRIVATE)

    def share_job(self, principal: Principal, job_id: str, sharing: Sharing) -> Sharing:
        """As Operations."""
        self._kept("jobs", self.jobs_by_id, job_id, NoSuchJob)[job_id] = sharing
        return sharing

    def _kept(
        self, kind: str, known: object, identifier: str, missing: type[NoSuchJob] | type[NoSuchProcess]
    ) -> dict[str, Sharing]:
        if self.error is not None:
            raise self.error
        if not isinstance(known, dict) or identifier not in known:
            raise missing(f"there is nothing with the id {identifier!r}")
        shared: dict[str, dict[str, Sharing]] = self.__dict__.setdefault("_shared", {})
        return shared.setdefault(kind, {})
