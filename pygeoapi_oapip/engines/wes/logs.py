"""The log of a run as its server wrote it: lines for people, and the cause of a failure in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...model.run import LogLine
from .api import Task
from .quirks import Quirks

_LONGEST_LINE = 100_000
"""Characters of one line that are shown."""
_TAIL = 20
"""Lines of a failed tool in the message of the job."""
_LONGEST_MESSAGE = 2000

_EXIT = re.compile(r"\[job ([^\]]+)\] exited with status: (\d+)")
_KILLED = re.compile(r"\[job ([^\]]+)\] was terminated by signal: (\w+)")
_SAID = re.compile(r"\[job ([^\]]+)\]")
_JOB = re.compile(r"\[(?:job|step|workflow) ([^\]]+)\] ?")
_CAUSE = re.compile(r"(?:[\w.]*\.)?(\w*(?:Exception|Error)): (.+)")
"""cwltool writes the words above, and so do all that are made with it; the last one ends a Python traceback."""
_PATH = re.compile(r"(?:file://)?/[^\s'\":,;]+")
_SCRATCH = ("/toilwf-", "/tmp-out", "/tmp")
_FRAME = re.compile(r'\s*(File ".*", line \d+|\^+\s*$|Traceback \(most recent|During handling|The above exception)')


def step_name(name: str, quirks: Quirks) -> str:
    """The step that a task or job is of."""
    plain = re.sub(r"_\d+$", "", name)
    parts = plain.split(quirks.step_separator) if quirks.step_separator else [plain]
    return "/".join(parts[1:-1]) if len(parts) > 2 else parts[-1]


def path_hider(run_id: str) -> Callable[[str], str]:
    """Takes the folders of the cluster out of texts that users see: that of the run, and those for scratch."""
    kept_after = (f"/{run_id}/", "/site-packages/")

    def shorter(found: re.Match[str]) -> str:
        path = found[0]
        for marker in kept_after:
            path = path.rpartition(marker)[2]
        return path.rpartition("/")[2] if any(part in path for part in _SCRATCH) else path

    return lambda text: _PATH.sub(shorter, text)


def parse(text: str, quirks: Quirks, hide: Callable[[str], str], source: str = "") -> Iterator[LogLine]:
    """The lines of a log.

    Args:
        text: the log.
        quirks: of the server that wrote it.
        hide: `path_hider`.
        source: step of lines that name none.
    """
    for line in text.splitlines():
        shown = hide(line[:_LONGEST_LINE])
        found = quirks.log_line.fullmatch(shown) if quirks.log_line is not None else None
        if found is None:
            yield LogLine(None, "", source, shown.removeprefix("\t"))
            continue
        named = _JOB.match(found["text"])
        yield LogLine(
            _time(found["time"]),
            quirks.levels.get(found["level"], "INFO"),
            step_name(named[1], quirks) if named else source,
            found["text"][named.end() :] if named else found["text"],
        )


def _time(text: str) -> datetime | None:
    """None where a tool has written something that looks like a line of the runner."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run failed, as far as its log tells."""

    step: str
    reason: str
    lines: tuple[str, ...]
    exit_code: int | None = None

    def __str__(self) -> str:
        head = f"{self.step}: {self.reason}" if self.step else self.reason
        return "\n".join((head, *self.lines))[:_LONGEST_MESSAGE]


def cause_of(text: str, tasks: Sequence[Task], quirks: Quirks, hide: Callable[[str], str]) -> Cause | None:
    """The first tool that failed, with its true exit code and its last lines; else the error that ended the run.

    Args:
        text: the run's log.
        tasks: the task logs.
        quirks: of the server.
        hide: `path_hider`.

    Returns:
        None where the log says nothing.
    """
    lines = [line.removeprefix("\t")[:_LONGEST_MESSAGE] for line in text.splitlines()]
    for number, line in enumerate(lines):
        if found := _EXIT.search(line):
            code = int(found[2])
            said = _said(lines, number, found[1], quirks, hide)
            return Cause(step_name(found[1], quirks), f"ended with exit code {code}", said, code)
        if found := _KILLED.search(line):
            said = _said(lines, number, found[1], quirks, hide)
            return Cause(step_name(found[1], quirks), f"was ended by {found[2]}", said)
    failed = next((task for task in reversed(tasks) if task.exit_code), None)
    step = step_name(failed.name, quirks) if failed else ""
    return _last_error(lines, step, failed.exit_code if failed else None, hide)


def _said(lines: Sequence[str], number: int, job: str, quirks: Quirks, hide: Callable[[str], str]) -> tuple[str, ...]:
    """What a tool said: after its exit where the runner repeats it (Toil), else before it (cwltool)."""
    after = _block_after(lines, number, job, quirks)
    if after:
        return tuple(hide(line) for line in after[-_TAIL:])
    before: list[str] = []
    for line in reversed(lines[:number]):
        if _is_own(line, quirks):
            break
        before.insert(0, line)
    return tuple(hide(line) for line in before if line.strip() and not line.startswith("    "))[-_TAIL:]


def _block_after(lines: Sequence[str], number: int, job: str, quirks: Quirks) -> list[str]:
    found: list[str] = []
    inside = False
    for line in lines[number + 1 :]:
        own = _is_own(line, quirks)
        if own and inside:
            break
        if own and line.endswith("standard error:"):
            inside = True
        elif own and f"[job {job}]" not in line:
            break
        elif inside and line.strip():
            found.append(line)
    return found


def _is_own(line: str, quirks: Quirks) -> bool:
    """True for a line of the runner, and not of a tool."""
    if quirks.log_line is not None:
        return quirks.log_line.fullmatch(line) is not None
    return re.match(r"(\[[^\]]*\] )?(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b", line) is not None


def _last_error(lines: Sequence[str], step: str, code: int | None, hide: Callable[[str], str]) -> Cause | None:
    for number in range(len(lines) - 1, -1, -1):
        found = _CAUSE.match(lines[number].strip())
        if found and found[2] != "permanentFail":
            more = [line for line in lines[number + 1 :][:_TAIL] if line.strip() and not _FRAME.match(line)]
            return Cause(step, hide(found[2]), tuple(map(hide, _until_log(more))), code)
    said = [line for line in lines if line.strip() and not _FRAME.match(line)][-_TAIL:]
    if not said and not step:
        return None
    reason = f"failed with exit code {code}" if code else "failed"
    return Cause(step, reason if step else "the workflow failed", tuple(map(hide, said)), code)


def _until_log(lines: Sequence[str]) -> Sequence[str]:
    for number, line in enumerate(lines):
        if line.startswith(("[", "<===", "=====")):
            return lines[:number]
    return lines
