"""The queries of the job list, as text for one database; each is built once for each combination of filters.

A page is put together from branches, one for each status (and process) that it may hold. Every branch walks an index in
the order of the page and stops after as many keys as the page can need, so that its cost does not grow with the number
of jobs. All values are parameters; the text holds names of columns only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from .statements import driver_text
from .tables import DURATION, RUNNING, TIMED, jobs

_LISTED = tuple(column for column in jobs.c if column.name not in ("request", "outputs"))
_FILTERED = (jobs.c.created, jobs.c.id, jobs.c.owner, jobs.c.process_id, jobs.c.status, jobs.c.started)
_BOUNDS = ("shortest", "longest")
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
_Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """All that changes the text of a query."""

    given: frozenset[str]
    """Which of owner_is, from, until, shortest, longest there are."""
    statuses: int
    """`status_0`, ... one or more."""
    processes: int
    """`process_0`, ..., and all of them in the list `processes`; 0: any process."""
    start: bool = False
    """The page begins at the key `start_created`, `start_id`."""
    backwards: bool = False
    last: bool = False
    """The search ends with the key `last_created`, `last_id`."""
    together: bool = False
    """One branch for all processes (`processes`, a list), where there are too many for one each."""

    @property
    def timed(self) -> bool:
        """There is a filter by duration."""
        return not self.given.isdisjoint(_BOUNDS)


@lru_cache(maxsize=512)
def page_keys(shape: Shape, dialect: Dialect) -> str:
    """Keys of a page: parameters of the shape, `reach` (keys to take from each branch), `most`, `skip`."""
    parts = [
        _walk(shape, _common(shape, jobs), _lasting(shape, DURATION), branch) for branch in _branches(shape, dialect)
    ]
    if shape.timed:
        parts.append(_running(shape, dialect))
    return _page(shape, [_first(part, "reach") for part in parts], dialect)


@lru_cache(maxsize=512)
def rare_keys(shape: Shape, dialect: Dialect) -> str:
    """The same where few jobs have such a duration (at most `rare`): all of them are read, and put in order."""
    few = _timed(shape.given).with_only_columns(*_FILTERED).subquery()
    found = select(few.c.created, few.c.id).where(*_common(shape, few), *_chosen(shape, few, dialect))
    return _page(shape, [found, _first(_running(shape, dialect), "reach")], dialect)


@lru_cache(maxsize=16)
def count_timed(given: frozenset[str], dialect: Dialect) -> str:
    """How many ended jobs have such a duration; never more than `rare`."""
    return driver_text(select(func.count()).select_from(_timed(given).subquery()), dialect)


@lru_cache(maxsize=512)
def horizon(shape: Shape, dialect: Dialect) -> str:
    """The first key, in the order of the page, that has `share` others before it in its branch; no row where all
    branches are shorter."""
    # where the processes are together, all jobs count that the search looks at
    counted = replace(shape, processes=0) if shape.together else shape
    walks = (_walk(shape, _common(shape, jobs), (), branch) for branch in _branches(counted, dialect))
    ends = (walk.limit(_ONE).offset(bindparam("share")).subquery() for walk in walks)
    found = union_all(*(select(end.c.created, end.c.id) for end in ends)).subquery()
    first = select(found.c.created, found.c.id).order_by(*_order(shape, found)).limit(_ONE).offset(_ZERO)
    return driver_text(first, dialect)


@lru_cache(maxsize=4)
def rows(dialect: Dialect) -> str:
    """The rows of the list `ids`."""
    return driver_text(select(*_LISTED).where(_in_list(jobs.c.id, "ids", dialect)), dialect)


def list_value(values: Sequence[str], dialect: Dialect) -> object:
    """A list as the value of one parameter."""
    return json.dumps(values) if dialect.name == "sqlite" else list(values)


def _page(shape: Shape, parts: list[Select[Any]], dialect: Dialect) -> str:
    if len(parts) == 1:
        return driver_text(parts[0].limit(bindparam("most")).offset(bindparam("skip")), dialect)
    wrapped = [part.subquery() for part in parts]
    found = union_all(*(select(part.c.created, part.c.id) for part in wrapped)).subquery()
    keys = select(found.c.created, found.c.id).order_by(*_order(shape, found))
    return driver_text(keys.limit(bindparam("most")).offset(bindparam("skip")), dialect)


def _walk(shape: Shape, *conditions: tuple[_Condition, ...]) -> Select[Any]:
    every = (condition for some in conditions for condition in some)
    return select(jobs.c.created, jobs.c.id).where(*every).order_by(*_order(shape, jobs))


def _first(query: Select[Any], number: str) -> Select[Any]:
    # SQLite has no LIMIT without OFFSET in SQLAlchemy's words, and would take a parameter for it
    return query.limit(bindparam(number)).offset(_ZERO)


def _order(shape: Shape, rows: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    if shape.backwards:
        return rows.c.created.asc(), rows.c.id.desc()
    return rows.c.created.desc(), rows.c.id.asc()


def _common(shape: Shape, rows: FromClause) -> tuple[_Condition, ...]:
    """The filters of all branches but the duration."""
    created, identifier = rows.c.created, rows.c.id
    found: list[_Condition] = []
    if "owner_is" in shape.given:
        found.append(rows.c.owner == bindparam("owner_is"))
    if "from" in shape.given:
        found.append(created >= bindparam("from"))
    if "until" in shape.given:
        found.append(created <= bindparam("until"))
    if shape.start:
        moment, job_id = _key("start")
        # the range comes first and by itself, because it is what an index is entered by
        if shape.backwards:
            found += [created >= moment, or_(created > moment, identifier < job_id)]
        else:
            found += [created <= moment, or_(created < moment, identifier > job_id)]
    if shape.last:
        moment, job_id = _key("last")
        if shape.backwards:
            found += [created <= moment, or_(created < moment, identifier >= job_id)]
        else:
            found += [created >= moment, or_(created > moment, identifier <= job_id)]
    return tuple(found)


def _key(name: str) -> tuple[ColumnElement[int], ColumnElement[str]]:
    return bindparam(f"{name}_created", type_=jobs.c.created.type), bindparam(f"{name}_id", type_=jobs.c.id.type)


def _branches(shape: Shape, dialect: Dialect) -> Iterator[tuple[_Condition, ...]]:
    statuses = [jobs.c.status == bindparam(f"status_{number}") for number in range(shape.statuses)]
    if shape.processes == 0:
        return ((status,) for status in statuses)
    if shape.together:
        return ((status, _in_list(jobs.c.process_id, "processes", dialect)) for status in statuses)
    processes = [jobs.c.process_id == bindparam(f"process_{number}") for number in range(shape.processes)]
    return product(statuses, processes)


def _chosen(shape: Shape, rows: FromClause, dialect: Dialect) -> tuple[_Condition, ...]:
    """Status and process, where there is one branch only."""
    statuses = rows.c.status.in_([bindparam(f"status_{number}") for number in range(shape.statuses)])
    if shape.processes == 0:
        return (statuses,)
    return statuses, _in_list(rows.c.process_id, "processes", dialect)


def _in_list(column: ColumnElement[str], name: str, dialect: Dialect) -> _Condition:
    # SQLite takes a time that grows with the square of the number of named parameters
    if dialect.name == "sqlite":
        return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))
    return column == any_(bindparam(name, type_=ARRAY(Text)))


def _lasting(shape: Shape, span: ColumnElement[Any]) -> tuple[_Condition, ...]:
    return _between(span, shape.given) if shape.timed else ()


def _running(shape: Shape, dialect: Dialect) -> Select[Any]:
    # with a limit of its own, so that no database reads it by another index than the one of running jobs
    every = select(*_FILTERED).where(RUNNING, jobs.c.finished.is_(None)).order_by(*_order(shape, jobs))
    now = _first(every, "every").subquery()
    span = bindparam("now", type_=now.c.started.type) - now.c.started
    conditions = (*_between(span, shape.given), *_common(shape, now), *_chosen(shape, now, dialect))
    return select(now.c.created, now.c.id).where(*conditions).order_by(*_order(shape, now))


def _timed(given: frozenset[str]) -> Select[Any]:
    """Ended jobs by duration, at most `rare` of them."""
    lasting = and_(TIMED, *_between(DURATION, given))
    return _first(select(jobs.c.id).where(lasting).order_by(DURATION), "rare")


def _between(span: ColumnElement[Any], given: frozenset[str]) -> tuple[_Condition, ...]:
    found: list[_Condition] = []
    if "shortest" in given:
        found.append(span >= bindparam("shortest", type_=jobs.c.started.type))
    if "longest" in given:
        found.append(span <= bindparam("longest", type_=jobs.c.started.type))
    return tuple(found)
