"""Deployed processes and their revisions in a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    func,
    insert,
    select,
    true,
    update,
)

from ..errors import DuplicateProcess, NoSuchProcess, VersionConflict
from ..model.identity import ANONYMOUS_NAME, Scope
from ..model.job import utc_now
from ..model.process import Process
from .base import ProcessPage
from .database import Database
from .process_rows import listed_process, process_from_row, process_row
from .rows import from_micros, storable
from .tables import process_changes, process_revisions, processes

_LISTED = [c for c in process_revisions.c if c.name not in ("package", "document", "source")]
_ID: BindParameter[str] = bindparam("process_id")
_PRESENT = and_(process_revisions.c.process_id == processes.c.id, process_revisions.c.revision == processes.c.revision)
_DEPLOYED = processes.c.deployed.is_(true())
_CHANGES = "SELECT value FROM process_changes"
_COUNT_UP = update(process_changes).values(value=process_changes.c.value + 1)
_KNOWN = select(processes).where(processes.c.id == _ID)
_BY_NUMBER = select(process_revisions).where(
    process_revisions.c.process_id == _ID, process_revisions.c.revision == bindparam("number")
)
_CURRENT = select(process_revisions).join(processes, _PRESENT).where(processes.c.id == _ID, _DEPLOYED)
_HISTORY = select(*_LISTED).where(process_revisions.c.process_id == _ID).order_by(process_revisions.c.revision.desc())
_ADD_REVISION = insert(process_revisions)


class SqlProcessStore:
    """`ProcessStore` over SQLite or PostgreSQL. Processes of `anonymous` are public: every scope sees them.

    Args:
        database: set up by `migrations.upgrade`.
        clock: the present time, with time zone.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def revision(self) -> int:
        """A number that grows with each change to any process."""
        return self._database.number(_CHANGES)

    def add(self, process: Process) -> Process:
        """Store a new process; `created` and `updated` are now. Raises DuplicateProcess."""
        now = self._clock()
        with self._changing() as connection:
            known = _known(connection, process.id)
            if known is not None and known.deployed:
                raise DuplicateProcess(f"A process {process.id!r} is deployed.", location="id")
            number = 1 if known is None else known.revision + 1
            stored = replace(process, revision=number, created=now, updated=now)
            entry = {"owner": process.owner, "deployed": True, "revision": number}
            if known is None:
                connection.execute(insert(processes), {"id": process.id, **entry})
            else:
                connection.execute(update(processes).where(processes.c.id == process.id).values(entry))
            connection.execute(_ADD_REVISION, process_row(stored))
        return stored

    def replace(self, process: Process, expected: int | None = None) -> Process:
        """Store the next revision; `created` stays, `updated` is now. Raises NoSuchProcess, VersionConflict."""
        with self._changing() as connection:
            known = _deployed(connection, process.id, expected)
            before = connection.execute(
                _BY_NUMBER.with_only_columns(process_revisions.c.created),
                {"process_id": process.id, "number": known.revision},
            ).scalar_one()
            stored = replace(process, revision=known.revision + 1, created=from_micros(before), updated=self._clock())
            entry = {"owner": process.owner, "revision": stored.revision}
            connection.execute(update(processes).where(processes.c.id == process.id).values(entry))
            connection.execute(_ADD_REVISION, process_row(stored))
        return stored

    def remove(self, process_id: str, expected: int | None = None) -> None:
        """Undeploy; revisions stay. Raises NoSuchProcess, VersionConflict."""
        with self._changing() as connection:
            _deployed(connection, process_id, expected)
            connection.execute(update(processes).where(processes.c.id == process_id).values(deployed=False))

    def get(self, process_id: str, scope: Scope, revision: int | None = None) -> Process:
        """The process with its package: the present revision or a past one. Raises NoSuchProcess."""
        if storable(process_id):
            with self._database.read() as connection:
                statement = _CURRENT if revision is None else _BY_NUMBER
                row = connection.execute(statement, {"process_id": process_id, "number": revision}).first()
                if row is not None and _visible(row.owner, scope):
                    return process_from_row(row)
        raise _missing(process_id)

    def list(self, limit: int, offset: int, scope: Scope) -> ProcessPage:
        """Present revisions, without packages, by id."""
        mine = _scoped(scope)
        page = (
            select(*_LISTED)
            .join(processes, _PRESENT)
            .where(_DEPLOYED, *mine)
            .order_by(processes.c.id)
            .limit(limit + 1)
            .offset(offset)
        )
        with self._database.read() as connection:
            rows = connection.execute(page).all()
            total = connection.execute(select(func.count()).select_from(processes).where(_DEPLOYED, *mine)).scalar_one()
        return ProcessPage(tuple(listed_process(row) for row in rows[:limit]), len(rows) > limit, total)

    def history(self, process_id: str, scope: Scope) -> Sequence[Process]:
        """All revisions that the scope sees, newest first, without packages. Raises NoSuchProcess where the
        process is not deployed."""
        with self._database.read() as connection:
            if not _visible(_deployed(connection, process_id).owner, scope):
                raise _missing(process_id)
            rows = connection.execute(_HISTORY, {"process_id": process_id}).all()
        return [listed_process(row) for row in rows if _visible(row.owner, scope)]

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A write transaction that counts up first: the counter's row lock lets one change go on at a time."""
        with self._database.write() as connection:
            connection.execute(_COUNT_UP)
            yield connection


def _known(connection: Connection, process_id: str) -> Row[Any] | None:
    if not storable(process_id):
        return None
    return connection.execute(_KNOWN, {"process_id": process_id}).first()


def _deployed(connection: Connection, process_id: str, expected: int | None = None) -> Row[Any]:
    known = _known(connection, process_id)
    if known is None or not known.deployed:
        raise _missing(process_id)
    if expected not in (None, known.revision):
        raise VersionConflict(f"the present revision is {known.revision}")
    return known


def _missing(process_id: str) -> NoSuchProcess:
    return NoSuchProcess(f"There is no process {process_id!r}.")


def _visible(owner: str, scope: Scope) -> bool:
    return scope.owner in (None, owner) or owner == ANONYMOUS_NAME


def _scoped(scope: Scope) -> list[ColumnElement[bool]]:
    return [] if scope.owner is None else [processes.c.owner.in_((scope.owner, ANONYMOUS_NAME))]
