"""Deployed processes and their revisions in a database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from ..errors import DuplicateProcess, NoSuchProcess, VersionConflict
from ..model.identity import EVERYTHING, PRIVATE, Scope, Sharing
from ..model.job import utc_now
from ..model.process import Process, Source
from .base import ProcessPage
from .database import Database
from .fair import refuse_processes
from .process_rows import listed_process, process_from_row, process_row, sharing_of
from .rows import from_micros, storable, to_text
from .sql_process_scope import best, order, visible
from .tables import process_changes, process_groups, process_revisions, processes

_SHARING = (processes.c.public, processes.c.groups)
_WHOLE = (*process_revisions.c, *_SHARING)
_LISTED = [c for c in _WHOLE if c.name not in ("package", "document", "source")]
_SAME = and_(process_revisions.c.process_id == processes.c.id, process_revisions.c.owner == processes.c.owner)
_PRESENT = and_(_SAME, process_revisions.c.revision == processes.c.revision)
_DEPLOYED = processes.c.deployed.is_(true())
_CHANGES = "SELECT value FROM process_changes"
_COUNT_UP = update(process_changes).values(value=process_changes.c.value + 1)
_THIS = and_(processes.c.id == bindparam("this_id"), processes.c.owner == bindparam("this_owner"))
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

    def add(self, process: Process, *, most: int = 0) -> Process:
        """Store a new process; `created` and `updated` are now. Raises DuplicateProcess, StorageFull."""
        now = self._clock()
        with self._changing() as connection:
            known = _of_owner(connection, process.id, process.owner)
            if known is not None and known.deployed:
                raise DuplicateProcess(f"A process {process.id!r} is deployed.", location="id")
            if most:
                refuse_processes(_number_deployed(connection, process.owner), most)
            number = 1 if known is None else known.revision + 1
            stored = replace(process, revision=number, created=now, updated=now, sharing=PRIVATE)
            entry = {"deployed": True, "revision": number, "public": False, "groups": "[]"}
            if known is None:
                connection.execute(insert(processes), {"id": process.id, "owner": process.owner, **entry})
            else:
                connection.execute(update(processes).where(_THIS).values(entry), _key(process.id, process.owner))
            connection.execute(_ADD_REVISION, process_row(stored))
        return stored

    def replace(self, process: Process, expected: int | None = None) -> Process:
        """Store the next revision; `created` stays, `updated` is now. Raises NoSuchProcess, VersionConflict."""
        with self._changing() as connection:
            known = _deployed(connection, process.id, EVERYTHING, process.owner, expected)
            before = connection.execute(
                select(process_revisions.c.created).join(processes, _PRESENT).where(_THIS),
                _key(process.id, process.owner),
            ).scalar_one()
            stored = replace(
                process,
                revision=known.revision + 1,
                created=from_micros(before),
                updated=self._clock(),
                sharing=sharing_of(known.public, known.groups),
            )
            connection.execute(
                update(processes).where(_THIS).values(revision=stored.revision), _key(process.id, process.owner)
            )
            connection.execute(_ADD_REVISION, process_row(stored))
        return stored

    def remove(self, process_id: str, expected: int | None = None, owner: str | None = None) -> None:
        """Undeploy; revisions stay. Raises NoSuchProcess, VersionConflict."""
        with self._changing() as connection:
            known = _deployed(connection, process_id, EVERYTHING, owner, expected)
            _share(connection, process_id, known.owner, PRIVATE)
            connection.execute(update(processes).where(_THIS).values(deployed=False), _key(process_id, known.owner))

    def share(self, process_id: str, owner: str, sharing: Sharing) -> Process:
        """Say who beside its owner sees a process. Raises NoSuchProcess."""
        with self._changing() as connection:
            _deployed(connection, process_id, EVERYTHING, owner)
            _share(connection, process_id, owner, sharing)
        return self.get(process_id, EVERYTHING, owner=owner)

    def get(self, process_id: str, scope: Scope, revision: int | None = None, owner: str | None = None) -> Process:
        """The process with its package: the present revision or a past one. Raises NoSuchProcess."""
        if storable(process_id) and storable(owner or ""):
            joined = _PRESENT if revision is None else _SAME
            chosen = _DEPLOYED if revision is None else process_revisions.c.revision == revision
            query = select(*_WHOLE).join(processes, joined).where(chosen)
            with self._database.read() as connection:
                row = connection.execute(_one(query, process_id, scope, owner)).first()
                if row is not None:
                    return process_from_row(row)
        raise _missing(process_id)

    def list(self, limit: int, offset: int, scope: Scope) -> ProcessPage:
        """Present revisions, without packages, by id."""
        mine = (_DEPLOYED, visible(processes, scope), best(scope))
        page = (
            select(*_LISTED)
            .join(processes, _PRESENT)
            .where(*mine)
            .order_by(processes.c.id)
            .limit(limit + 1)
            .offset(offset)
        )
        with self._database.read() as connection:
            rows = connection.execute(page).all()
            total = connection.execute(select(func.count()).select_from(processes).where(*mine)).scalar_one()
        return ProcessPage(tuple(listed_process(row) for row in rows[:limit]), len(rows) > limit, total)

    def history(self, process_id: str, scope: Scope) -> Sequence[Process]:
        """All revisions of the process that `get` gives, newest first, without packages. Raises NoSuchProcess where
        it is not deployed."""
        with self._database.read() as connection:
            known = _deployed(connection, process_id, scope, None)
            query = select(*_LISTED).join(processes, _SAME).where(_THIS).order_by(process_revisions.c.revision.desc())
            rows = connection.execute(query, _key(process_id, known.owner)).all()
        return [listed_process(row) for row in rows]

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A write transaction that counts up first: the counter's row lock lets one change go on at a time."""
        with self._database.write() as connection:
            connection.execute(_COUNT_UP)
            yield connection


def _key(process_id: str, owner: str) -> dict[str, str]:
    return {"this_id": process_id, "this_owner": owner}


def _one(query: Select[Any], process_id: str, scope: Scope, owner: str | None) -> Select[Any]:
    """The row of the process that `ProcessStore.get` means."""
    conditions: list[ColumnElement[bool]] = [processes.c.id == process_id, visible(processes, scope)]
    if owner is not None:
        conditions.append(processes.c.owner == owner)
    return query.where(*conditions).order_by(*order(processes, scope)).limit(1)


def _number_deployed(connection: Connection, owner: str) -> int:
    """The server's own processes belong to `anonymous` too, and are not deployed."""
    query = select(process_revisions.c.summary).join(processes, _PRESENT).where(_DEPLOYED, processes.c.owner == owner)
    summaries = connection.execute(query).scalars()
    return sum(json.loads(summary)["source"] == Source.DEPLOYED for summary in summaries)


def _of_owner(connection: Connection, process_id: str, owner: str) -> Row[Any] | None:
    if not storable(process_id) or not storable(owner):
        return None
    return connection.execute(select(processes).where(_THIS), _key(process_id, owner)).first()


def _deployed(
    connection: Connection, process_id: str, scope: Scope, owner: str | None, expected: int | None = None
) -> Row[Any]:
    known = None
    if storable(process_id):
        known = connection.execute(_one(select(processes).where(_DEPLOYED), process_id, scope, owner)).first()
    if known is None:
        raise _missing(process_id)
    if expected not in (None, known.revision):
        raise VersionConflict(f"the present revision is {known.revision}")
    return known


def _share(connection: Connection, process_id: str, owner: str, sharing: Sharing) -> None:
    names = sorted(sharing.groups)
    rows = process_groups.c
    connection.execute(delete(process_groups).where(rows.process_id == process_id, rows.owner == owner))
    if names:
        connection.execute(
            insert(process_groups), [{"process_id": process_id, "owner": owner, "name": name} for name in names]
        )
    changes = {"public": sharing.public, "groups": to_text(names)}
    connection.execute(update(processes).where(_THIS).values(changes), _key(process_id, owner))


def _missing(process_id: str) -> NoSuchProcess:
    return NoSuchProcess(f"There is no process {process_id!r}.")
