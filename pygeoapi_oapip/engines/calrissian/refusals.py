"""Why the cluster makes no pod for a Job: that is in its events only. One request tells of all Jobs of a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from ...errors import EngineUnavailable
from .client import Cluster, Refused

FRESH = 5.0
"""Seconds between two requests."""
_FORBIDDEN = 60.0
"""Seconds after which an account that may not read events tries again."""


class Refusals:
    """The last refusals, by Job.

    Args:
        cluster: where the Jobs are.
        namespace: theirs; "" for all.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._path = f"/api/v1/namespaces/{namespace}/events" if namespace else "/api/v1/events"
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._found: Mapping[str, str] = {}

    def of(self, job: Mapping[str, Any]) -> str:
        """Why a Job has no pod; "" where that is not known."""
        with self._lock:
            if time.monotonic() >= self._next:
                self._next = time.monotonic() + FRESH
                self._ask()
            return self._found.get(str(job["metadata"].get("uid")), "")

    def _ask(self) -> None:
        wanted = "reason=FailedCreate,involvedObject.kind=Job"
        try:
            rows = self._cluster.get(self._path, fieldSelector=wanted, limit="500")["items"]
        except Refused:
            self._found, self._next = {}, time.monotonic() + _FORBIDDEN
        except EngineUnavailable:
            self._found = {}
        else:
            self._found = {str(row["involvedObject"].get("uid")): str(row.get("message") or "") for row in rows}
