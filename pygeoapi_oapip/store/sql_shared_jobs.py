"""A page of the jobs of others that are shared with somebody.

It begins at the jobs that are shared at all, so that its cost is theirs and not that of all jobs.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from ..model.identity import Scope
from .base import JobPage, JobQuery
from .rows import listed_job, storable, to_micros
from .tables import job_sharing, jobs

_LISTED = tuple(column for column in jobs.c if column.name not in ("request", "outputs"))


def shared_page(connection: Connection, query: JobQuery, scope: Scope, now: int) -> JobPage:
    """The page.

    Args:
        connection: in a transaction.
        query: what is asked for.
        scope: of one user; jobs of his own are left out.
        now: microseconds since 1970, for the duration of jobs that run.
    """
    backwards = query.start is not None and query.start.backwards
    order = (jobs.c.created.asc(), jobs.c.id.desc()) if backwards else (jobs.c.created.desc(), jobs.c.id.asc())
    found = (
        select(*_LISTED)
        .join(job_sharing, job_sharing.c.job_id == jobs.c.id)
        .where(_reached(scope, connection.dialect), jobs.c.owner != literal(scope.owner), *_wanted(query, now))
        .order_by(*order)
        .limit(query.limit + 1)
        .offset(query.offset)
    )
    if not storable(scope.owner or "") or (query.process_ids and not any(map(storable, query.process_ids))):
        return JobPage((), False)
    return JobPage.cut([listed_job(row) for row in connection.execute(found)], query)


def _reached(scope: Scope, dialect: Dialect) -> ColumnElement[bool]:
    groups = sorted(name for name in scope.groups if storable(name))
    public = job_sharing.c.public.is_(true())
    if not groups:
        return public
    if dialect.name == "sqlite":
        names = func.json_each(job_sharing.c.groups).table_valued("value")
    else:
        names = func.jsonb_array_elements_text(cast(job_sharing.c.groups, JSONB)).table_valued(column("value"))
    return or_(public, exists(select(names.c.value).where(names.c.value.in_(groups))))


def _wanted(query: JobQuery, now: int) -> Iterator[ColumnElement[bool]]:
    """The filters of the list."""
    if query.process_ids:
        yield jobs.c.process_id.in_([name for name in query.process_ids if storable(name)])
    if query.statuses:
        yield jobs.c.status.in_([status.value for status in query.statuses])
    if query.created_from is not None:
        yield jobs.c.created >= to_micros(query.created_from)
    if query.created_until is not None:
        yield jobs.c.created <= to_micros(query.created_until)
    lasted = func.coalesce(jobs.c.finished, now) - jobs.c.started
    if query.min_duration is not None:
        yield lasted >= round(query.min_duration * 1e6)
    if query.max_duration is not None:
        yield lasted <= round(query.max_duration * 1e6)
    if (start := query.start) is not None:
        at = to_micros(start.created)
        before, after = jobs.c.created > at, jobs.c.created < at
        same = jobs.c.created == at
        if start.backwards:
            yield or_(before, same & (jobs.c.id < start.id))
        else:
            yield or_(after, same & (jobs.c.id > start.id))
