"""Files in a job's folder through which any process of this server goes on with a run that is somewhere else."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ..model.json import JSONObject
from ..model.run import LogLine


def write_document(target: Path, document: JSONObject, durable: bool = True) -> None:
    """Replace a JSON document as a whole. Raises OSError.

    Args:
        target: the file.
        document: its new content.
        durable: the content outlives a power failure.
    """
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    partial.replace(target)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether this thread alone holds the lock now; freed by the end of the process, too. Raises OSError."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


class RunLog:
    """Our own log of a run, for people: one JSON row a line, [time, level, text].

    Args:
        path: of the file; its folder is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, text: str, level: str = "INFO") -> None:
        """Add a line. Raises OSError."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps([datetime.now(UTC).isoformat(), level, text]) + "\n")

    def lines(self) -> Iterator[LogLine]:
        """The log so far; a line cut short by a power failure is left out."""
        try:
            rows = self._path.read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        for row in rows:
            try:
                time, level, text = json.loads(row)
            except ValueError:
                continue
            yield LogLine(datetime.fromisoformat(time), level, "", text)
