"""Part 2: deploy, replace, undeploy. What may be changed, by whom, and against which revision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from .auth.policy import Policy
from .errors import (
    DuplicateProcess,
    ImmutableProcess,
    InvalidPackage,
    NoSuchProcess,
    PreconditionFailed,
    VersionConflict,
)
from .model.identity import ANONYMOUS_NAME, EVERYTHING, Principal
from .model.process import AD_HOC, Process, Source
from .operations import Deployment
from .packages.deployment import given_id, read_deployment, require_media_type
from .staging.base import Stager
from .store.base import ProcessStore

_Result = TypeVar("_Result")


class Deployments:
    """The changes of the process list.

    Args:
        processes: where deployed processes live.
        policy: who may change what.
        stager: reads what packages refer to.
        max_bytes: largest package.
    """

    def __init__(self, processes: ProcessStore, policy: Policy, stager: Stager, max_bytes: int) -> None:
        self._processes = processes
        self._policy = policy
        self._stager = stager
        self._max_bytes = max_bytes

    def read(self, deployment: Deployment) -> Process:
        """The process that a body defines; nothing is stored. Raises as `read_deployment`."""
        return read_deployment(
            deployment.body,
            deployment.content_type or deployment.media_type,
            workflow=deployment.workflow,
            fetch=lambda url: self._stager.fetch(url, self._max_bytes).content,
            max_bytes=self._max_bytes,
        )

    def deploy(self, principal: Principal, deployment: Deployment, most: int = 0) -> Process:
        """Store a new process (/req/deploy-replace-undeploy/deploy-post-op) for somebody who may deploy.

        Args:
            principal: who deploys.
            deployment: the package.
            most: how many deployed processes the owner may have; 0: any number.

        Raises:
            OapipError: as `read`.
            DuplicateProcess, ImmutableProcess: its id is taken.
            StorageFull: the owner has as many as he may have.
        """
        process = replace(self.read(deployment), owner=self._policy.owner(principal))
        if process.id == AD_HOC:
            raise ImmutableProcess(f"the id {AD_HOC} is kept for ad-hoc executions; give the process another one")
        self._refuse_taken(process.id, process.owner)
        try:
            return self._processes.add(process, most=most)
        except DuplicateProcess:
            raise _duplicate(process.id) from None

    def replace(self, principal: Principal, present: Process, deployment: Deployment, expected: int | None) -> Process:
        """Store the next revision of a process; its id and owner stay.

        Raises:
            OapipError: as `read`.
            Forbidden, ImmutableProcess: it may not be changed, or not by this principal.
            InvalidPackage: the process description names another process.
            PreconditionFailed: `expected` is not the present revision.
        """
        require_media_type(deployment.media_type)
        self._policy.require_change(principal, present)
        _require_revision(present, expected)
        named = given_id(deployment.body, deployment.content_type or deployment.media_type, self._max_bytes)
        if named not in ("", present.id):
            raise InvalidPackage(
                f"The process description is of {named!r}, and the address of the request is of {present.id!r}.",
                location="processDescription.id",
            )
        process = replace(self.read(deployment), id=present.id, owner=present.owner)
        return _guarded(lambda: self._processes.replace(process, expected))

    def undeploy(self, principal: Principal, present: Process, expected: int | None) -> None:
        """Take a process out of the list; its running jobs go on. Raises Forbidden, PreconditionFailed."""
        self._policy.require_change(principal, present)
        _require_revision(present, expected)
        _guarded(lambda: self._processes.remove(present.id, expected, present.owner))

    def _refuse_taken(self, process_id: str, owner: str) -> None:
        """Ids are per owner; but those that the administrator gave are nobody else's."""
        if (own := self._of(process_id, owner)) is not None:
            self._policy.require_mutable(own)
            raise _duplicate(process_id)
        server = self._of(process_id, ANONYMOUS_NAME)
        if server is not None and server.source is not Source.DEPLOYED:
            self._policy.require_mutable(server)

    def _of(self, process_id: str, owner: str) -> Process | None:
        try:
            return self._processes.get(process_id, EVERYTHING, owner=owner)
        except NoSuchProcess:
            return None


def _duplicate(process_id: str) -> DuplicateProcess:
    return DuplicateProcess(
        f"a process {process_id} is deployed already; replace it by PUT /processes/{process_id}", processID=process_id
    )


def _require_revision(present: Process, expected: int | None) -> None:
    if expected not in (None, present.revision):
        raise PreconditionFailed("the process has changed since the representation that If-Match names")


def _guarded(change: Callable[[], _Result]) -> _Result:
    try:
        return change()
    except VersionConflict:
        raise PreconditionFailed("the process was changed by another request at the same time") from None
