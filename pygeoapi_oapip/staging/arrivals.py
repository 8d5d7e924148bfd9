"""All references of a job are read together, several at once, while somebody looks whether they are still wanted."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import OapipError, StorageUnavailable, Unavailable, VersionConflict
from ..model.json import JSON, JSONObject
from ..settings import Staging as StagingSettings
from .base import Staged, Watch
from .placing import Placer, Wanted
from .transfer import Stopped, Transfer

LOOK = 1.0
"""Seconds between two looks whether the job is still wanted."""
TELL = 3.0
"""Seconds between two messages, and before the first one."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Pending:
    """A reference in a job order that is still to be read."""

    token: str
    """Its `location` in the order; nobody else can know it."""
    input_id: str
    wanted: Wanted


class Arrivals:
    """Reads the references of one job.

    Args:
        placer: reads each of them.
        settings: `staging`.
    """

    def __init__(self, placer: Placer, settings: StagingSettings) -> None:
        self._placer = placer
        self._parallel = settings.parallel

    def complete(self, order: JSONObject, pending: Sequence[Pending], watch: Watch | None) -> JSONObject:
        """As `JobFiles.complete`."""
        if not pending:
            return order
        transfer = Transfer(self._parallel)
        progress = _Progress(transfer, len(pending), watch)
        with ThreadPoolExecutor(min(len(pending), self._parallel), thread_name_prefix="oapip-input") as pool:
            running = {pool.submit(self._place, one, transfer): one for one in pending}
            try:
                places = _places(running, progress)
            finally:
                # the folder may be removed as soon as this has returned
                transfer.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                transfer.close()
        return {name: _placed(value, places) for name, value in order.items()}

    def _place(self, one: Pending, transfer: Transfer) -> Staged:
        try:
            return self._placer.place(one.wanted, transfer)
        except OapipError as error:
            place = f"inputs.{one.input_id}"
            raise type(error)(f"{place}: {error.detail}", location=place) from None
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise StorageUnavailable(f"inputs.{one.input_id} could not be stored: {error.strerror}") from error
            shutil.rmtree(one.wanted.folder, ignore_errors=True)
            one.wanted.folder.mkdir()
            raise Unavailable(f"inputs.{one.input_id}: the disk of this server has no room for it") from error


class _Progress:
    """Looks and tells now and then."""

    def __init__(self, transfer: Transfer, count: int, watch: Watch | None) -> None:
        self._transfer = transfer
        self._count = count
        self._watch = watch
        self._look = time.monotonic() + LOOK
        self._next = time.monotonic() + TELL

    def seen(self, done: int) -> None:
        if self._watch is None or time.monotonic() < self._look:
            return
        self._look = time.monotonic() + LOOK
        if not self._watch.wanted():
            raise VersionConflict("the inputs are not wanted any more")
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + TELL
            size = self._transfer.bytes / 1e6
            self._watch.tell(f"reading inputs: {done} of {self._count} are there, {size:,.1f} MB so far")


def _places(running: Mapping[Future[Staged], Pending], progress: _Progress) -> Mapping[str, JSONObject]:
    left: set[Future[Staged]] = set(running)
    found: dict[str, JSONObject] = {}
    while left:
        done, left = wait(left, LOOK, FIRST_COMPLETED)
        for future in done:
            staged = _result(future)
            found[running[future].token] = {"location": staged.path.as_uri(), "basename": staged.path.name}
        if left:
            progress.seen(len(found))
    return found


def _result(future: Future[Staged]) -> Staged:
    try:
        return future.result()
    except Stopped:
        raise VersionConflict("the inputs are not wanted any more") from None


def _placed(value: JSON, places: Mapping[str, JSONObject]) -> JSON:
    """A value of the order, with the places of its files."""
    if isinstance(value, Mapping):
        location = value.get("location")
        made = {name: _placed(member, places) for name, member in value.items()}
        if not isinstance(location, str) or location not in places:
            return made
        # a name that the user gave stays
        return {**places[location], **made, "location": places[location]["location"]}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_placed(item, places) for item in value]
    return value


@contextmanager
def disk_faults() -> Iterator[None]:
    """Turn errors of the disk into StorageUnavailable."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"the folder for jobs cannot be written: {error.strerror}") from error
