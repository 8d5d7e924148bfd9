"""The logs of a run, read from its server: while it runs, and kept in the job's folder at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urljoin

from ...errors import EngineUnavailable
from ...model.run import LogLine
from .api import RunLog, object_of, tasks_of
from .client import WesClient, quoted
from .logs import parse, path_hider, step_name
from .quirks import TABLE

LARGEST_RUN_LOG = 4 << 20
"""Bytes: the last ones of a longer log."""
LARGEST_TASK_LOG = 256 << 10
MOST_TASK_LOGS = 50


@dataclass(frozen=True, slots=True)
class Logs:
    """The texts that a run has at its server."""

    kind: str
    """Key of `quirks.TABLE`: how the texts are to be read."""
    run_id: str
    parts: tuple[tuple[str, str], ...]
    """Name of the step ("" for the run itself), and text."""

    @property
    def text(self) -> str:
        """All texts."""
        return "\n".join(text for _, text in self.parts)

    def lines(self) -> Iterator[LogLine]:
        """All lines, without the folders of the cluster."""
        hide = path_hider(self.run_id)
        for step, text in self.parts:
            yield from parse(text, TABLE[self.kind], hide, step)

    def keep(self, path: Path) -> None:
        """Write into a file. Raises OSError."""
        partial = path.with_name(f"{path.name}.part")
        partial.write_text(json.dumps([self.kind, self.run_id, self.parts]), encoding="utf-8")
        partial.replace(path)


def kept_logs(path: Path) -> Logs | None:
    """What `keep` wrote; None where there is nothing."""
    try:
        kind, run_id, parts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return Logs(kind, run_id, tuple((step, text) for step, text in parts))


def fetch_logs(client: WesClient, run_id: str, log: RunLog, kind: str, strict: bool = False) -> Logs:
    """Read the logs of a run; of those that are elsewhere or cannot be read there is a word instead.

    Args:
        client: of the server.
        run_id: of the run.
        log: the run as the server gives it now.
        kind: key of `quirks.TABLE`.
        strict: a log that cannot be read now is a fault.

    Raises:
        EngineUnavailable: see `strict`.
    """
    base, quirks = f"{client.base}/runs/{quoted(run_id)}", TABLE[kind]
    parts: list[tuple[str, str]] = []
    streams = [log.stderr] if quirks.stdout_is_outputs else [log.stderr, log.stdout]
    for stream in filter(None, streams):
        parts.append(("", _read(client, base, stream, LARGEST_RUN_LOG, strict)))
    for task in log.tasks[:MOST_TASK_LOGS]:
        if task.stderr:
            parts.append((step_name(task.name, quirks), _read(client, base, task.stderr, LARGEST_TASK_LOG, strict)))
    return Logs(kind, run_id, tuple(part for part in parts if part[1]))


def with_tasks(client: WesClient, run_id: str, log: RunLog) -> RunLog:
    """The run with its tasks, where the server lists them elsewhere (WES 1.1 `task_logs_url`)."""
    if log.tasks or not log.task_logs_url:
        return log
    url = urljoin(f"{client.base}/runs/{quoted(run_id)}", log.task_logs_url)
    if not client.is_own(url) or not url.startswith(f"{client.base}/"):
        return log
    try:
        body = object_of(client.get(url.removeprefix(f"{client.base}/")))
    except EngineUnavailable:
        return log
    return replace(log, tasks=tasks_of(body.get("task_logs")))


def _read(client: WesClient, base: str, stream: str, limit: int, strict: bool) -> str:
    if "\n" in stream or " " in stream:
        return stream[-limit:]  # the text itself, as some servers give it
    url = urljoin(base, stream)
    if not client.is_own(url):
        return "(a log that is on another server, and is not read)"
    try:
        return client.tail(url, limit).decode("utf-8", "replace")
    except EngineUnavailable as fault:
        if strict:
            raise
        return f"(a log that cannot be read now: {fault.detail})"
