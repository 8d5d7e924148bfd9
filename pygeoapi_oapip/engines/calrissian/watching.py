"""Judges a run that has not reported its end, by what the cluster shows of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ...errors import EngineUnavailable
from ...model.run import RunRef, RunReport, RunState
from ...settings import CalrissianEngine as Settings
from . import diagnosis, launch, reports
from .client import Cluster, Refused
from .folder import JobFolder
from .names import COMPONENT, LEADER
from .refusals import Refusals

Row = Mapping[str, Any]
LEAVING = 30.0
"""Seconds after the grace of its pods until a dismissed run is over, whatever its pods seem to do."""


class Watching:
    """Sees to it that a run with a problem ends, with its cause.

    Args:
        settings: of the engine.
        cluster: where the Jobs are.
        refusals: why a Job has no pod.
    """

    def __init__(self, settings: Settings, cluster: Cluster, refusals: Refusals) -> None:
        self._settings = settings
        self._cluster = cluster
        self._refusals = refusals

    def judge(self, run: RunRef, folder: JobFolder, jobs: Sequence[Row], pods: Sequence[Row]) -> RunReport:
        """The report of a run.

        Args:
            run: which.
            folder: its files; they have no report of its end.
            jobs: Jobs with its label, as followed.
            pods: pods with its label, as followed; empty where this server may not see them.
        """
        leaders = [pod for pod in pods if (pod["metadata"].get("labels") or {}).get(COMPONENT) == LEADER]
        job = jobs[0] if jobs else self._asked(run)
        if folder.decided("cancel") is not None:
            return self._leaving(run, folder, job, leaders)
        if job is None:
            return self._end(folder, RunState.LOST, "the Job was removed from the cluster by somebody else")
        end = reports.job_end(job)
        if end is not None:
            return self._without_report(folder, end, leaders)
        problem = self._too_long(leaders)
        if problem:
            report = self._end(folder, RunState.FAILED, f"the job's pod cannot start: {problem}")
            launch.remove(self._cluster, run)
            return report
        report = reports.going_on(folder, leaders)
        if report.state is RunState.QUEUED and not job.get("status", {}).get("active"):
            return replace(report, message=self._refusals.of(job) or report.message)
        return report

    def _asked(self, run: RunRef) -> Row | None:
        """The Job, asked for: what is followed may be some moments old."""
        try:
            return self._cluster.get(launch.job_path(run))
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise EngineUnavailable(f"the cluster does not show the Job: {refusal.message}") from refusal

    def _leaving(self, run: RunRef, folder: JobFolder, job: Row | None, pods: Sequence[Row]) -> RunReport:
        if job is not None and not job["metadata"].get("deletionTimestamp"):
            launch.remove(self._cluster, run)
        if job is None and (all(map(diagnosis.over, pods)) or self._left_long_ago(folder)):
            return reports.cancelled(folder)
        return reports.going_on(folder, pods)

    def _left_long_ago(self, folder: JobFolder) -> bool:
        """True if a pod that still seems to run should have ended since long: its node may be lost."""
        since = float(str((folder.decided("cancel") or {}).get("time", 0)))
        return time.time() - since > self._settings.stop_grace + LEAVING

    def _without_report(self, folder: JobFolder, end: tuple[str, datetime, str], pods: Sequence[Row]) -> RunReport:
        kind, at, reason = end
        soon = datetime.now(UTC) - at < reports.REPORT_GRACE
        if reason.startswith("DeadlineExceeded") and (all(map(diagnosis.over, pods)) or not soon):
            limit = self._settings.deadline
            return self._end(folder, RunState.FAILED, f"The job exceeded the time limit of {limit:g} seconds.")
        if soon:
            return reports.going_on(folder, pods)
        why = next(filter(None, map(diagnosis.ended, pods)), "") or reason
        if kind == "Complete":
            return self._end(folder, RunState.LOST, "the Job is complete, but its report is not in the volume")
        return self._end(folder, RunState.LOST, f"the job's pod was ended and left no report: {why}")

    def _too_long(self, pods: Sequence[Row]) -> str:
        for pod in pods:
            problem = diagnosis.problem(pod)
            grace = timedelta(seconds=self._settings.pod_grace)
            if problem and datetime.now(UTC) - diagnosis.since(pod) > grace:
                return problem
        return ""

    def _end(self, folder: JobFolder, state: RunState, message: str) -> RunReport:
        if folder.told("exit") is None:  # it may have come just now
            folder.decide("verdict", {"state": state, "message": message, "time": datetime.now(UTC).isoformat()})
        report = reports.decided(folder) or reports.final(folder)
        assert report is not None
        return report
