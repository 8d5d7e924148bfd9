"""One page of the job list, at a cost that does not grow with the number of jobs (durations apart).

A filter by several processes or statuses becomes one branch each, so that every branch walks an index in the order
of the page and stops after as many rows as the page can need. A filter by duration is computed for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, null, select, union_all

from ..model.identity import Scope
from .base import JobPage, JobQuery
from .rows import listed_job, optional_micros, storable
from .tables import jobs

_MOST_BRANCHES = 20
_ORDER = (jobs.c.created.desc(), jobs.c.id)
_LISTED = select(*(column for column in jobs.c if column.name not in ("request", "outputs")))
_KEYS = select(jobs.c.created, jobs.c.id)
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
    common = _given(query, scope)
    if len(processes) <= 1 and len(statuses) <= 1:
        values = (
            common
            | dict(zip(("process",), processes, strict=False))
            | dict(zip(("status_is",), statuses, strict=False))
        )
        page = {"now": now, "most": query.limit + 1, "skip": query.offset}
        rows = connection.execute(_page(frozenset(values)), values | page).all()
    else:
        rows = _merged(connection, _branches(processes, statuses, frozenset(common)), common | {"now": now}, query)
    return JobPage(tuple(listed_job(row) for row in rows[: query.limit]), len(rows) > query.limit)


@lru_cache(maxsize=256)
def _page(given: frozenset[str]) -> Select[Any]:
    """Kept for each combination of filters, because SQLAlchemy takes longer to build a query than SQLite to run it."""
    filtered = _LISTED.where(*(_CONDITIONS[name] for name in sorted(given)))
    return filtered.order_by(*_ORDER).limit(bindparam("most")).offset(bindparam("skip"))


def _given(query: JobQuery, scope: Scope) -> dict[str, Any]:
    limits = {
        "owner_is": scope.owner,
        "from": optional_micros(query.created_from),
        "until": optional_micros(query.created_until),
        "shortest": None if query.min_duration is None else round(query.min_duration * 1e6),
        "longest": None if query.max_duration is None else round(query.max_duration * 1e6),
    }
    return {name: value for name, value in limits.items() if value is not None}


def _branches(processes: Sequence[str], statuses: Sequence[str], given: frozenset[str]) -> list[Select[Any]]:
    common = _KEYS.where(*(_CONDITIONS[name] for name in sorted(given)))
    filters = ((jobs.c.process_id, processes), (jobs.c.status, statuses))
    chosen = [(column, values) for column, values in filters if values]
    combinations = list(product(*(values for _, values in chosen)))
    if len(combinations) > _MOST_BRANCHES:
        return [common.where(*(column.in_(values) for column, values in chosen))]
    return [
        common.where(*(column == value for (column, _), value in zip(chosen, combination, strict=True)))
        for combination in combinations
    ]


def _merged(
    connection: Connection, branches: Sequence[Select[Any]], values: dict[str, Any], query: JobQuery
) -> Sequence[Row[Any]]:
    most = query.offset + query.limit + 1
    parts = [branch.order_by(*_ORDER).limit(most).subquery() for branch in branches]
    found = union_all(*(select(part.c.created, part.c.id) for part in parts)).subquery()
    keys = select(found.c.id).order_by(found.c.created.desc(), found.c.id).limit(query.limit + 1).offset(query.offset)
    ids = connection.execute(keys, values).scalars().all()
    rows = {row.id: row for row in connection.execute(_LISTED.where(jobs.c.id.in_(ids)))}
    return [rows[job_id] for job_id in ids if job_id in rows]
