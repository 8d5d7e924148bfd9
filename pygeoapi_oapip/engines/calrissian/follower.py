"""Knows the Jobs and pods of one server at any time: one list and one watch for all of them, whatever their number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import EngineUnavailable
from .client import Cluster, Refused
from .names import JOB

LOG = logging.getLogger(__name__)

WATCH = 300
"""Seconds after which a watch is opened again."""
POLL = 2.0
"""Seconds between lists where the account may not watch."""
IDLE = 60.0
"""Seconds without a question after which nothing is followed."""
LONGEST_PAUSE = 15.0
_GONE = 410

Row = Mapping[str, Any]


class Collection:
    """The objects of one kind with the labels of this server, as of now.

    Args:
        cluster: where they are.
        path: of the API, for example `/apis/batch/v1/namespaces/x/jobs`.
        selector: label selector.
        changed: called after each change.
    """

    def __init__(self, cluster: Cluster, path: str, selector: str, changed: Callable[[], None]) -> None:
        self._cluster, self._path, self._selector, self._changed = cluster, path, selector, changed
        self._rows: Mapping[str, Row] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = 0.0
        self._answered = threading.Event()
        self.fault = ""
        """Why nothing is known now; "" while it is."""
        self.forbidden = False
        """True if the account may not list this kind."""

    def rows(self, job_id: str, wait: float) -> Sequence[Row] | None:
        """The objects with the label of a job (its safe id). None where nothing is known now.

        Args:
            job_id: as in the label.
            wait: seconds to wait for the first answer.
        """
        self._go_on()
        self._answered.wait(wait)
        if self.fault or self.forbidden or not self._answered.is_set():
            return None
        return [row for row in self._rows.values() if _label(row) == job_id]

    def all(self, wait: float) -> Sequence[Row] | None:
        """All objects, as `rows`."""
        self.rows("", wait)
        return None if self.fault or not self._answered.is_set() else list(self._rows.values())

    def learn(self, row: Row) -> None:
        """Know of an object that was just made, before the cluster tells of it."""
        if self._answered.is_set():
            self._apply("ADDED", row)

    def rest(self) -> None:
        """Stop following, soon; the next question begins it again."""
        with self._lock:
            self._asked = float("-inf")

    def _go_on(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="oapip-calrissian", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = 0.5
        while not self._idle():
            try:
                version = self._list()
                pause = 0.5
                self._watch(version)
            except EngineUnavailable as fault:
                self._lost(fault.detail)
                time.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            except Refused as refusal:
                if refusal.status == _GONE:
                    continue
                self._lost(refusal.message)
                self.forbidden = refusal.status == 403
                time.sleep(LONGEST_PAUSE)
            except Exception as error:
                # The thread is shared by all jobs: a defect must not end it.
                LOG.exception("the cluster is followed again")
                self._lost(f"a defect of the server: {type(error).__name__}")
                time.sleep(LONGEST_PAUSE)

    def _idle(self) -> bool:
        with self._lock:
            if time.monotonic() - self._asked < IDLE:
                return False
            self._thread = None
            self._answered.clear()
            return True

    def _list(self) -> str:
        found: dict[str, Row] = {}
        more = ""
        while True:
            query = {"labelSelector": self._selector, "limit": "500", **({"continue": more} if more else {})}
            page = self._cluster.get(self._path, **query)
            found.update((_name(row), row) for row in page["items"])
            more = page["metadata"].get("continue") or ""
            if not more:
                break
        self._rows, self.fault, self.forbidden = found, "", False
        self._answered.set()
        self._changed()
        return str(page["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> None:
        """Follow until the watch ends for a reason that is none to list again for less than a new list."""
        while not self._idle():
            try:
                events = self._cluster.watch(
                    self._path, WATCH, labelSelector=self._selector, resourceVersion=version, allowWatchBookmarks="true"
                )
                for event in events:
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._apply(event["type"], event["object"])
            except Refused as refusal:
                if refusal.status != 403:
                    raise
                time.sleep(POLL)  # may list, may not watch
                version = self._list()

    def _apply(self, kind: str, row: Row) -> None:
        if kind == "BOOKMARK":
            return
        name = _name(row)
        with self._lock:
            rest = {key: value for key, value in self._rows.items() if key != name}
            self._rows = rest if kind == "DELETED" else {**rest, name: row}
        self._changed()

    def _lost(self, fault: str) -> None:
        if not self.fault:
            LOG.warning("the cluster cannot be followed: %s", fault)
        self.fault = fault
        self._answered.set()
        self._changed()


class Follower:
    """Jobs and pods of one namespace.

    Args:
        cluster: where they are.
        namespace: theirs; "" for all.
        selector: label selector of this server's objects.
    """

    def __init__(self, cluster: Cluster, namespace: str, selector: str) -> None:
        self._change = threading.Condition()
        self._count = 0
        within = f"namespaces/{namespace}/" if namespace else ""
        jobs, pods = f"/apis/batch/v1/{within}jobs", f"/api/v1/{within}pods"
        self.jobs = Collection(cluster, jobs, selector, self._changed)
        self.pods = Collection(cluster, pods, selector, self._changed)

    @property
    def count(self) -> int:
        """The number of changes so far."""
        return self._count

    def rest(self) -> None:
        """Stop following, soon, until somebody asks again."""
        self.jobs.rest()
        self.pods.rest()

    def wait(self, count: int, timeout: float) -> None:
        """Wait until there were more changes than `count`, or for `timeout` seconds."""
        with self._change:
            self._change.wait_for(lambda: self._count != count, timeout)

    def _changed(self) -> None:
        with self._change:
            self._count += 1
            self._change.notify_all()


def _name(row: Row) -> str:
    return f"{row['metadata'].get('namespace', '')}/{row['metadata']['name']}"


def _label(row: Row) -> str:
    return str((row["metadata"].get("labels") or {}).get(JOB, ""))
