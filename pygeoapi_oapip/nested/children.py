"""Nested processes of a job: each is a job of its own, and the job waits in ACCEPTED until all of them have ended.

Their ids follow from the id of the job that waits and the place of the value, so a crash at any point starts none
twice. Once the waiting job tells of them (in its steps), all are in the store: one that is missing then was removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from ..errors import Conflict, JobFailed, NoSuchJob
from ..model.execution import HAS_NESTED, PARENT, ExecutionRequest, groups_of, with_groups
from ..model.identity import EVERYTHING
from ..model.job import Goal, Job, JobStatus, Phase, utc_now
from ..model.json import JSON
from ..model.process import Input, Package
from ..model.run import RunState, StepReport
from ..model.value import Inline, InputValue, Nested, nested_of, output_from_json
from ..packages.joborder import FileSource
from ..staging.base import JobFiles, Workspaces
from ..store.base import JobStore, ProcessStore
from ..validation.schema import violations
from ..validation.violations import refusal
from .handover import Handover, with_results

SHORTEST, LONGEST = 0.05, 5.0
"""Seconds between two looks at the jobs that are waited for; between them a twentieth of the time waited so far."""

_STATES: Mapping[JobStatus, RunState] = {
    JobStatus.ACCEPTED: RunState.QUEUED,
    JobStatus.RUNNING: RunState.RUNNING,
    JobStatus.SUCCESSFUL: RunState.SUCCEEDED,
    JobStatus.FAILED: RunState.FAILED,
    JobStatus.DISMISSED: RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Child:
    """A nested process of a job."""

    place: str
    """`inputs.a[0]`."""
    nested: Nested
    job_id: str

    def __str__(self) -> str:
        return f"nested process {self.nested.process_id}, job {self.job_id}"


def children_of(job: Job) -> list[Child]:
    """The nested processes that the inputs of a job name directly."""
    if not job.request.get(HAS_NESTED):
        return []
    request = ExecutionRequest.from_json(job.request)
    found = [
        (f"inputs.{name}{place}", nested)
        for name, value in request.inputs.items()
        for place, nested in nested_of(value)
    ]
    return [Child(place, nested, str(uuid5(NAMESPACE_URL, f"{job.id}/{place}"))) for place, nested in found]


class Children:
    """Makes, watches and reads the jobs of nested processes; implements `phases.Children`."""

    def __init__(
        self,
        jobs: JobStore,
        processes: ProcessStore,
        workspaces: Workspaces,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._jobs = jobs
        self._processes = processes
        self._workspaces = workspaces
        self._now = now

    def wait(self, job: Job) -> Job | None:
        """Make the jobs of the nested processes, or look at them.

        Returns:
            None where there are none, or all were successful. Else the job as it waits now: its `not_before` says
            when to look again.

        Raises:
            JobFailed: one of them failed, was dismissed or removed; the others are dismissed.
        """
        children = children_of(job)
        if not children:
            return None
        if not job.steps:
            self._start(job, children)
        seen = [(child, self._job(child.job_id)) for child in children]
        for child, found in seen:
            if not _goes_on(found):
                self.dismiss(job)
                raise _failure(child, found)
        present = [(child, found) for child, found in seen if found is not None]
        if all(found.phase is Phase.SUCCESSFUL for _, found in present):
            return None
        return self._waiting(job, present)

    def orphaned(self, job: Job) -> bool:
        """True for the job of a nested process that nobody waits for any more."""
        parent_id = job.request.get(PARENT)
        if not isinstance(parent_id, str):
            return False
        parent = self._job(parent_id)
        return parent is None or parent.ended or parent.goal is Goal.DISMISS

    def dismiss(self, job: Job) -> None:
        """Ask for the end of all jobs of nested processes that have not ended."""
        for child in children_of(job):
            found = self._job(child.job_id)
            if found is not None and not found.ended and found.goal is not Goal.DISMISS:
                self._dismiss(child.job_id)

    def inputs(
        self, job: Job, request: ExecutionRequest, package: Package, files: JobFiles
    ) -> tuple[Mapping[str, InputValue], FileSource]:
        """The inputs of a job with the results of its nested processes in place.

        Args:
            job: whose nested processes were all successful.
            request: of the job.
            package: that runs it.
            files: of the job.

        Returns:
            The values, and what reads their references.

        Raises:
            JobFailed: a result is not there any more, or does not fit the input.
        """
        children = children_of(job)
        if not children:
            return request.inputs, files
        handover = Handover(files, "cwlVersion" not in package.document, "InplaceUpdate" in str(package.document))
        results = {child.place: self._result(child, handover) for child in children}
        spread = frozenset(child.place for child in children if child.nested.spread)
        values = {
            name: with_results(value, results, spread, f"inputs.{name}") for name, value in request.inputs.items()
        }
        self._check(job, children, results)
        return values, handover

    def _start(self, job: Job, children: list[Child]) -> None:
        for child in children:
            nested = child.nested
            request = with_groups({**nested.request, PARENT: job.id}, groups_of(job.request))
            made = Job.new(nested.process_id, nested.revision, job.owner, nested.engine, request)
            try:
                self._jobs.add(replace(made, id=child.job_id), durable=False)
            except Conflict:
                continue  # it was made before a crash

    def _waiting(self, job: Job, seen: Sequence[tuple[Child, Job]]) -> Job:
        steps = tuple(_step(child, found) for child, found in seen)
        left = [child for child, found in seen if not found.ended]
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        done = sum(found.progress for _, found in seen) // (len(seen) + 1)
        now = self._now()
        waiting = job.advance(
            Phase.ACCEPTED, now, steps=steps, message=f"waiting for {left[0]}{more}", progress=max(job.progress, done)
        )
        told = (job.steps, job.message, job.progress) == (waiting.steps, waiting.message, waiting.progress)
        saved = job if told else self._jobs.save(waiting, durable=False)
        pause = min(LONGEST, max(SHORTEST, (now - job.created).total_seconds() / 20))
        return replace(saved, not_before=now + timedelta(seconds=pause))

    def _result(self, child: Child, handover: Handover) -> InputValue:
        found = self._job(child.job_id)
        if found is None or found.outputs is None:
            raise _failure(child, found)
        if child.nested.output not in found.outputs:
            raise JobFailed(f"{child.place}: the {child} has no output {child.nested.output}")
        output = output_from_json(found.outputs[child.nested.output])
        return handover.value(output, self._workspaces.path(child.job_id))

    def _check(self, job: Job, children: Sequence[Child], results: Mapping[str, InputValue]) -> None:
        """Values are known only now: enumerations, ranges and patterns count for them, too."""
        if not job.process_revision:
            return  # what is not in the store checks its inputs itself
        definitions = self._processes.get(job.process_id, EVERYTHING, job.process_revision, job.process_owner).inputs
        for child in children:
            name = child.place.removeprefix("inputs.").partition("[")[0]
            if name in definitions:
                for value in _checked(child, definitions[name], results[child.place]):
                    broken = violations(value, definitions[name].schema, child.place)
                    if broken:
                        raise JobFailed(f"{refusal(broken).detail}; it comes from the {child}")

    def _job(self, job_id: str) -> Job | None:
        try:
            return self._jobs.get(job_id, EVERYTHING)
        except NoSuchJob:
            return None

    def _dismiss(self, job_id: str) -> None:
        try:
            self._jobs.set_goal(job_id, Goal.DISMISS, EVERYTHING)
        except NoSuchJob:
            return  # it was removed meanwhile


def _goes_on(found: Job | None) -> bool:
    return found is not None and found.status not in (JobStatus.FAILED, JobStatus.DISMISSED)


def _step(child: Child, found: Job) -> StepReport:
    return StepReport(f"{child.place}: {child}", _STATES[found.status], found.started, found.finished)


def _failure(child: Child, found: Job | None) -> JobFailed:
    about = {"job": child.job_id, "process": child.nested.process_id, "input": child.place}
    if found is None:
        return JobFailed(f"{child.place}: the {child}, was removed before its result was read", nested=about)
    if found.status is JobStatus.DISMISSED:
        return JobFailed(f"{child.place}: the {child}, was dismissed", nested=about)
    cause = {"cause": found.problem} if found.problem else {}
    return JobFailed(f"{child.place}: the {child}, failed: {found.message}", nested={**about, **cause})


def _checked(child: Child, definition: Input, value: InputValue) -> list[JSON]:
    """The plain values that have to keep the rules of an input."""
    if isinstance(value, Inline) and not child.nested.spread:
        single = definition.max_occurs == 1 and not child.place.endswith("]")
        return [value.value] if single or definition.max_occurs != 1 else []
    if isinstance(value, Inline) and isinstance(value.value, list | tuple):
        return list(value.value)
    return []
