"""The logs of a job as lines. In the files each line begins with its time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from ...model.run import LogLine
from .folder import JobFolder

_LINE = re.compile(r"(\d{4}-\d\d-\d\dT[\d:]{8})(\.\d{1,6})?\d*(?:Z|\+00:00) (.*)")
_LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR)\b")


def read_logs(folder: JobFolder) -> Iterator[LogLine]:
    """All lines so far, in order of time; lines of one log stay in their order."""
    found = [line for source, path in folder.logs() for line in _lines(source, path.read_text("utf-8", "replace"))]
    return iter(sorted(found, key=lambda line: line.time or datetime.min.replace(tzinfo=UTC)))


def _lines(source: str, text: str) -> Iterator[LogLine]:
    time: datetime | None = None
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            time = datetime.fromisoformat(f"{match[1]}{(match[2] or '.0').ljust(7, '0')}+00:00")
        words = match[3] if match is not None else line
        level = _LEVEL.search(words) if not source else None
        yield LogLine(time, level[1] if level else ("" if source else "INFO"), source, words)
