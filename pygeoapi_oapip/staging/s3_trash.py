"""Jobs whose objects are to be removed: one small file for each, so that none is forgotten when S3 is away."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import StorageUnavailable

LOG = logging.getLogger(__name__)

LATE = 60.0
"""Seconds after which objects are removed once more: a process that lost its job may have gone on with an upload."""
_AGAIN = ".again"


class Trash:
    """Removes in a thread of its own.

    Args:
        home: folder of the files.
        remove: removes all objects of a job of this owner; raises StorageUnavailable.
    """

    def __init__(self, home: Path, remove: Callable[[str, str], None]) -> None:
        self._home = home
        self._remove = remove
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._said = ""

    def put(self, job_id: str, owner: str = "") -> None:
        """Remove the objects of a job soon. Never raises.

        Args:
            job_id: the job.
            owner: whose it is, where that has been written down: the folder of the job may be gone soon.
        """
        partial = self._home / f".{job_id}.{os.getpid()}.{threading.get_ident()}"
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            partial.write_text(owner, encoding="utf-8")
            partial.replace(self._home / job_id)
        except OSError as error:
            LOG.error("the stored results of job %s stay: %s", job_id, error.strerror)
            return
        self._wanted.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="oapip-discard", daemon=True)
                self._thread.start()

    def sweep(self) -> None:
        """Remove the objects of all jobs that are due. What cannot be removed stays for the next call."""
        try:
            marks = sorted(path for path in self._home.iterdir() if not path.name.startswith("."))
        except OSError:
            return
        for mark in marks:
            try:
                self._empty(mark)
            except StorageUnavailable as fault:
                if fault.detail != self._said:
                    LOG.warning("stored results are removed later: %s", fault.detail)
                self._said = fault.detail
                return
            except FileNotFoundError:
                continue  # another process was quicker

    def _empty(self, mark: Path) -> None:
        again = mark.name.endswith(_AGAIN)
        if again and time.time() - mark.stat().st_mtime < LATE:
            return
        self._remove(mark.name.removesuffix(_AGAIN), mark.read_text(encoding="utf-8"))
        if again:
            mark.unlink()
        else:
            os.utime(mark)
            mark.rename(mark.with_name(mark.name + _AGAIN))

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self.sweep()
