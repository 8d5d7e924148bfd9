"""Inputs on their way into a job: what they may take, and how they are stopped."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import TooLarge, Unavailable
from ..settings import Staging as StagingSettings


class Stopped(Exception):
    """What is read is not wanted any more: the job was dismissed, or another part of the input has failed."""


class Transfer:
    """What all inputs of one job share. Thread-safe.

    Args:
        parallel: downloads at once.
    """

    def __init__(self, parallel: int) -> None:
        self.parallel = parallel
        self._lanes = threading.BoundedSemaphore(parallel)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._bytes = 0
        self._kept: dict[object, Any] = {}
        self._closing = ExitStack()

    @property
    def bytes(self) -> int:
        """Read so far."""
        return self._bytes

    @property
    def stopped(self) -> bool:
        """True after `stop`."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Let all downloads end with `Stopped`, at their next piece."""
        self._stop.set()

    def moved(self, count: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += count

    def pause(self, seconds: float) -> None:
        """Sleep, not longer than until `stop`."""
        self._stop.wait(seconds)

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Wait until one more download may run; never used within another lane."""
        with self._lanes:
            if self.stopped:
                raise Stopped
            yield

    def keep(self, key: object, make: Callable[[], AbstractContextManager[Any]]) -> Any:
        """Something that all downloads use, made at the first call and closed at the end."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._closing.enter_context(make())
            return self._kept[key]

    def close(self) -> None:
        """Close what was kept."""
        self._closing.close()


class Intake:
    """One input: its limits, which count for all its files together. Thread-safe.

    Args:
        settings: `staging`.
        transfer: of the job.
    """

    def __init__(self, settings: StagingSettings, transfer: Transfer | None = None) -> None:
        self.transfer = transfer or Transfer(settings.parallel)
        self._max_bytes = settings.max_bytes
        self._max_files = settings.max_files
        self._bytes = self._files = 0
        self._failed = threading.Event()
        self._lock = threading.Lock()

    def look(self) -> None:
        """Raises Stopped if this input is not wanted any more."""
        if self._failed.is_set() or self.transfer.stopped:
            raise Stopped

    def files(self, what: str, count: int = 1) -> None:
        """Count files, before they are read. Raises TooLarge, naming `what`."""
        with self._lock:
            self._files += count
            if self._files > self._max_files:
                raise TooLarge(f"{what} has more than {self._max_files} files (staging.max_files)")

    def expect(self, what: str, size: int, folder: Path) -> None:
        """Refuse a file of `size` bytes before it is read.

        Raises:
            TooLarge: the input would have more than its limit.
            Unavailable: the disk has no room for it now.
        """
        if self._bytes + size > self._max_bytes:
            raise self._too_large(what)
        found = os.statvfs(folder)
        if size > found.f_bavail * found.f_frsize:
            raise Unavailable(f"{what}: the disk of this server has no room for its {size} bytes")

    def moved(self, what: str, count: int) -> None:
        """Count bytes; a negative number where they are read again.

        Raises:
            TooLarge: these are too many.
            Stopped: as `look`.
        """
        self.look()
        self.transfer.moved(count)
        with self._lock:
            self._bytes += count
            if self._bytes > self._max_bytes:
                raise self._too_large(what)

    def each(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Run tasks in several threads, each in a lane. The first error ends all, and is raised.

        Args:
            tasks: taken one by one as threads become free, so that a million of them need no memory.
        """
        waiting, lock = iter(tasks), threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    task = next(waiting, None)
                if task is None:
                    return
                with self.transfer.lane():
                    self.look()
                    task()

        with ThreadPoolExecutor(self.transfer.parallel, thread_name_prefix="oapip-read") as pool:
            running = [pool.submit(self._ending, work) for _ in range(self.transfer.parallel)]
        errors = [error for future in running if (error := future.exception()) is not None]
        told = [error for error in errors if not isinstance(error, Stopped)]
        if errors:
            raise (told or errors)[0]

    def _ending(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self._failed.set()
            raise

    def _too_large(self, what: str) -> TooLarge:
        return TooLarge(f"{what} is larger than {self._max_bytes} bytes (staging.max_bytes)")
