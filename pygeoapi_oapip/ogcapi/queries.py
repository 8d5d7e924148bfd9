"""Query parameters of the lists. Parameters that are not known here are ignored."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from werkzeug.datastructures import MultiDict

from ..errors import InvalidQuery
from ..model.job import JobStatus
from ..store.base import JobQuery
from . import cursors

Query = MultiDict[str, str]

DEEPEST = 100_000
"""Jobs that `offset` or `page` may pass over: their cost grows with it, that of `next` links does not."""

_LISTED = tuple(status for status in JobStatus if status is not JobStatus.CREATED)
"""Where no status is asked for: clients of Part 1 know these five words alone, and refuse a list that has another."""

_ONE_SECOND = timedelta(microseconds=999_999)
_ONE_MILLISECOND = timedelta(microseconds=999)


def window(query: Query, default: int, largest: int) -> tuple[int, int]:
    """Limit and offset of a list.

    Args:
        query: `limit` (at least 1; a larger one than allowed is cut), and `offset` (rows) or `page` (from 0, as
            Weaver's client counts).
        default: limit where none is given.
        largest: limit that is never passed.

    Raises:
        InvalidQuery: one of them is not such a number.
    """
    limit = min(_integer(query, "limit", default, 1), largest)
    page = _integer(query, "page", 0, 0)
    return limit, _integer(query, "offset", page * limit, 0)


def _integer(query: Query, name: str, default: int, least: int) -> int:
    text = query.get(name, "")
    if text == "":
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise InvalidQuery(f"{name}: {text[:40]!r} is not a whole number from {least} on", location=name)
    return int(text)


def tail_of(query: Query, largest: int) -> int:
    """`tail`: how many of the last lines are wanted; 0 where it is not given. Raises InvalidQuery."""
    return min(_integer(query, "tail", 0, 1), largest)


def job_query(query: Query, default: int, largest: int) -> JobQuery:
    """Part 1 job-list parameters.

    Args:
        query: `limit`, `cursor`, `offset` (after the cursor), `page`, `type`, `processID` (or `process`), `status`,
            `datetime`, `minDuration`, `maxDuration`, `shared`; lists by repetition or commas.
        default: limit where none is given.
        largest: limit that is never passed.

    Raises:
        InvalidQuery: naming the parameter.
    """
    limit, offset = window(query, default, largest)
    if offset > DEEPEST:
        name = "offset" if query.get("offset") else "page"
        raise InvalidQuery(
            f"{name}: must not pass over more than {DEEPEST} jobs; follow the next links to go further", location=name
        )
    cursor = query.get("cursor")
    for kind in words(query, "type"):
        if kind != "process":
            raise InvalidQuery(f"type: {kind[:40]!r} is not a type of job here (allowed: process)", location="type")
    since, until = period(query.get("datetime", ""))
    shortest = _durations(query, "minDuration")
    longest = _durations(query, "maxDuration")
    return JobQuery(
        limit=limit,
        offset=offset,
        start=cursors.decode(cursor) if cursor else None,
        process_ids=words(query, "processID") + words(query, "process"),
        statuses=tuple(_status(text) for text in words(query, "status")) or _LISTED,
        created_from=since,
        created_until=until,
        min_duration=max(shortest, default=None),
        max_duration=min(longest, default=None),
        shared=_yes(query, "shared"),
    )


def _yes(query: Query, name: str) -> bool:
    text = query.get(name, "")
    if text not in ("", "true", "false"):
        raise InvalidQuery(f"{name}: {text[:40]!r} is not true or false", location=name)
    return text == "true"


def words(query: Query, name: str) -> tuple[str, ...]:
    """All values of a list parameter, in order, without repetition."""
    texts = (part.strip() for value in query.getlist(name) for part in value.split(","))
    return tuple(dict.fromkeys(text for text in texts if text))


def _status(text: str) -> JobStatus:
    try:
        return JobStatus(text)
    except ValueError:
        allowed = ", ".join(status.value for status in JobStatus)
        raise InvalidQuery(f"status: {text[:40]!r} is not one of {allowed}", location="status") from None


def _durations(query: Query, name: str) -> list[float]:
    found = []
    for text in words(query, name):
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
            raise InvalidQuery(f"{name}: {text[:40]!r} is not a number of seconds", location=name)
        found.append(float(text))
    return found


def period(text: str) -> tuple[datetime | None, datetime | None]:
    """Read `datetime` (Part 1 /req/job-list/datetime-definition).

    Args:
        text: an RFC 3339 date-time or date, or an interval `START/END` with `..` or nothing for an open end. Without a
            zone it is UTC. An instant stands for its whole second, a date for its whole day.

    Returns:
        The first and the last moment, both inclusive; None where open.

    Raises:
        InvalidQuery: it is neither, or ends before it starts.
    """
    if not text:
        return None, None
    start, slash, end = text.partition("/")
    if not slash:
        end = start
    since = None if start in ("", "..") and slash else _moment(start, last=False)
    until = None if end in ("", "..") and slash else _moment(end, last=True)
    if since and until and since > until:
        raise InvalidQuery("datetime: the interval ends before it starts", location="datetime")
    return since, until


def _moment(text: str, last: bool) -> datetime:
    # A `+` of the zone arrives as a blank where the client did not escape it.
    clean = re.sub(r" (?=\d\d:\d\d$)", "+", text)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", clean):
            return datetime.combine(date.fromisoformat(clean), time.max if last else time.min, UTC)
        if not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", clean):
            raise ValueError(clean)
        moment = datetime.fromisoformat(clean.upper())
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidQuery(
            f"datetime: {text[:60]!r} is not an RFC 3339 date-time or interval", location="datetime"
        ) from None
    if not last or moment.microsecond % 1000:
        return moment
    # documents tell milliseconds and hide the rest, and some clients tell seconds
    return moment + (_ONE_MILLISECOND if moment.microsecond else _ONE_SECOND)
