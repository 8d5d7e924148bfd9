"""One page of the job list, at a cost that does not grow with the number of jobs (durations apart).

A filter by several processes or statuses becomes one branch each, so that every branch walks an index in the order
of the page and stops after as many rows as the page can need. A filter by duration is computed for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, literal, null, select, union_all

from ..model.identity import Scope
from .base import JobPage, JobQuery
from .rows import listed_job, storable, to_micros
from .tables import jobs

_MOST_BRANCHES = 20
_LISTED = [column for column in jobs.c if column.name not in ("request", "outputs")]
_ORDER = (jobs.c.created.desc(), jobs.c.id)


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
    branches = [
        [column == value for column, value in ((jobs.c.process_id, process), (jobs.c.status, status)) if value]
        for process, status in product(processes or [""], statuses or [""])
    ]
    if len(branches) > _MOST_BRANCHES:
        both = ((jobs.c.process_id, processes), (jobs.c.status, statuses))
        branches = [[column.in_(values) for column, values in both if values]]
    common = _common(query, scope, now)
    if len(branches) == 1:
        rows = connection.execute(_page(select(*_LISTED).where(*common, *branches[0]), query)).all()
    else:
        rows = _merged(connection, [select(*_ORDER_KEYS).where(*common, *branch) for branch in branches], query)
    return JobPage(tuple(listed_job(row) for row in rows[: query.limit]), len(rows) > query.limit)


_ORDER_KEYS = (jobs.c.created, jobs.c.id)


def _page(selection: Select[Any], query: JobQuery) -> Select[Any]:
    return selection.order_by(*_ORDER).limit(query.limit + 1).offset(query.offset)


def _merged(connection: Connection, branches: Sequence[Select[Any]], query: JobQuery) -> Sequence[Row[Any]]:
    most = query.offset + query.limit + 1
    parts = [branch.order_by(*_ORDER).limit(most).subquery() for branch in branches]
    found = union_all(*(select(part.c.created, part.c.id) for part in parts)).subquery()
    keys = select(found.c.id).order_by(found.c.created.desc(), found.c.id).limit(query.limit + 1).offset(query.offset)
    ids = connection.execute(keys).scalars().all()
    rows = {row.id: row for row in connection.execute(select(*_LISTED).where(jobs.c.id.in_(ids)))}
    return [rows[job_id] for job_id in ids if job_id in rows]


def _common(query: JobQuery, scope: Scope, now: int) -> list[ColumnElement[bool]]:
    duration = func.coalesce(jobs.c.finished, case((jobs.c.ended, null()), else_=literal(now))) - jobs.c.started
    limits: list[tuple[object, Any]] = [
        (scope.owner, jobs.c.owner == scope.owner),
        (query.created_from, query.created_from and jobs.c.created >= to_micros(query.created_from)),
        (query.created_until, query.created_until and jobs.c.created <= to_micros(query.created_until)),
        (query.min_duration, duration >= round((query.min_duration or 0) * 1e6)),
        (query.max_duration, duration <= round((query.max_duration or 0) * 1e6)),
    ]
    return [condition for given, condition in limits if given is not None]
