"""An engine in memory that does what a test tells it, for tests of everything that uses engines."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..engines.base import Traits
from ..errors import EngineUnavailable, PlanRejected, RunLost
from ..model.execution import Plan
from ..model.run import JobID, LogLine, RunRef, RunReport, RunState, StepReport
from ..model.value import OutputValue


@dataclass
class Script:
    """What happens to a run.

    `Plan.process_id` chooses the script (see FakeEngine); times are seconds after the submit.
    """

    starts: float = 0.0
    ends: float = 0.0
    outcome: RunState = RunState.SUCCEEDED
    message: str = ""
    outputs: Mapping[str, OutputValue] = field(default_factory=dict)
    log: Sequence[str] = ()
    rejected: str = ""
    """Not "": `check` refuses with this reason."""


@dataclass
class _Run:
    script: Script
    submitted: float
    time: datetime
    cancelled: bool = False


class FakeBackEnd:
    """What outlives an engine object: give one to several FakeEngines to test a restart."""

    def __init__(self) -> None:
        self.runs: dict[JobID, _Run] = {}
        self.changed = threading.Condition()


class FakeEngine:
    """An engine of seven methods over a dictionary.

    Args:
        name: as in the configuration.
        scripts: process id -> script; a process without one ends at once with success and no outputs.
        back_end: state to share with another FakeEngine.

    Attributes:
        calls: method name -> number of calls, failed ones included.
        submits: job id -> number of runs made for it; idempotence means that none is above 1.
    """

    def __init__(
        self,
        name: str = "fake",
        scripts: Mapping[str, Script] | None = None,
        back_end: FakeBackEnd | None = None,
    ) -> None:
        self.name = name
        self.scripts = dict(scripts or {})
        self.back_end = back_end or FakeBackEnd()
        self.calls: Counter[str] = Counter()
        self.submits: Counter[JobID] = Counter()
        self._failures: dict[str, list[Exception]] = {}
        self._lost_answers = 0

    def fail(self, method: str, *errors: Exception) -> None:
        """Let the next calls of a method raise these errors, one each, before they do anything."""
        self._failures.setdefault(method, []).extend(errors)

    def be_unavailable(self, times: int, method: str = "") -> None:
        """Let the next calls of a method (or, with "", of each method) raise EngineUnavailable."""
        for name in [method] if method else ["submit", "poll", "cancel", "outputs"]:
            self.fail(name, *(EngineUnavailable("The fake engine is not available.") for _ in range(times)))

    def lose_answers(self, times: int) -> None:
        """Let the next submits start the run and raise EngineUnavailable all the same, as a broken network does."""
        self._lost_answers += times

    def lose(self, job_id: JobID) -> None:
        """Make the engine forget a run."""
        with self.back_end.changed:
            self.back_end.runs.pop(job_id, None)
            self.back_end.changed.notify_all()

    @property
    def traits(self) -> Traits:
        """Reads files; can do all."""
        return Traits(reads=frozenset({"file"}), idempotent_submit=True, poll_interval=0.01)

    def check(self, plan: Plan) -> None:
        """Refuse where the script says so."""
        self._count("check")
        reason = self._script(plan.process_id).rejected
        if reason:
            raise PlanRejected(reason)

    def submit(self, plan: Plan) -> RunRef:
        """See Engine."""
        self._count("submit")
        with self.back_end.changed:
            if plan.job_id not in self.back_end.runs:
                self.submits[plan.job_id] += 1
                run = _Run(self._script(plan.process_id), time.monotonic(), datetime.now(UTC))
                self.back_end.runs[plan.job_id] = run
        if self._lost_answers:
            self._lost_answers -= 1
            raise EngineUnavailable("The fake engine's answer was lost.")
        return RunRef(self.name, plan.job_id, plan.job_id)

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """See Engine."""
        self._count("poll")
        known = self.back_end.runs
        return {run.job_id: self._report(known[run.job_id]) for run in runs if run.job_id in known}

    def cancel(self, run: RunRef) -> None:
        """See Engine."""
        self._count("cancel")
        with self.back_end.changed:
            found = self.back_end.runs.get(run.job_id)
            if found is not None and not self._report(found).ended:
                found.cancelled = True
                self.back_end.changed.notify_all()

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """See Engine."""
        self._count("outputs")
        found = self.back_end.runs.get(run.job_id)
        if found is None:
            raise RunLost("The fake engine does not know the run.")
        return dict(found.script.outputs)

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """See Engine."""
        self._count("logs")
        found = self.back_end.runs.get(run.job_id)
        for text in found.script.log if found is not None else ():
            yield LogLine(None, "", "", text)

    def forget(self, run: RunRef) -> None:
        """See Engine. What was forgotten can still be polled: there was nothing to free."""
        self._count("forget")

    def wait(self, runs: Sequence[RunRef], timeout: float) -> None:
        """See Eventful."""
        deadline = time.monotonic() + timeout
        with self.back_end.changed:
            while (left := deadline - time.monotonic()) > 0:
                found = [self.back_end.runs.get(run.job_id) for run in runs]
                ends = [r.submitted + r.script.ends for r in found if r is not None]
                if len(ends) < len(runs) or any(self._report(r).ended for r in found if r is not None):
                    return
                until_end = min(ends) - time.monotonic() if ends else left
                self.back_end.changed.wait(max(0.001, min(left, until_end)))

    def _script(self, process_id: str) -> Script:
        return self.scripts.get(process_id, Script())

    def _count(self, method: str) -> None:
        self.calls[method] += 1
        waiting = self._failures.get(method)
        if waiting:
            raise waiting.pop(0)

    def _report(self, run: _Run) -> RunReport:
        age = time.monotonic() - run.submitted
        script = run.script
        if run.cancelled:
            return RunReport(RunState.CANCELLED, "cancelled", started=run.time, finished=run.time)
        if age < script.starts:
            return RunReport(RunState.QUEUED)
        if age < script.ends:
            share = int(100 * (age - script.starts) / (script.ends - script.starts))
            return RunReport(RunState.RUNNING, progress=share, started=run.time)
        steps = (StepReport("tool", script.outcome, run.time, run.time, 0),)
        done = 100 if script.outcome is RunState.SUCCEEDED else 0
        return RunReport(script.outcome, script.message, done, steps, started=run.time, finished=run.time)
