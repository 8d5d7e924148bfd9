"""Follows cwltool's log records and keeps `progress.json`: which step runs, which have ended, and why one failed.

cwltool has no other hook that works for all kinds of steps and in parallel runs. Records are recognised by their
format string and arguments, not by their text. This is the only module that knows these formats.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
        self._reported = 0.0
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
            reaction(*record.args)
        elif record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())

    def report(self) -> None:
        """Write `progress.json`."""
        self._reported = time.monotonic()
        steps = list(self.steps.values())
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

    def finish_tool(self, succeeded: bool, exit_code: int | None = None) -> None:
        """End the steps that are still open; cwltool says nothing of the end of a single tool or of an abort."""
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
            step.state, step.started = RunState.RUNNING.value, now()
            self.report()

    def _step_completed(self, name: str, status: str) -> None:
        step = self.steps.get(name.removeprefix("step "))
        if step is None:
            return
        step.started = step.started or now()
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
        if step.parts and time.monotonic() - self._reported > _QUIET:
            self.report()

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

    def _end(self, step: Step, state: RunState) -> None:
        step.state, step.finished = state.value, now()


def parts(step: Mapping[str, Any], job_order: Mapping[str, Any]) -> int:
    """How many jobs a workflow step is scattered to, as far as the job order tells.

    Args:
        step: the step as cwltool has resolved it.
        job_order: the inputs of the workflow.

    Returns:
        0 where the step is not scattered, or over the output of another step.
    """
    scatter = step.get("scatter") or []
    sources = {entry["id"]: entry.get("source") for entry in step["inputs"]}
    lengths = []
    for key in [scatter] if isinstance(scatter, str) else scatter:
        source = sources.get(key)
        value = job_order.get(_short(source)) if isinstance(source, str) else None
        if not isinstance(value, list):
            return 0
        lengths.append(len(value))
    if not lengths:
        return 0
    if "crossproduct" not in step.get("scatterMethod", ""):
        return lengths[0]
    total = 1
    for length in lengths:
        total *= length
    return total


def _short(identifier: str) -> str:
    return re.split(r"[#/]", identifier)[-1]
