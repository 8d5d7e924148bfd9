"""How much one user may ask for."""

from __future__ import annotations

from .errors import TooManyRequests
from .settings import Limits
from .store.base import JobStore

AFTER = 30
"""Seconds after which a client may ask again."""


class Quotas:
    """Refuses what is too much.

    Args:
        jobs: counts them.
        limits: of the configuration.
    """

    def __init__(self, jobs: JobStore, limits: Limits) -> None:
        self._jobs = jobs
        self._most = limits.jobs_per_user

    def require_room(self, owner: str) -> None:
        """One more job may be made. Of requests at the same moment a few more may pass.

        Raises:
            TooManyRequests: the owner has as many as one may have.
        """
        if self._most and (count := self._jobs.unfinished(owner, self._most)) >= self._most:
            raise TooManyRequests(
                f"{count} of your jobs wait or run, and more are not allowed at once; try again when one has ended",
                AFTER,
            )
