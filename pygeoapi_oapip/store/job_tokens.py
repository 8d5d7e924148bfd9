"""Tokens that jobs need later: sealed texts by the id of the job, with an end."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """What a job has."""

    job_id: str
    text: str
    """Sealed; no store can read it."""
    ends: float
    """Seconds since 1970 after which it is of no use."""


class JobTokenStore(Protocol):
    """Raises StoreUnavailable as JobStore does."""

    def put(self, tokens: SealedTokens) -> None:
        """Keep what a job has, in the place of what it had."""
        ...

    def get(self, job_id: str) -> SealedTokens | None:
        """What a job has; None where there is nothing."""
        ...

    def remove(self, job_id: str) -> None:
        """Forget what a job has. Idempotent."""
        ...

    def sweep(self, before: float) -> int:
        """Remove what has ended before a time (seconds since 1970); gives the number."""
        ...


class MemoryJobTokenStore:
    """`JobTokenStore` in memory; thread-safe."""

    def __init__(self) -> None:
        self._rows: dict[str, SealedTokens] = {}
        self._lock = threading.Lock()

    def put(self, tokens: SealedTokens) -> None:
        """As `JobTokenStore.put`."""
        with self._lock:
            self._rows[tokens.job_id] = tokens

    def get(self, job_id: str) -> SealedTokens | None:
        """As `JobTokenStore.get`."""
        with self._lock:
            return self._rows.get(job_id)

    def remove(self, job_id: str) -> None:
        """As `JobTokenStore.remove`."""
        with self._lock:
            self._rows.pop(job_id, None)

    def sweep(self, before: float) -> int:
        """As `JobTokenStore.sweep`."""
        with self._lock:
            old = [key for key, row in self._rows.items() if row.ends < before]
            for key in old:
                del self._rows[key]
        return len(old)
