"""`prev` and `next` links of the job list.

They go on from a job and not from a number, so that they cost the same at any depth, and no job is shown twice or left
out when others come and go.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from ..store.base import JobPage, JobQuery, Position
from . import cursors
from .links import JSON_TYPE, Link, link

_PLACE = ("limit", "cursor", "offset", "page")


def links_of(address: str, arguments: Iterable[tuple[str, str]], query: JobQuery, page: JobPage) -> list[Link]:
    """The links of one page.

    Args:
        address: of the list, without a query.
        arguments: the parameters of the request; the links keep those that filter.
        query: the same, as it was asked of the store.
        page: the answer.
    """
    kept = [(key, text) for key, text in arguments if key not in _PLACE]

    def at(position: Position | None, left: int = 0) -> str:
        cursor = [("cursor", cursors.encode(position))] if position else []
        offset = [("offset", str(left))] if left else []
        return f"{address}?{urlencode([*kept, ('limit', str(query.limit)), *cursor, *offset])}"

    on = at(page.end, page.left) if page.more else ""
    if query.start is not None and query.start.backwards:
        before, after = on, at(_last(page))
    else:
        before, after = at(_first(page)) if query.start or query.offset else "", on
    found = [link(before, "prev", JSON_TYPE, "Previous page")] if before else []
    return [*found, link(after, "next", JSON_TYPE, "Next page")] if after else found


# An empty page has no job to go on from; the link leads to the start of the list.


def _first(page: JobPage) -> Position | None:
    return Position(page.jobs[0].created, page.jobs[0].id, backwards=True) if page.jobs else None


def _last(page: JobPage) -> Position | None:
    return Position(page.jobs[-1].created, page.jobs[-1].id) if page.jobs else None
