"""The logs of a job as lines. In the files each line begins with its time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ...model.run import LogLine
from .folder import JobFolder

_LINE = re.compile(r"(\d{4}-\d\d-\d\dT[\d:]{8})(\.\d{1,6})?\d*(?:Z|\+00:00) (.*)", re.DOTALL)
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR)\b")
_FIRST = datetime.min.replace(tzinfo=UTC)


def read_logs(folder: JobFolder) -> Iterator[LogLine]:
    """All lines so far, in order of time; lines of one log stay in their order. Reads as it is asked."""
    logs = (_lines(source, path) for source, path in folder.logs())
    return heapq.merge(*logs, key=lambda line: line.time or _FIRST)


def _lines(source: str, path: Path) -> Iterator[LogLine]:
    time: datetime | None = None
    # it may have been collected in the meantime, and then is read the next time
    with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            line = line.rstrip("\n")
            match = _LINE.fullmatch(line)
            if match is not None:
                at = datetime.fromisoformat(f"{match[1]}{(match[2] or '.0').ljust(7, '0')}+00:00")
                time = at if time is None else max(at, time)
            words = match[3] if match is not None else line
            level = _LEVEL.search(words) if not source else None
            yield LogLine(time, level[1] if level else ("" if source else "INFO"), source, words)
