"""BuiltinEngine: runs the processes of the server itself, without any process or thread of its own.

What a run will do is known when it starts, so its state follows from the clock. Two small files in the job's workspace
hold all of it, and any process of the server can say at any time how far the run is: nothing is lost by a crash.

run.json      start, duration, failure, log; created exclusively, after the outputs are made
outputs.json  the outputs
cancel.json   when the run was cancelled
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from ...errors import EngineUnavailable, OapipError, PlanRejected, RunLost
from ...model.execution import Plan
from ...model.json import JSONObject
from ...model.run import JobID, LogLine, RunRef, RunReport, RunState
from ...model.value import OutputValue, output_from_json, output_to_json
from ..base import Traits
from .program import Course, Program

_RUN, _OUTPUTS, _CANCEL = "run.json", "outputs.json", "cancel.json"


@dataclass(frozen=True, slots=True)
class _Run:
    """The content of run.json and cancel.json."""

    process: str
    started: datetime
    seconds: float
    failure: str
    log: tuple[str, ...]
    cancelled: datetime | None

    @property
    def end(self) -> datetime:
        """When it ends, or has ended."""
        return min(self.started + timedelta(seconds=self.seconds), self.cancelled or datetime.max.replace(tzinfo=UTC))

    def state(self, now: datetime) -> RunState:
        """Where it is at a moment."""
        if self.cancelled is not None:
            return RunState.CANCELLED
        if now < self.end:
            return RunState.RUNNING
        return RunState.FAILED if self.failure else RunState.SUCCEEDED


def _utc_now() -> datetime:
    return datetime.now(UTC)


class BuiltinEngine:
    """See the head of the module.

    Args:
        name: its name, which the descriptions of its programs have as their engine.
        programs: by process id.
        now: the clock, in UTC.
    """

    def __init__(self, name: str, programs: Mapping[str, Program], now: Callable[[], datetime] = _utc_now) -> None:
        self.name = name
        self._programs = programs
        self._now = now

    @property
    def traits(self) -> Traits:
        """Reads nothing itself; submits are idempotent through the job's folder; nothing waits."""
        return Traits(reads=frozenset(), idempotent_submit=True, poll_interval=0.5, fair=True)

    def check(self, plan: Plan) -> None:
        """Refuse inputs that the program cannot take. See Engine."""
        self._program(plan.process_id).check(plan.job_order)

    def submit(self, plan: Plan) -> RunRef:
        """Make the outputs and note the start, unless that was done before. See Engine."""
        program = self._program(plan.process_id)
        folder = plan.workspace
        try:
            if not (folder / _RUN).exists():
                self._begin(program, plan)
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error
        return RunRef(self.name, plan.job_id, plan.job_id, {"workspace": str(folder)})

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """See Engine."""
        found = ((ref.job_id, _read(_workspace(ref))) for ref in runs)
        return {job_id: self._report(run) for job_id, run in found if run is not None}

    def cancel(self, run: RunRef) -> None:
        """See Engine."""
        known = _read(_workspace(run))
        now = self._now()
        if known is None or known.state(now) is not RunState.RUNNING:
            return
        try:
            _create(_workspace(run) / _CANCEL, {"time": now.isoformat()})
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """See Engine."""
        stored = _load(_workspace(run) / _OUTPUTS)
        if stored is None:
            raise RunLost("the job's folder has no outputs")
        return {key: output_from_json(value) for key, value in stored.items()}

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """See Engine."""
        known = _read(_workspace(run))
        if known is None:
            return
        for text in known.log:
            yield LogLine(known.started, "INFO", known.process, text)
        state = known.state(self._now())
        if state is RunState.FAILED:
            yield LogLine(known.end, "ERROR", known.process, known.failure)
        elif state is not RunState.RUNNING:
            yield LogLine(known.end, "INFO", known.process, f"the run has ended: {state.value}")

    def forget(self, run: RunRef) -> None:
        """Nothing is held outside the workspace. See Engine."""

    def wait(self, runs: Sequence[RunRef], timeout: float) -> None:
        """Until the first of the runs has ended. See Eventful."""
        known = [_read(_workspace(ref)) for ref in runs]
        now = self._now()
        left = [0.0 if run is None or run.cancelled else (run.end - now).total_seconds() for run in known]
        time.sleep(max(0.0, min([timeout, *left])))

    def _program(self, process_id: str) -> Program:
        if process_id not in self._programs:
            raise PlanRejected(f"the server has no built-in process {process_id}")
        return self._programs[process_id]

    def _begin(self, program: Program, plan: Plan) -> None:
        folder = plan.workspace
        try:
            course = program.course(plan.job_order)
            made = {} if course.failure else program.outputs(plan.job_order, folder)
        except OapipError as error:
            course, made = Course(failure=error.detail), {}
        _create(folder / _OUTPUTS, {key: output_to_json(value) for key, value in made.items()}, again=True)
        _create(folder / _RUN, {**asdict(course), "process": plan.process_id, "started": self._now().isoformat()})

    def _report(self, run: _Run) -> RunReport:
        now = self._now()
        state = run.state(now)
        ended = state is not RunState.RUNNING
        share = (min(now, run.end) - run.started).total_seconds() / run.seconds if run.seconds else 1.0
        return RunReport(
            state=state,
            message=run.failure if state is RunState.FAILED else "",
            progress=100 if state is RunState.SUCCEEDED else max(0, min(99, int(100 * share))),
            usage={"wall_seconds": (run.end - run.started).total_seconds()} if ended else {},
            started=run.started,
            finished=run.end if ended else None,
        )


def _workspace(run: RunRef) -> Path:
    return Path(str(run.state["workspace"]))


def _read(folder: Path) -> _Run | None:
    row = _load(folder / _RUN)
    if row is None:
        return None
    cancelled = _load(folder / _CANCEL)
    return _Run(
        process=str(row["process"]),
        started=datetime.fromisoformat(str(row["started"])),
        seconds=float(cast(float, row["seconds"])),
        failure=str(row["failure"]),
        log=tuple(cast("list[str]", row["log"])),
        cancelled=None if cancelled is None else datetime.fromisoformat(str(cancelled["time"])),
    )


def _load(path: Path) -> JSONObject | None:
    """A file of `_create`; one that a power failure cut short counts as none."""
    try:
        return cast(JSONObject, json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None


def _create(path: Path, document: Mapping[str, Any], again: bool = False) -> None:
    """Write a file in one step; the first writer wins, unless `again`. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        draft.write_text(json.dumps(document), encoding="utf-8")
        if again:
            draft.replace(path)
        else:
            os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
