"""Looks for the run of a job at the server: needed where nobody knows whether a request to start it arrived."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ...model.run import JobID
from .api import ListedRun, object_of, page_of, run_log_of
from .client import WesClient, quoted
from .known import KnownRuns
from .request import TAG, job_of

MOST_PAGES = 200
MOST_LOOKS = 2000
"""Runs that are looked at one by one in a search, after those that are known."""
_PAGE = "500"
_AT_ONCE = 8


class CannotTell(Exception):
    """The server does not say enough of its runs; the text says what is missing."""


class Finder:
    """Thread-safe.

    Args:
        client: of the server.
        known: runs that belong to other jobs.
    """

    def __init__(self, client: WesClient, known: KnownRuns) -> None:
        self._client = client
        self._known = known

    def find(self, job_id: JobID) -> str:
        """The id of the run of a job; "" where there is none.

        Raises:
            CannotTell: there are runs that may be of this job.
            EngineUnavailable: it cannot be asked now.
        """
        known = self._known.all()
        unknown: list[ListedRun] = []
        for row in self._listed():
            if row.tags is not None and row.tags.get(TAG) == job_id:
                return row.run_id
            if row.run_id not in known and not (row.tags and TAG in row.tags):
                unknown.append(row)
        if len(unknown) > MOST_LOOKS:
            raise CannotTell(f"its list has {len(unknown)} runs without tags, too many to look at")
        return self._among(unknown, job_id)

    def _among(self, rows: list[ListedRun], job_id: JobID) -> str:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="oapip-wes-find") as pool:
            owners = list(pool.map(lambda row: self._owner(row.run_id), rows))
        for row, owner in zip(rows, owners, strict=True):
            if owner == job_id:
                return row.run_id
        if None in owners:
            raise CannotTell("it does not repeat the requests of its runs, and its list has no tags")
        # not those of other jobs of a server like this one: they may be searched right now
        self._known.add(row.run_id for row, owner in zip(rows, owners, strict=True) if not owner)
        return ""

    def _owner(self, run_id: str) -> str | None:
        """The job that a run is of; "" for one of somebody else, or that was never begun; None if nobody can tell."""
        answer = self._client.get(f"runs/{quoted(run_id)}")
        if answer.status in (403, 404):
            return ""  # of another user, or removed meanwhile
        log = run_log_of(object_of(answer))
        if log.state == "SYSTEM_ERROR" and not log.begun:
            return ""
        if log.request is None:
            # one that ended before its request was kept did nothing
            return "" if log.state == "EXECUTOR_ERROR" and not log.begun else None
        return job_of(log.request)

    def _listed(self) -> list[ListedRun]:
        rows: list[ListedRun] = []
        token = ""
        for _ in range(MOST_PAGES):
            query = {"page_size": _PAGE, **({"page_token": token} if token else {})}
            answer = self._client.get("runs", query)
            if answer.status in (403, 404, 405, 501):
                raise CannotTell(f"it has no list of runs ({answer.status})")
            page = page_of(object_of(answer))
            rows += page.runs
            if not page.next_token or page.next_token == token:
                return rows
            token = page.next_token
        raise CannotTell(f"its list of runs has more than {MOST_PAGES} pages")
