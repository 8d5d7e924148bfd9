"""One page of the job list, at a cost that does not grow with the number of jobs (durations apart).

A filter by several processes or statuses becomes one branch each, so that every branch walks an index in the order
of the page and stops after as many rows as the page can need. A filter by duration is computed for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, null, select, union_all

from ..model.identity import Scope
from ..model.job import JobStatus
from .base import JobPage, JobQuery
from .rows import listed_job, optional_micros, storable
from .tables import jobs

_MOST_BRANCHES = 20
_SKEW = 60_000_000
"""Microseconds by which the clock of an engine may differ from ours."""
_ORDER = (jobs.c.created.desc(), jobs.c.id)
_LISTED = select(*(column for column in jobs.c if column.name not in ("request", "outputs")))
_KEYS = select(jobs.c.created, jobs.c.id)
_THESE = _LISTED.where(jobs.c.id.in_(bindparam("ids", expanding=True)))
_COLUMNS = {"process": jobs.c.process_id, "status_is": jobs.c.status}
_DURATION = func.coalesce(jobs.c.finished, case((jobs.c.ended, null()), else_=bindparam("now"))) - jobs.c.started
_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "owner_is": jobs.c.owner == bindparam("owner_is"),
    "process": jobs.c.process_id == bindparam("process"),
    "status_is": jobs.c.status == bindparam("status_is"),
    "from": jobs.c.created >= bindparam("from"),
    "until": jobs.c.created <= bindparam("until"),
    "shortest": bindparam("shortest") <= _DURATION,
    "longest": bindparam("longest") >= _DURATION,
}


def page_of(connection: Connection, query: JobQuery, scope: Scope, now: int) -> JobPage:
    """The page.

    Args:
        connection: in a transaction.
        query: what is asked for.
        scope: whose jobs.
        now: microseconds since 1970, for the duration of jobs that run.
    """
    processes = [name for name in dict.fromkeys(query.process_ids) if storable(name)]
    if (query.process_ids and not processes) or not storable(scope.owner or ""):
        return JobPage((), False)
    statuses = [status.value for status in dict.fromkeys(query.statuses)]
    if len(statuses) == len(JobStatus):
        statuses = []
    given = _given(query, scope, now)
    page = {"now": now, "most": query.limit + 1, "skip": query.offset}
    if len(processes) <= 1 and len(statuses) <= 1:
        values = given | dict(zip(("process",), processes, strict=False))
        values |= dict(zip(("status_is",), statuses, strict=False))
        rows = connection.execute(_page(frozenset(values)), values | page).all()
    else:
        rows = _merged(connection, processes, statuses, (given, page))
    return JobPage(tuple(listed_job(row) for row in rows[: query.limit]), len(rows) > query.limit)


@lru_cache(maxsize=256)
def _page(given: frozenset[str]) -> Select[Any]:
    """Kept for each combination of filters, because SQLAlchemy takes longer to build a query than SQLite to run it."""
    filtered = _LISTED.where(*(_CONDITIONS[name] for name in sorted(given)))
    return filtered.order_by(*_ORDER).limit(bindparam("most")).offset(bindparam("skip"))


def _given(query: JobQuery, scope: Scope, now: int) -> dict[str, Any]:
    until = optional_micros(query.created_until)
    shortest = None if query.min_duration is None else round(query.min_duration * 1e6)
    if shortest is not None and shortest > _SKEW:
        # nothing runs longer than it exists: the newest jobs, where every walk along an index begins, are passed over
        until = min(until or now, now - shortest + _SKEW)
    limits = {
        "owner_is": scope.owner,
        "from": optional_micros(query.created_from),
        "until": until,
        "shortest": shortest,
        "longest": None if query.max_duration is None else round(query.max_duration * 1e6),
    }
    return {name: value for name, value in limits.items() if value is not None}


def _merged(
    connection: Connection,
    processes: Sequence[str],
    statuses: Sequence[str],
    others: tuple[dict[str, Any], dict[str, Any]],
) -> Sequence[Row[Any]]:
    given, page = others
    chosen = [(name, values) for name, values in (("process", processes), ("status_is", statuses)) if values]
    sizes = tuple((name, len(values)) for name, values in chosen)
    if prod(size for _, size in sizes) > _MOST_BRANCHES:
        keys = _in_lists(frozenset(given), tuple(name for name, _ in sizes))
        values: dict[str, Any] = {f"{name}_in": each for name, each in chosen}
    else:
        keys = _union(frozenset(given), sizes)
        values = {f"{name}_{number}": value for name, each in chosen for number, value in enumerate(each)}
        values["reach"] = page["most"] + page["skip"]
    ids = connection.execute(keys, given | page | values).scalars().all()
    rows = {row.id: row for row in connection.execute(_THESE, {"ids": ids})}
    return [rows[job_id] for job_id in ids if job_id in rows]


@lru_cache(maxsize=256)
def _union(given: frozenset[str], sizes: tuple[tuple[str, int], ...]) -> Select[Any]:
    """The keys of a page, from one branch for each combination of values; kept as in `_page`."""
    common = _KEYS.where(*(_CONDITIONS[name] for name in sorted(given))).order_by(*_ORDER).limit(bindparam("reach"))
    numbered = [[_COLUMNS[name] == bindparam(f"{name}_{number}") for number in range(size)] for name, size in sizes]
    parts = [common.where(*combination).subquery() for combination in product(*numbered)]
    found = union_all(*(select(part.c.created, part.c.id) for part in parts)).subquery()
    ordered = select(found.c.id).order_by(found.c.created.desc(), found.c.id)
    return ordered.limit(bindparam("most")).offset(bindparam("skip"))


@lru_cache(maxsize=256)
def _in_lists(given: frozenset[str], names: tuple[str, ...]) -> Select[Any]:
    """The same for very many combinations, which would make too long a query."""
    lists = (_COLUMNS[name].in_(bindparam(f"{name}_in", expanding=True)) for name in names)
    filtered = select(jobs.c.id).where(*(_CONDITIONS[name] for name in sorted(given)), *lists)
    return filtered.order_by(*_ORDER).limit(bindparam("most")).offset(bindparam("skip"))
