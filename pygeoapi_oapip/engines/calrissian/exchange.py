"""The files of jobs by an S3 bucket, for servers and clusters that share no volume.

{prefix}/{instance}/jobs/{job}/in/...       plan, package and inputs: written here, read in the pod
{prefix}/{instance}/jobs/{job}/outputs/...  and logs/...: written in the pod, read here
{prefix}/{instance}/state/{job}             events and, at the end, the report: one list tells of all jobs
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import EngineUnavailable, RunLost
from ...model.run import JobID
from ...settings_calrissian import CalrissianExchange
from .folder import JobFolder
from .inpod.objects import Bucket, StorageFault, below
from .names import safe_id
from .pod_code import pod_code

_SENT = ("formats.ttl", "app.cwl", "order.json", "plan.json")
FRESH = 1.0
"""Seconds between two lists of the states."""
ROOT = "/calrissian"
"""The job's own volume in the pod."""


class Exchange:
    """A prefix of a bucket that belongs to the servers of one instance. All methods raise EngineUnavailable.

    Args:
        settings: of the bucket.
        instance: of the engine.
    """

    def __init__(self, settings: CalrissianExchange, instance: str) -> None:
        self._settings = settings
        self._home = f"{settings.prefix}/{instance}"
        self._bucket = Bucket(settings.access())
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._tags: Mapping[str, str] = {}
        self._pulled: dict[JobID, str] = {}

    def secret(self, job_id: JobID) -> Mapping[str, str]:
        """The content of the job's Secret: keys of the bucket, and the programs that use them."""
        given = {
            "access": self._settings.access(for_pods=True),
            "prefix": self._jobs(job_id),
            "state": self._state(job_id),
            "root": ROOT,
        }
        code = {path.name: path.read_text(encoding="utf-8") for path in pod_code()}
        return {"exchange.json": json.dumps(given), **code}

    def send(self, job_id: JobID, folder: JobFolder) -> None:
        """Make all that the pod needs; the plan comes last. Raises OSError, too."""
        start, top = f"{self._jobs(job_id)}in/", folder.workspace
        with _told():
            for path in below(str(top / "inputs")):
                self._bucket.send_any(f"{start}{Path(path).relative_to(top).as_posix()}", path)
            for name in _SENT:
                if (top / "run" / name).exists():
                    self._bucket.send(f"{start}run/{name}", str(top / "run" / name))

    def pull(self, job_id: JobID, folder: JobFolder) -> None:
        """Write the events and the report of a job into its folder, if they are newer than the last ones."""
        with _told():
            tag = self._fresh().get(safe_id(job_id), "")
            if not tag or self._pulled.get(job_id) == tag:
                return
            content = self._bucket.read(self._state(job_id))
            found = _document(content)
            if found.get("exit") is not None:
                self.logs(job_id, folder)
        folder.keep(str(found.get("events") or ""), found.get("usage"), found.get("exit"))
        self._pulled[job_id] = tag

    def logs(self, job_id: JobID, folder: JobFolder) -> None:
        """Bring the logs up to date."""
        self._bring(f"{self._jobs(job_id)}logs/", folder.workspace / "logs")

    def outputs(self, job_id: JobID, folder: JobFolder) -> None:
        """Bring the outputs. Raises RunLost where they cannot be."""
        if self._bring(f"{self._jobs(job_id)}outputs/", folder.workspace / "outputs"):
            raise RunLost("the bucket has an object with a name that no output can have")

    def remove(self, job_id: JobID) -> None:
        """Remove all objects of a job. Idempotent."""
        with _told():
            for row in list(self._bucket.list(self._jobs(job_id))):
                self._bucket.delete(row.key)
            self._bucket.delete(self._state(job_id))
        self._pulled.pop(job_id, None)

    def left_over(self, ended: Callable[[JobID], bool]) -> int:
        """Remove what is left of jobs that have ended; gives their number."""
        start = f"{self._home}/jobs/"
        with _told():
            rows = list(self._bucket.list(start))
            states = [row.key.rpartition("/")[2] for row in self._bucket.list(f"{self._home}/state/")]
        found = {row.key[len(start) :].partition("/")[0] for row in rows} | set(states)
        gone = [job_id for job_id in sorted(found) if ended(job_id)]
        for job_id in gone:
            self.remove(job_id)
        return len(gone)

    def problem(self) -> str:
        """Why the bucket cannot be used now; "" if it can."""
        try:
            next(iter(self._bucket.list(f"{self._home}/state/")), None)
        except StorageFault as fault:
            return f"exchange: {fault}"
        return ""

    def _fresh(self) -> Mapping[str, str]:
        with self._lock:
            if time.monotonic() - self._asked > FRESH:
                start = f"{self._home}/state/"
                self._tags = {row.key[len(start) :]: row.etag for row in self._bucket.list(start)}
                self._asked = time.monotonic()
            return self._tags

    def _bring(self, start: str, target: Path) -> int:
        """Bring what has a good name; gives the number of the others."""
        others = 0
        with _told():
            for row in self._bucket.list(start):
                parts = _parts(row.key[len(start) :])
                path = target.joinpath(*parts)
                if not parts:
                    others += 1
                elif row.key.endswith("/"):
                    path.mkdir(parents=True, exist_ok=True)
                elif not path.exists() or path.stat().st_size != row.size:
                    self._bucket.fetch(row.key, str(path))
        return others

    def _jobs(self, job_id: JobID) -> str:
        return f"{self._home}/jobs/{safe_id(job_id)}/"

    def _state(self, job_id: JobID) -> str:
        return f"{self._home}/state/{safe_id(job_id)}"


@contextmanager
def _told() -> Iterator[None]:
    """Faults of the bucket as the engine's."""
    try:
        yield
    except StorageFault as fault:
        raise EngineUnavailable(f"the files of the jobs cannot be exchanged: {fault}") from fault


def _parts(relative: str) -> list[str]:
    """A key as the steps of a path; none where it would lead out of the job's folder, as a pod may write any key."""
    parts = [part for part in relative.split("/") if part]
    return [] if any(part in (".", "..") or "\0" in part for part in parts) else parts


def _document(content: bytes | None) -> Mapping[str, Any]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
