"""One page of the job list, at a cost that does not grow with the number of jobs, nor with the place of the page.

A filter by duration is the one that no index serves together with the order of the page. Where few jobs have such a
duration, they are read by it and put in order. Else the branches are searched, up to `_LOOKED_AT` jobs; a page that is
not full by then ends there, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row

from ..model.identity import Scope
from ..model.job import JobStatus
from . import sql_job_keys
from .base import JobPage, JobQuery, Position
from .rows import from_micros, listed_job, optional_micros, storable, to_micros
from .sql_job_keys import Shape

_MOST_BRANCHES = 120
_LOOKED_AT = 5_000
_RARE = 1_000
_EVERY = 2**62
_SKEW = 60_000_000
"""Microseconds by which the clock of an engine may differ from ours."""


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
    return _Search(connection, query, _shape_and_values(query, scope, processes, now)).page()


def _shape_and_values(
    query: JobQuery, scope: Scope, processes: Sequence[str], now: int
) -> tuple[Shape, dict[str, Any]]:
    statuses = [status.value for status in dict.fromkeys(query.statuses)] or list(JobStatus)
    given = _given(query, scope, now)
    start = query.start
    shape = Shape(
        given=frozenset(given),
        statuses=len(statuses),
        processes=len(processes),
        start=start is not None,
        backwards=start is not None and start.backwards,
        together=len(statuses) * len(processes) > _MOST_BRANCHES,
    )
    values = given | {f"status_{number}": str(status) for number, status in enumerate(statuses)}
    if not shape.together:
        values |= {f"process_{number}": name for number, name in enumerate(processes)}
    if start is not None:
        values |= {"start_created": to_micros(start.created), "start_id": start.id}
    if shape.timed:
        values |= {"now": now, "every": _EVERY}
    return shape, values


def _given(query: JobQuery, scope: Scope, now: int) -> dict[str, Any]:
    until = optional_micros(query.created_until)
    shortest = None if query.min_duration is None else round(query.min_duration * 1e6)
    if shortest is not None and shortest > _SKEW:
        # nothing runs longer than it exists: the newest jobs, where every walk begins, are passed over
        until = min(until or now, now - shortest + _SKEW)
    limits = {
        "owner_is": scope.owner,
        "from": optional_micros(query.created_from),
        "until": until,
        "shortest": shortest,
        "longest": None if query.max_duration is None else round(query.max_duration * 1e6),
    }
    return {name: value for name, value in limits.items() if value is not None}


class _Search:
    def __init__(self, connection: Connection, query: JobQuery, asked: tuple[Shape, dict[str, Any]]) -> None:
        self._connection = connection
        self._query = query
        self._shape, self._values = asked
        self._most = query.limit + 1
        if self._shape.processes:
            names = [name for name in dict.fromkeys(query.process_ids) if storable(name)]
            self._values["processes"] = sql_job_keys.list_value(names, connection.dialect)

    def page(self) -> JobPage:
        if self._shape.timed and self._is_rare():
            rare = {"rare": _RARE, "reach": self._query.offset + self._most}
            return self._whole(self._keys(sql_job_keys.rare_keys, self._shape, rare))
        if self._shape.timed or self._shape.together:
            return self._bounded()
        reach = {"reach": self._query.offset + self._most}
        return self._whole(self._keys(sql_job_keys.page_keys, self._shape, reach))

    def _whole(self, ids: Sequence[str]) -> JobPage:
        return JobPage.cut([listed_job(row) for row in self._rows(ids)], self._query)

    def _bounded(self) -> JobPage:
        """The page from the jobs up to a horizon; where they are too few, the next page goes on from there."""
        horizon = self._horizon()
        shape, offset = self._shape, self._query.offset
        values: dict[str, Any] = {"reach": offset + self._most, "most": offset + self._most, "skip": 0}
        if horizon is not None:
            shape = replace(shape, last=True)
            values |= {"last_created": horizon[0], "last_id": horizon[1]}
        keys = self._keys(sql_job_keys.page_keys, shape, values)
        page = self._whole(keys[offset:])
        if horizon is None or page.more:
            return page
        end = Position(from_micros(horizon[0]), horizon[1], shape.backwards)
        return replace(page, more=True, end=end, left=max(0, offset - len(keys)))

    def _is_rare(self) -> bool:
        bounds = self._shape.given & {"shortest", "longest"}
        values = {name: self._values[name] for name in bounds} | {"rare": _RARE}
        text = sql_job_keys.count_timed(bounds, self._connection.dialect)
        return int(self._connection.exec_driver_sql(text, values).scalar_one()) < _RARE

    def _horizon(self) -> tuple[int, str] | None:
        shape = self._shape
        branches = shape.statuses * (1 if shape.together else max(1, shape.processes))
        share = _LOOKED_AT // branches
        text = sql_job_keys.horizon(shape, self._connection.dialect)
        found = self._connection.exec_driver_sql(text, self._values | {"share": share}).first()
        return None if found is None else (found.created, found.id)

    def _keys(self, statement: Any, shape: Shape, values: dict[str, Any]) -> Sequence[str]:
        text = statement(shape, self._connection.dialect)
        page = {"most": self._most, "skip": self._query.offset}
        return [row[1] for row in self._connection.exec_driver_sql(text, self._values | page | values)]

    def _rows(self, ids: Sequence[str]) -> Sequence[Row[Any]]:
        if not ids:
            return []
        dialect = self._connection.dialect
        values = {"ids": sql_job_keys.list_value(ids, dialect)}
        found = {row[0]: row for row in self._connection.exec_driver_sql(sql_job_keys.rows(dialect), values)}
        return [found[job_id] for job_id in ids if job_id in found]
