"""Follows cwltool's log records and keeps `progress.json`: which step runs, which have ended, and why one failed.

cwltool has no other hook that works for all kinds of steps and in parallel runs. Records are recognised by their
format string and arguments, not by their text. This is the only module that knows these formats.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ...model.run import RunState
from .joblog import raw_tail, tail
from .record import JobFolder, Record, now

_QUIET = 0.2
"""Seconds between two reports of progress within a step."""
_TAIL = 8
"""Lines of a failed tool that its message quotes."""


@dataclass(slots=True)
class Step:
    """A step of the workflow, or the one tool."""

    name: str
    parts: int = 0
    """Jobs that it is scattered to; 0: not known, or not scattered."""
    state: str = ""
    started: str | None = None
    finished: str | None = None
    exit_code: int | None = None
    done: int = 0
    place: int = 0
    """1 for the step that started first, and so on; 0: it has not started."""

    def share(self) -> float:
        """How much of it is done, 0-1."""
        if self.finished:
            return 1.0
        return min(1.0, self.done / self.parts) if self.parts else 0.0

    def to_json(self) -> Record:
        """As in `progress.json`."""
        return {
            "name": self.name,
            "state": self.state,
            "started": self.started,
            "finished": self.finished,
            "exit_code": self.exit_code,
        }


@dataclass(slots=True)
class Job:
    """One call of a tool."""

    step: str
    log_offset: int = 0
    stderr: Path | None = None
    outdir: str = ""


@dataclass(slots=True)
class Failure:
    """The first thing that went wrong in a tool."""

    step: str
    reason: str
    lines: list[str] = field(default_factory=list)


class Progress(logging.Handler):
    """A handler that understands cwltool's records.

    Args:
        folder: the job's.
        steps: name -> number of parts (see `Step.parts`), in the order of the workflow; one entry for a tool.
        changed: called after each report.
        overdue: called with the folder of a tool that was told to end because of its time limit.
    """

    def __init__(
        self,
        folder: JobFolder,
        steps: Mapping[str, int],
        changed: Callable[[], None],
        overdue: Callable[[str], None],
    ) -> None:
        super().__init__(logging.INFO)
        self.folder = folder
        self.steps = {name: Step(name, parts) for name, parts in steps.items()}
        self.changed = changed
        self.overdue = overdue
        self.jobs: dict[str, Job] = {}
        self.current = next(iter(steps), "")
        self.failure: Failure | None = None
        self.errors: list[str] = []
        self.misnamed: UnicodeEncodeError | None = None
        self._reported = 0.0
        self._guard = threading.RLock()
        self._later: threading.Timer | None = None
        self._seen: dict[str, Callable[..., None]] = {
            "[%s] start": self._part_started,
            "[%s] completed %s": self._step_completed,
            "[job %s] %s$ %s%s%s%s": self._job_started,
            "[job %s] exited with status: %d": self._job_failed,
            "[job %s] was terminated by signal: %s": self._job_killed,
            "[job %s] exceeded time limit of %d seconds and will be terminated": self._job_overdue,
            "[job %s] completed %s": self._job_completed,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record in."""
        reaction = self._seen.get(str(record.msg))
        if reaction is not None and isinstance(record.args, tuple):
            with self._guard:
                reaction(*record.args)
        elif record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())
            if record.exc_info and isinstance(record.exc_info[1], UnicodeEncodeError):
                self.misnamed = record.exc_info[1]

    def report(self) -> None:
        """Write `progress.json`."""
        self._reported = time.monotonic()
        steps = self.in_order()
        share = sum(step.share() for step in steps) / max(1, len(steps))
        self.folder.write(
            "progress",
            {
                "progress": min(99, int(share * 100)),
                "message": self._message(steps),
                "steps": [step.to_json() for step in steps if step.state],
            },
        )
        self.changed()

    def _report_soon(self) -> None:
        """Report now, or, where that was done just before, a little later."""
        if time.monotonic() - self._reported > _QUIET:
            self.report()
        elif self._later is None:
            self._later = threading.Timer(_QUIET, self._report_late)
            self._later.daemon = True
            self._later.start()

    def _report_late(self) -> None:
        with self._guard:
            self._later = None
            self.report()

    def in_order(self) -> list[Step]:
        """The steps as they were started, then those that wait; cwltool does not keep the order of the document."""
        return sorted(self.steps.values(), key=lambda step: step.place or len(self.steps) + 1)

    def finish_tool(self, succeeded: bool, exit_code: int | None = None) -> None:
        """End the steps that are still open; cwltool says nothing of the end of a single tool or of an abort."""
        if self._later is not None:
            self._later.cancel()
        for step in self.steps.values():
            if step.state == RunState.RUNNING:
                self._end(step, RunState.SUCCEEDED if succeeded else RunState.FAILED)
                if succeeded and step.exit_code is None:
                    step.exit_code = exit_code

    def _message(self, steps: list[Step]) -> str:
        running = [(i, step) for i, step in enumerate(steps, 1) if step.state == RunState.RUNNING]
        if not running or len(steps) == 1:
            return ""
        number, step = running[-1]
        of_parts = f" ({step.done} of {step.parts} done)" if step.parts else ""
        return f"step {number} of {len(steps)}: {step.name}{of_parts}"

    def _part_started(self, name: str) -> None:
        step = self.steps.get(name.removeprefix("step "))
        if step is None:
            return
        self.current = step.name
        if not step.state:
            self._begin(step)
            step.state = RunState.RUNNING.value
            self.report()

    def _step_completed(self, name: str, status: str) -> None:
        step = self.steps.get(name.removeprefix("step "))
        if step is None:
            return
        self._begin(step)
        self._end(step, RunState.SUCCEEDED if status in ("success", "skipped") else RunState.FAILED)
        self.report()

    def _job_started(self, name: str, outdir: str, *rest: str) -> None:
        step = self._step_of(name)
        stderr = rest[-1].removeprefix(" 2> ") if rest and rest[-1] else ""
        self.jobs[name] = Job(step, os.fstat(2).st_size, Path(stderr) if stderr else None, outdir)
        if step in self.steps and not self.steps[step].state:
            self._part_started(step)

    def _job_failed(self, name: str, code: int) -> None:
        self._fail(name, f"ended with exit code {code}", code)

    def _job_killed(self, name: str, signal_name: str) -> None:
        self._fail(name, f"was ended by {signal_name}", None)

    def _job_overdue(self, name: str, seconds: int) -> None:
        job = self.jobs[name]
        self.failure = Failure(job.step, f"exceeded its time limit of {seconds} seconds (ToolTimeLimit)")
        self.overdue(job.outdir)

    def _job_completed(self, name: str, status: str) -> None:
        job = self.jobs.pop(name, None)
        step = self.steps.get(job.step if job else self._step_of(name))
        if step is None:
            return
        step.done += 1
        if step.exit_code is None and status == "success":
            step.exit_code = 0
        if step.parts:
            self._report_soon()

    def _fail(self, name: str, reason: str, code: int | None) -> None:
        job = self.jobs[name]
        if job.step in self.steps:
            self.steps[job.step].exit_code = code
        if self.failure is None:
            self.failure = Failure(job.step, reason, self._said(job))

    def _said(self, job: Job) -> list[str]:
        if job.stderr is not None and job.stderr.is_file():
            return tail(job.stderr)[-_TAIL:]
        return raw_tail(self.folder.log, job.log_offset, _TAIL)

    def _step_of(self, job_name: str) -> str:
        """The step of a job: cwltool names jobs after their step and adds a number; jobs of a subworkflow have
        the name of an inner step, and belong to the step that was started last."""
        plain = re.sub(r"_\d+$", "", job_name)
        return next((name for name in (job_name, plain) if name in self.steps), self.current)

    def _begin(self, step: Step) -> None:
        if not step.place:
            step.place, step.started = 1 + sum(other.place > 0 for other in self.steps.values()), now()

    def _end(self, step: Step, state: RunState) -> None:
        step.state, step.finished = state.value, now()


def parts(step: Mapping[str, Any], lengths: Mapping[str, int]) -> int:
    """How many jobs a workflow step is scattered to, as far as is known before it starts.

    Args:
        step: the step as cwltool has resolved it.
        lengths: of arrays: `INPUT` of the workflow, and `STEP/OUTPUT`.

    Returns:
        0 where the step is not scattered, or over something of unknown length.
    """
    found = _scattered(step, lengths)
    if "crossproduct" in step.get("scatterMethod", ""):
        return prod(found) if found else 0
    return found[0] if found else 0


def all_parts(steps: Sequence[Mapping[str, Any]], job_order: Mapping[str, Any]) -> dict[str, int]:
    """The `parts` of the steps of a workflow, by name. The outputs of a scattered step are as many as its jobs.

    Args:
        steps: as cwltool has resolved them, in any order.
        job_order: the inputs of the workflow.
    """
    lengths = {name: len(value) for name, value in job_order.items() if isinstance(value, list)}
    counts = {_short(step["id"]): 0 for step in steps}
    for _ in steps:  # as often as a chain may be long
        for step in steps:
            name = _short(step["id"])
            counts[name] = parts(step, lengths)
            outer = _scattered(step, lengths)[:1] if step.get("scatterMethod") == "nested_crossproduct" else []
            for output in step["outputs"] if counts[name] else ():
                lengths[f"{name}/{_short(output['id'])}"] = outer[0] if outer else counts[name]
    return counts


def _scattered(step: Mapping[str, Any], lengths: Mapping[str, int]) -> list[int]:
    """The lengths of the arrays that a step is scattered over; empty if one is not known."""
    scatter = step.get("scatter") or []
    sources = {entry["id"]: entry.get("source") for entry in step["inputs"]}
    workflow = step["id"].removesuffix(_short(step["id"]))  # BASE# or BASE#WORKFLOW/
    names = [
        str(sources.get(key)).removeprefix(workflow) for key in ([scatter] if isinstance(scatter, str) else scatter)
    ]
    return [lengths[name] for name in names] if all(name in lengths for name in names) else []


def _short(identifier: str) -> str:
    return re.split(r"[#/]", identifier)[-1]
