"""Who did what, when, from where, to which object: rows that are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed, or one that was refused. It holds no secret: no inputs, no tokens."""

    moment: datetime
    who: str
    context: str
    """In whose context, where it is another's; "" else."""
    address: str
    """Of the client, or of the proxy before us."""
    what: str
    """`deploy`, `execute`, ..."""
    object: str
    """`process:ID` or `job:ID`; "" where there was none."""
    outcome: str
    """`done`, or the status and the kind of refusal."""


class AuditStore(Protocol):
    """Where the entries are."""

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. Raises StoreUnavailable."""
        ...

    def forget(self, before: datetime) -> int:
        """Remove the entries that are older, where the administrator wants it; gives their number. Raises
        StoreUnavailable."""
        ...

    def entries(self, limit: int, who: str | None = None, since: datetime | None = None) -> Sequence[AuditEntry]:
        """The newest ones, newest first. Raises StoreUnavailable."""
        ...
