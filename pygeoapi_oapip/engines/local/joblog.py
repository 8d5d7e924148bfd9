"""The log of a job: written by its runner, read by the engine at any time.

Lines of the runner are `TIME LEVEL [SOURCE] TEXT`; all other lines are what the tools said.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ...model.run import LogLine
from .record import JobFolder

_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (DEBUG|INFO|WARNING|ERROR) \[([^\]]*)\] (.*)")
_SOURCE = re.compile(r"\[(?:job|step|workflow) ([^\]]+)\] ?")
_LONGEST = 100_000
"""Characters of one line that are shown."""


class JobLogHandler(logging.Handler):
    """Writes log records to standard error, which is the job's log, one write a record."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; each of its lines can be read alone."""
        text = record.getMessage()
        source = _SOURCE.match(text)
        level = "ERROR" if record.levelno >= logging.ERROR else record.levelname
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6]
        head = f"{time}Z {level} [{source[1] if source else ''}] "
        body = text[source.end() :] if source else text
        lines = "".join(f"{head}{line}\n" for line in body.splitlines() or [""])
        os.write(2, lines.encode(errors="replace"))


def read_log(folder: JobFolder) -> Iterator[LogLine]:
    """The log so far. Paths in the job's folder are shown relative to it."""
    try:
        stream = folder.log.open(encoding="utf-8", errors="replace", newline="\n")
    except FileNotFoundError:
        return
    hide = PathHider(folder.workspace)
    with stream:
        while line := stream.readline(_LONGEST):
            yield _parse(hide(line.rstrip("\r\n")))


def raw_tail(log: Path, offset: int, count: int) -> list[str]:
    """The last `count` lines of tools after `offset` bytes of a log."""
    return [line for line in tail(log, offset) if line and not _LINE.fullmatch(line)][-count:]


def tail(path: Path, offset: int = 0) -> list[str]:
    """The last lines of a file, at most 16 KiB, not before `offset`."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(offset, size - 16384))
        return stream.read().decode("utf-8", errors="replace").splitlines()


class PathHider:
    """Takes the paths of this machine out of texts that users see.

    Args:
        workspace: the job's folder, which becomes the place that all paths are relative to.
    """

    def __init__(self, workspace: Path) -> None:
        paths = sorted({str(workspace), str(workspace.resolve())}, key=len, reverse=True)
        self._paths = [f"{head}{path}{end}" for path in paths for end in ("/", "") for head in ("file://", "")]

    def __call__(self, text: str) -> str:
        """The text without these paths."""
        for path in self._paths:
            text = text.replace(path, "")
        return text.replace("file:///package.cwl", "package")


def _parse(line: str) -> LogLine:
    match = _LINE.fullmatch(line)
    if match is None:
        return LogLine(None, "", "", line)
    return LogLine(datetime.fromisoformat(match[1]), match[2], match[3], match[4])
