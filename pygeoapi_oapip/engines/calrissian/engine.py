"""CalrissianEngine: a run is a Kubernetes Job whose pod runs Calrissian. docs/engines/calrissian.md has the picture."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import EngineUnavailable, PlanRejected, RunLost
from ...model.execution import Plan
from ...model.process import NO_PACKAGE, Package
from ...model.run import JobID, LogLine, RunRef, RunReport, RunState
from ...model.value import OutputValue
from ...packages.remote import is_remote
from ...packages.resources import MIB, demand, disk, gpus
from ...settings import CalrissianEngine as Settings
from ..base import EngineHealth, Traits
from . import launch, reports
from .client import Cluster
from .exchange import Exchange
from .folder import JobFolder
from .follower import Follower
from .joblog import read_logs
from .manifest import naming_user
from .names import safe_id, selector
from .places import places
from .preflight import Preflight
from .refusals import Refusals
from .watching import Watching

LOG = logging.getLogger(__name__)

_PAUSE, _PAUSE_PER_RUN = 0.2, 0.005
"""Seconds between two looks at the files of a run, which may be far away; longer where there are many."""
_KEPT = 1000
"""Reports of runs that are not asked for any more, until they are thrown away."""
_FIRST_ANSWER = 5.0


class CalrissianEngine:
    """Calrissian on Kubernetes.

    Args:
        name: its name in the configuration.
        settings: its block in the configuration.
        home: not used: all state is in the jobs' folders and in the cluster.
    """

    def __init__(self, name: str, settings: Settings, home: Path) -> None:
        self.name = name
        self.settings = settings
        self.cluster = Cluster(settings)
        followed = "" if settings.everywhere else settings.namespace
        self._follower = Follower(self.cluster, followed, selector(settings.instance))
        self._refusals = Refusals(self.cluster, followed)
        bucket = settings.volumes.exchange
        self._exchange = Exchange(bucket, settings.instance) if bucket else None
        self._preflight = Preflight(settings, self.cluster, self._exchange)
        self._seen: dict[JobID, tuple[float, RunReport]] = {}

    @property
    def traits(self) -> Traits:
        """Reads files only; submits are idempotent through the name of the Job."""
        return Traits(reads=frozenset({"file"}), idempotent_submit=True, poll_interval=1.0, secrets=True)

    def start(self) -> None:
        """Find out whether this server has all rights, and tell the log if not."""
        state = self._preflight.health(_FIRST_ANSWER)
        LOG.log(logging.INFO if state.ok else logging.WARNING, "engine %s: %s", self.name, state.detail)

    def health(self, wait: float) -> EngineHealth:
        """Whether the cluster answers, and what this server may not do there. See Examined."""
        return self._preflight.health(wait)

    def check(self, plan: Plan) -> None:
        """Refuse what is no CWL, or asks for more than the settings allow. See Engine."""
        if plan.package is NO_PACKAGE or is_remote(plan.package):
            raise PlanRejected("only CWL packages can be run by Calrissian")
        wanted, settings = demand(plan.package.document), self.settings.of(plan.process_id)
        if wanted.cores > settings.max_cores or wanted.memory > settings.max_ram:
            raise PlanRejected(
                f"The process asks for {wanted.cores:g} cores and {wanted.memory / MIB:.0f} MiB of memory; "
                f"a job may have {settings.max_cores:g} cores and {settings.max_ram / MIB:.0f} MiB here."
            )
        if (cards := gpus(plan.package.document)) > settings.max_gpus:
            raise PlanRejected(f"The process asks for {cards:g} GPUs; a job may have {settings.max_gpus} here.")
        room, limit = disk(plan.package.document), settings.volumes.max_size
        if limit and room > limit:
            raise PlanRejected(
                f"The process asks for {room / MIB:.0f} MiB of disk; a job may have {limit / MIB:.0f} MiB here."
            )

    def submit(self, plan: Plan) -> RunRef:
        """Write the plan into the volume and make the Job. See Engine."""
        run = launch.reference(self.name, self.settings, plan)
        folder = self._folder(run)
        try:
            if folder.decided("submitted") is None:
                self._wait_for_room(run)
                settings = naming_user(self.settings.of(plan.process_id), plan)
                launch.write(settings, plan, folder)
                if self._exchange is not None and folder.decided("sent") is None:
                    self._exchange.send(plan.job_id, folder)
                    folder.decide("sent", {})
                self._follower.jobs.learn(launch.create(settings, self.cluster, plan, folder, self._exchange))
                folder.decide("submitted", {})
        except OSError as error:
            raise EngineUnavailable(f"the volume of the jobs cannot be written: {error.strerror}") from error
        return run

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """What the files say of runs that have ended, and the cluster of those that go on. See Engine."""
        try:
            found = {run.job_id: self._fresh(run, _pause(len(runs))) for run in runs}
        except OSError as error:
            raise EngineUnavailable(f"the volume of the jobs cannot be read: {error.strerror}") from error
        if len(self._seen) > _KEPT + len(runs):
            self._seen = {job_id: row for job_id, row in self._seen.items() if job_id in found}
        return {job_id: report for job_id, report in found.items() if report is not None}

    def cancel(self, run: RunRef) -> None:
        """Remove the Job; its pods go with it. See Engine."""
        folder = self._folder(run)
        if not folder.planned or self._ended(folder) is not None:
            return
        try:
            folder.decide("cancel", {"time": time.time()})
        except OSError as error:
            raise EngineUnavailable(f"the volume of the jobs cannot be written: {error.strerror}") from error
        launch.remove(self.cluster, run)
        self._seen.pop(run.job_id, None)

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """The outputs that Calrissian reported, in the job's folder. See Engine."""
        from ...packages.outputs import read_outputs

        folder = self._folder(run)
        try:
            if self._exchange is not None:
                self._exchange.outputs(run.job_id, folder)
            folder.collect()
        except OSError as error:
            raise EngineUnavailable(f"the outputs cannot be moved to the job's folder: {error.strerror}") from error
        found, package = folder.told("exit"), folder.decided("package")
        if found is None or package is None or not isinstance(found.get("outputs"), dict):
            raise RunLost("the volume has no outputs of the run any more")
        document, entry = package["document"], str(package["entry"])
        outputs = found["outputs"]
        assert isinstance(document, dict) and isinstance(outputs, dict)
        return read_outputs(outputs, Package(document, entry, b"", "application/cwl+json"), folder.workspace)

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """The lines of Calrissian and of the steps. See Engine."""
        folder = self._folder(run)
        if self._exchange is not None and folder.planned and not folder.forgotten:
            with suppress(EngineUnavailable):  # then the lines so far
                self._exchange.logs(run.job_id, folder)
        return read_logs(folder)

    def forget(self, run: RunRef) -> None:
        """Remove the Job with all that belongs to it, and what the volume holds of it. See Engine."""
        folder = self._folder(run)
        if not folder.planned:
            return
        launch.remove(self.cluster, run)
        try:
            if self._exchange is not None and not folder.forgotten:
                self._exchange.logs(run.job_id, folder)
                self._exchange.remove(run.job_id)
            folder.collect()
        except OSError as error:
            raise EngineUnavailable(f"the files of the job cannot be moved: {error.strerror}") from error
        folder.remove()

    def wait(self, runs: Sequence[RunRef], timeout: float) -> None:
        """Wait until one of the runs may have changed. See Eventful."""
        self._follower.wait(self._follower.count, min(timeout, _pause(len(runs))))

    def reap(self, ended: Callable[[JobID], bool]) -> int:
        """Remove Jobs whose jobs have ended. See Reaping."""
        count = launch.left_over(self.cluster, self.settings, ended)
        return max(count, self._exchange.left_over(ended)) if self._exchange is not None else count

    def close(self) -> None:
        """Close idle connections; runs go on. The engine can still be used."""
        self._follower.rest()
        self.cluster.close()

    def _folder(self, run: RunRef) -> JobFolder:
        workspace = Path(str(run.state["workspace"]))
        return JobFolder(workspace, places(self.settings.volumes, run.job_id, workspace))

    def _wait_for_room(self, run: RunRef) -> None:
        limit = self.settings.max_running
        jobs = self._follower.jobs.all(_FIRST_ANSWER) if limit else None
        if limit and jobs is None:
            raise EngineUnavailable(self._away())
        others = [job for job in jobs or () if job["metadata"]["name"] != run.external_id]
        if limit and sum(reports.job_end(job) is None for job in others) >= limit:
            raise EngineUnavailable(f"waiting for one of {limit} jobs to end, which run at once")

    def _ended(self, folder: JobFolder) -> RunReport | None:
        return reports.decided(folder) or (None if folder.decided("cancel") else reports.final(folder))

    def _fresh(self, run: RunRef, pause: float) -> RunReport | None:
        """The report of a run, looked at again after a pause: the reconciler asks many times in a second."""
        now = time.monotonic()
        known = self._seen.get(run.job_id)
        if known is not None and now - known[0] < pause:
            return known[1]
        report = self._look(run)
        if report is None or report.ended:
            self._seen.pop(run.job_id, None)
        else:
            self._seen[run.job_id] = (now, report)
        return report

    def _look(self, run: RunRef) -> RunReport | None:
        folder = self._folder(run)
        if not folder.planned:
            return None
        ended = self._ended(folder)
        if ended is None and self._exchange is not None:
            self._exchange.pull(run.job_id, folder)
            ended = self._ended(folder)
        if ended is not None:
            return ended
        job_id = safe_id(run.job_id)
        pods = self._follower.pods.rows(job_id, _FIRST_ANSWER) or ()
        jobs = self._follower.jobs.rows(job_id, _FIRST_ANSWER)
        if jobs is None:
            report = reports.going_on(folder, pods)
            return report if report.state is RunState.RUNNING else RunReport(RunState.QUEUED, self._away())
        process = str((folder.decided("planned") or {}).get("process", ""))
        return Watching(self.settings.of(process), self.cluster, self._refusals).judge(run, folder, jobs, pods)

    def _away(self) -> str:
        return f"waiting for the cluster: {self._follower.jobs.fault}"


def _pause(runs: int) -> float:
    return _PAUSE + _PAUSE_PER_RUN * runs
