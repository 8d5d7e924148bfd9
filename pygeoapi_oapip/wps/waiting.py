"""Synchronous requests that wait longer than the operations do, and how many of them may."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import BoundedSemaphore

from ..model.job import Job, JobStatus

MOST = 4
"""Requests where no other number is given: half of the threads that a web process has, so that others are answered."""
_FIRST, _LONGEST = 0.1, 1.0
"""Seconds between two looks at a job."""


class Waiting:
    """Waits for the ends of jobs, for all requests of one process of the server.

    Args:
        most: requests that may wait at the same time.
    """

    def __init__(self, most: int = MOST) -> None:
        self._places = BoundedSemaphore(most)

    def until_end(self, job: Job, look: Callable[[], Job], deadline: float) -> Job:
        """Look at a job until it has ended.

        Args:
            job: as it was seen last.
            look: gives its present state.
            deadline: of `time.monotonic()`.

        Returns:
            The job as it was seen last: not ended where the time is over, or where too many requests wait already.
        """
        if _is_over(job) or not self._places.acquire(blocking=False):
            return job
        try:
            pause = _FIRST
            while not _is_over(job) and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(pause, left))
                pause = min(_LONGEST, pause * 1.5)
                job = look()
            return job
        finally:
            self._places.release()


def _is_over(job: Job) -> bool:
    return job.ended or job.status is JobStatus.DISMISSED
