"""Processes in memory; see `memory`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from ..errors import DuplicateProcess, NoSuchProcess, VersionConflict
from ..model.identity import ANONYMOUS_NAME, EVERYTHING, PRIVATE, SERVER_NAME, Scope, Sharing
from ..model.job import utc_now
from ..model.process import Process, Source
from .base import ProcessPage
from .fair import refuse_processes

_Key = tuple[str, str]


class MemoryProcessStore:
    """`ProcessStore` in memory; thread-safe.

    Args:
        clock: the present time, with time zone.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._revisions: dict[_Key, list[Process]] = {}
        self._sharing: dict[_Key, Sharing] = {}
        """Of those that are deployed."""
        self._changes = 0
        self._lock = threading.RLock()

    def revision(self) -> int:
        """As `ProcessStore.revision`."""
        return self._changes

    def add(self, process: Process, *, most: int = 0) -> Process:
        """As `ProcessStore.add`."""
        key = (process.id, process.owner)
        with self._lock:
            if key in self._sharing:
                raise DuplicateProcess(f"A process {process.id!r} is deployed.", location="id")
            present = (self._revisions[one][-1] for one in self._sharing if one[1] == process.owner)
            refuse_processes(sum(one.source is Source.DEPLOYED for one in present), most)
            self._sharing[key] = PRIVATE
            return self._append(process, None)

    def replace(self, process: Process, expected: int | None = None) -> Process:
        """As `ProcessStore.replace`."""
        with self._lock:
            return self._append(process, self._present(process.id, EVERYTHING, process.owner, expected).created)

    def remove(self, process_id: str, expected: int | None = None, owner: str | None = None) -> None:
        """As `ProcessStore.remove`."""
        with self._lock:
            found = self._present(process_id, EVERYTHING, owner, expected)
            del self._sharing[found.id, found.owner]
            self._changes += 1

    def share(self, process_id: str, owner: str, sharing: Sharing) -> Process:
        """As `ProcessStore.share`."""
        with self._lock:
            self._present(process_id, EVERYTHING, owner)
            self._sharing[process_id, owner] = sharing
            self._changes += 1
            return self._present(process_id, EVERYTHING, owner)

    def get(self, process_id: str, scope: Scope, revision: int | None = None, owner: str | None = None) -> Process:
        """As `ProcessStore.get`."""
        with self._lock:
            if revision is None:
                return self._present(process_id, scope, owner)
            past = [
                self._shown(one)
                for (name, _), rows in self._revisions.items()
                for one in rows
                if name == process_id and one.revision == revision and owner in (None, one.owner)
            ]
        return _best(past, scope) or _missing(process_id)

    def list(self, limit: int, offset: int, scope: Scope) -> ProcessPage:
        """As `ProcessStore.list`."""
        with self._lock:
            present = [self._shown(self._revisions[key][-1]) for key in self._sharing]
        names = sorted({one.id for one in present})
        best = [_best([one for one in present if one.id == name], scope) for name in names]
        found = [replace(one, package=None) for one in best if one is not None]
        return ProcessPage(tuple(found[offset : offset + limit]), len(found) > offset + limit, len(found))

    def history(self, process_id: str, scope: Scope) -> Sequence[Process]:
        """As `ProcessStore.history`."""
        with self._lock:
            owner = self._present(process_id, scope, None).owner
            found = [self._shown(process) for process in reversed(self._revisions[process_id, owner])]
        return [replace(process, package=None) for process in found]

    def _present(self, process_id: str, scope: Scope, owner: str | None, expected: int | None = None) -> Process:
        keys = [key for key in self._sharing if key[0] == process_id and owner in (None, key[1])]
        found = _best([self._shown(self._revisions[key][-1]) for key in keys], scope) or _missing(process_id)
        if expected not in (None, found.revision):
            raise VersionConflict(f"the present revision is {found.revision}")
        return found

    def _shown(self, process: Process) -> Process:
        return replace(process, sharing=self._sharing.get((process.id, process.owner), PRIVATE))

    def _append(self, process: Process, created: datetime | None) -> Process:
        revisions = self._revisions.setdefault((process.id, process.owner), [])
        now = self._clock()
        stored = replace(process, revision=len(revisions) + 1, created=created or now, updated=now)
        revisions.append(stored)
        self._changes += 1
        return self._shown(stored)


def _missing(process_id: str) -> NoReturn:
    raise NoSuchProcess(f"There is no process {process_id!r}.")


def _best(found: Sequence[Process], scope: Scope) -> Process | None:
    seen = [process for process in found if _visible(process, scope)]
    return min(seen, key=lambda process: (_rank(process, scope), process.owner), default=None)


def _visible(process: Process, scope: Scope) -> bool:
    if scope.owner in (None, process.owner) or process.owner == ANONYMOUS_NAME:
        return True
    return process.sharing.reaches(scope.groups)


def _rank(process: Process, scope: Scope) -> int:
    if process.owner == scope.preferred:
        return 0
    if process.owner in (ANONYMOUS_NAME, SERVER_NAME):
        return 1
    return 2 if process.sharing.public else 3 if process.sharing.reaches(scope.groups) else 4
