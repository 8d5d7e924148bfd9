"""Jobs that act at other services with tokens of their owners (`auth.on_behalf`).

A job may begin long after the request that made it, when the token of that request has expired. So the tokens for all
services are exchanged when the request is admitted, and wait in the database, sealed with the administrator's key,
until the job has ended. The token of the request itself is not kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from .auth.context import current_principal, current_token
from .auth.exchange import EARLY, Given, NotGiven
from .auth.sealing import Sealer, Unreadable
from .errors import ConfigurationError, Forbidden, NoSuchJob, Unavailable
from .model.execution import PARENT
from .model.identity import EVERYTHING
from .model.job import Job
from .settings import Settings
from .settings_auth import OidcAuth, OnBehalf, TokenFor
from .settings_staging_wrap import UserToken
from .settings_workspace import WorkspaceStorage
from .store.base import JobStore
from .store.job_tokens import JobTokenStore, SealedTokens

LOG = logging.getLogger(__name__)

KEPT_AFTER = 86400.0
"""Seconds after its end for which an expired token is told from one that never was."""
_NO_REQUEST = "the request came without a token (a browser that has logged in, or somebody else for the owner)"

Exchange = Callable[[str, TokenFor], Given]
"""A token of the same user for a service. Raises NotGiven, Unavailable."""


class JobTokens(Protocol):
    """The tokens of jobs."""

    def admit(self, job: Job) -> None:
        """Get and keep what a job may need, with the token of the present request, before the job is stored.

        Raises:
            StoreUnavailable: it cannot be kept.
        """
        ...

    def token(self, job_id: str, name: str) -> str | None:
        """The token of a job for a service.

        Args:
            job_id: of the job; a nested process has those of the job that needs it.
            name: of the service.

        Returns:
            None where there is none, and the job shall go on without.

        Raises:
            Forbidden: there is none, or it has expired, and the job shall fail.
            StoreUnavailable: it cannot be read now.
        """
        ...

    def forget(self, job_id: str) -> None:
        """The job has ended. Raises StoreUnavailable."""
        ...

    def sweep(self) -> int:
        """Remove what nobody has forgotten; gives the number of jobs."""
        ...


class NoTokens:
    """Where jobs act as the server only."""

    def admit(self, job: Job) -> None:
        """Nothing."""

    def token(self, job_id: str, name: str) -> str | None:
        """None."""
        return None

    def forget(self, job_id: str) -> None:
        """Nothing."""

    def sweep(self) -> int:
        """Nothing."""
        return 0


class SealedJobTokens:
    """Implements `JobTokens`, and gives the tokens out.

    Args:
        settings: `auth.on_behalf`.
        store: keeps them.
        jobs: tells whose nested process a job is.
        exchange: asks the issuer.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: OnBehalf,
        store: JobTokenStore,
        jobs: JobStore,
        exchange: Exchange,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store
        self._jobs = jobs
        self._exchange = exchange
        self._clock = clock
        self._sealer = Sealer(settings.key, settings.old_keys)

    def admit(self, job: Job) -> None:
        """As `JobTokens.admit`. What the issuer does not give is told when the job needs it."""
        token = current_token() if current_principal().name == job.owner else ""
        rows: dict[str, Any] = {name: {"why": _NO_REQUEST} for name in self._settings.tokens}
        if token:
            rows = dict(self._exchanged(job, token))
        ends = max((row.get("ends", 0.0) for row in rows.values()), default=0.0)
        self._store.put(SealedTokens(job.id, self._sealer.seal(job.id, rows), max(ends, self._clock())))

    def _exchanged(self, job: Job, token: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        fault = ""
        for name, wanted in self._settings.tokens.items():
            try:
                if fault:
                    raise Unavailable(fault)  # it does not come back within this request
                given = self._exchange(token, wanted)
                yield name, {"token": given.token, "ends": given.ends}
            except (NotGiven, Unavailable) as refusal:
                fault = refusal.detail if isinstance(refusal, Unavailable) else ""
                why = fault or f"the identity provider gave none ({refusal})"
                LOG.warning("job %s has no token for %s: %s", job.id, name, why)
                yield name, {"why": why}

    def token(self, job_id: str, name: str) -> str | None:
        """As `JobTokens.token`."""
        why, row = "", self._row(job_id, name)
        if "token" not in row:
            why = str(row.get("why") or "it was not kept, or is gone since")
        elif float(row["ends"]) - EARLY <= self._clock():
            why = "it has expired before the job needed it"
        if not why:
            return str(row["token"])
        if self._settings.missing == "without":
            LOG.warning("job %s goes on without a token for %s: %s", job_id, name, why)
            return None
        raise Forbidden(f"there is no token of the job's owner for {name}: {why}")

    def _row(self, job_id: str, name: str) -> Mapping[str, Any]:
        found = self._store.get(job_id)
        while found is None and (parent := self._parent(job_id)):
            job_id, found = parent, self._store.get(parent)
        if found is None:
            return {}
        try:
            rows: Mapping[str, Mapping[str, Any]] = self._sealer.open(job_id, found.text)
        except Unreadable as error:
            return {"why": str(error)}
        return rows.get(name, {})

    def _parent(self, job_id: str) -> str:
        try:
            return str(self._jobs.get(job_id, EVERYTHING).request.get(PARENT) or "")
        except NoSuchJob:
            return ""

    def forget(self, job_id: str) -> None:
        """As `JobTokens.forget`."""
        self._store.remove(job_id)

    def sweep(self) -> int:
        """As `JobTokens.sweep`."""
        return self._store.sweep(self._clock() - KEPT_AFTER)


def used_names(settings: Settings) -> Mapping[str, str]:
    """The names of services that settings use, and by which key."""
    found = {access.user_token: f"staging.http[{number}]" for number, access in enumerate(settings.staging.http)}
    if isinstance(settings.storage, WorkspaceStorage):
        found[settings.storage.user_token] = "storage"
    parameters = settings.staging.wrap.additional_parameters
    for name, value in parameters.items():
        if isinstance(value, UserToken):
            found[value.service] = f"staging.wrap.additional_parameters.{name}"
    return {name: key for name, key in found.items() if name}


def job_tokens(settings: Settings, store: JobTokenStore, jobs: JobStore) -> JobTokens:
    """What the settings say.

    Raises:
        ConfigurationError: a setting uses a service that `auth.on_behalf` does not have.
    """
    block = settings.auth.on_behalf if isinstance(settings.auth, OidcAuth) else None
    known = block.tokens if block is not None else {}
    for name, key in used_names(settings).items():
        if name not in known:
            raise ConfigurationError(
                f"server.manager.{key}: there is no {name!r} in auth.on_behalf.tokens "
                f"({', '.join(known) or 'which is not set'})"
            )
    if block is None or not isinstance(settings.auth, OidcAuth):
        return NoTokens()
    from .auth.oidc import BearerTokens

    return SealedJobTokens(block, store, jobs, BearerTokens(settings.auth).exchange)
