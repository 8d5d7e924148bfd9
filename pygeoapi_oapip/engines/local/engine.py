"""LocalEngine: runs packages with cwltool on this machine (design 11). docs/local-engine.md has the picture."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...errors import EngineUnavailable, PlanRejected, RunLost
from ...model.execution import Plan
from ...model.json import JSON
from ...model.process import Package
from ...model.run import JobID, LogLine, RunRef, RunReport, RunState
from ...model.value import OutputValue
from ...packages.resources import MIB, demand
from ...settings import LocalEngine as Settings
from .. import secrets
from ..base import EngineHealth, Traits
from . import reports
from .children import stop_run
from .client import ForkServerClient
from .containers import ContainerDetector
from .joblog import read_log
from .processes import lives
from .protocol import Message
from .record import JobFolder, Record, now
from .resources import budget

_POLL = 0.02
"""Seconds between looks at the folders while there is no fork server to tell of an end."""


class LocalEngine:
    """cwltool on this machine.

    Args:
        name: its name in the configuration.
        settings: its block in the configuration.
        home: folder for the fork server's socket, lock and log; made at the first job.
        idle: seconds without work after which the fork server ends.
    """

    def __init__(self, name: str, settings: Settings, home: Path, idle: float = 60.0) -> None:
        self.name = name
        self.settings = settings
        self._secrets = home / "secrets"
        self._budget = budget(settings)
        self._client = ForkServerClient(home, self._budget, idle)
        self._containers = ContainerDetector(settings.containers)

    @property
    def traits(self) -> Traits:
        """Reads files only; submits are idempotent through the job folder."""
        reads = frozenset({"file"})
        return Traits(reads=reads, idempotent_submit=True, poll_interval=0.5, secrets=True, fair=True)

    def start(self) -> None:
        """Start the fork server and the search for a container engine ahead of a job. Raises EngineUnavailable."""
        self._containers.start()
        self._client.ask({"op": "known", "jobs": []})

    def close(self) -> None:
        """Close idle connections to the fork server; runs go on. The engine can still be used."""
        self._client.close()

    def quit(self) -> None:
        """End the fork server, if there is one that nobody else uses; runs go on, and what waits is sent again by the
        next poll."""
        self._client.close()
        self._client.ask_if_there({"op": "quit"})
        self.close()

    def health(self, wait: float) -> EngineHealth:
        """The version of cwltool, and which container engine answers. See Examined."""
        found, wanted = self._containers.found(wait), self.settings.containers
        if wanted in ("docker", "podman") and not found:
            return EngineHealth(False, f"cwltool {_cwltool_version()}; {wanted} does not answer")
        return EngineHealth(True, f"cwltool {_cwltool_version()}; containers: {found or 'none'}")

    def check(self, plan: Plan) -> None:
        """Refuse what needs a container engine that is not there, or more than the machine has. See Engine."""
        if plan.package.requires_container and not self._containers.found():
            raise PlanRejected(
                "The process runs in a container (DockerRequirement), and this server has no container engine "
                "that answers (docker or podman)."
            )
        wanted, total = demand(plan.package.document), self._budget.total
        if not total.covers(wanted):
            raise PlanRejected(
                f"The process asks for {wanted.cores:g} cores and {wanted.memory / MIB:.0f} MiB of memory; "
                f"this server has {total.cores:g} cores and {total.memory / MIB:.0f} MiB for all jobs."
            )

    def submit(self, plan: Plan) -> RunRef:
        """Write the plan into the job folder and queue the job. See Engine."""
        folder = JobFolder(plan.workspace)
        wanted = demand(plan.package.document)
        try:
            folder.make()
            kept = secrets.keep(self._secrets, plan.job_id, plan.secrets) if folder.read("started") is None else None
            folder.create("plan", self._planned(plan) | ({"secrets": str(kept)} if kept else {}))
        except OSError as error:
            raise EngineUnavailable(f"The job's folder cannot be written: {error.strerror}.") from error
        state: dict[str, JSON] = {"workspace": str(plan.workspace.absolute()), "owner": plan.owner}
        run = RunRef(self.name, plan.job_id, plan.job_id, state | asdict(wanted))
        self._client.ask({"op": "submit", "jobs": [_ticket(run)]})
        return run

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """Read the folders; send again what waits and is not known to the (new) fork server. See Engine."""
        try:
            found = {run.job_id: self._look(run) for run in runs}
        except OSError as error:
            raise EngineUnavailable(f"The folders of the jobs cannot be read: {error.strerror}.") from error
        waiting = [run for run in runs if (r := found[run.job_id]) is not None and r.state is RunState.QUEUED]
        if waiting:
            known = set(self._client.ask({"op": "known", "jobs": [run.job_id for run in waiting]})["known"])
            unknown = [_ticket(run) for run in waiting if run.job_id not in known]
            if unknown:
                self._client.ask({"op": "submit", "jobs": unknown})
        return {job_id: report for job_id, report in found.items() if report is not None}

    def cancel(self, run: RunRef) -> None:
        """Keep a run from starting, or end all its processes. See Engine."""
        folder = _folder(run)
        if not folder.planned or folder.read("exit") is not None:
            return
        try:
            folder.write("cancel", {"time": now()})
            if folder.create("started", {"cancelled": True, "time": None}):
                folder.finish(RunState.CANCELLED, "The job was dismissed before it started.")
        except OSError as error:
            raise EngineUnavailable(f"The job's folder cannot be written: {error.strerror}.") from error
        grace = self.settings.stop_grace
        message = {"op": "cancel", "id": run.job_id, "workspace": str(folder.workspace), "grace": grace}
        if self._client.ask_if_there(message, patience=1.0) is None and folder.read("exit") is None:
            stop_run(folder, grace)

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """The outputs that cwltool reported. See Engine."""
        folder = _folder(run)
        record, plan = folder.read("exit"), folder.read("plan")
        from ...packages.outputs import read_outputs

        if record is None or plan is None:
            raise RunLost("the job's folder has no record of the run any more")
        if "outputs" not in record:
            raise RunLost(f"the run has no outputs: it ended as {record['state']}")
        return read_outputs(record["outputs"], _package(plan), folder.workspace)

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """The lines of `logs/job.log`. See Engine."""
        return read_log(_folder(run))

    def forget(self, run: RunRef) -> None:
        """Remove the work folder, and secrets that were not read. See Engine."""
        secrets.drop(self._secrets, run.job_id)
        shutil.rmtree(_folder(run).work, ignore_errors=True)

    def wait(self, runs: Sequence[RunRef], timeout: float) -> None:
        """Wait until one of the runs may have changed. See Eventful."""
        deadline = time.monotonic() + timeout
        jobs: list[Message] = [{"id": run.job_id, "workspace": str(_folder(run).workspace)} for run in runs]
        message = {"op": "wait", "jobs": jobs, "timeout": timeout}
        if self._client.ask_if_there(message, patience=timeout + 1.0) is not None:
            return
        while time.monotonic() < deadline and not any(_settled(_folder(run)) for run in runs):
            time.sleep(min(_POLL, max(0.0, deadline - time.monotonic())))

    def _planned(self, plan: Plan) -> Record:
        package, settings = plan.package, self.settings
        containers = self._containers.found() if _mentions_docker(package.document) else ""
        return {
            "process": plan.process_id,
            "document": package.document,
            "entry": package.entry,
            "cwl_version": package.cwl_version,
            "job_order": plan.job_order,
            "containers": containers,
            "parallel_steps": settings.parallel_steps,
            "javascript": settings.javascript,
            "time_limit": settings.time_limit,
            "stop_grace": settings.stop_grace,
            "budget": asdict(self._budget.total),
        }

    def _look(self, run: RunRef) -> RunReport | None:
        folder = _folder(run)
        record = folder.read("exit")
        if record is not None:
            return reports.final(record)
        if not folder.planned:
            return None
        started = folder.read("started")
        if started is None:
            return reports.queued()
        if "pid" in started and lives(started):
            return reports.running(folder, started)
        return self._bury(folder)

    def _bury(self, folder: JobFolder) -> RunReport:
        """Report a run whose runner is gone: its own report if it came in the meantime, else a loss."""
        record = folder.read("exit")
        if record is None:
            message = (
                "The job's process is gone and left no report: it was killed, the disk is full, "
                "or the machine restarted."
            )
            state = RunState.CANCELLED if folder.cancelled else RunState.LOST
            if state is RunState.LOST:
                folder.finish_if_possible(state, message)
            stop_run(folder, 0.0)
            record = folder.read("exit") or folder.report(state, message)
        return reports.final(record)


@cache
def _cwltool_version() -> str:
    try:
        return version("cwltool")
    except PackageNotFoundError:
        return "is missing"


def _folder(run: RunRef) -> JobFolder:
    return JobFolder(Path(str(run.state["workspace"])))


def _ticket(run: RunRef) -> Message:
    state = run.state
    # a run that an older version of this server submitted has no owner
    names = ("workspace", "cores", "memory")
    return {"id": run.job_id, "owner": state.get("owner", "")} | {name: state[name] for name in names}


def _settled(folder: JobFolder) -> bool:
    started = folder.read("started")
    gone = started is None or "pid" not in started or not lives(started)
    return gone or folder.read("exit") is not None


def _package(plan: Record) -> Package:
    return Package(
        document=plan["document"],
        entry=plan["entry"],
        source=b"",
        media_type="application/cwl+json",
        cwl_version=plan["cwl_version"],
    )


def _mentions_docker(value: JSON) -> bool:
    if isinstance(value, Mapping):
        return (
            value.get("class") == "DockerRequirement"
            or "DockerRequirement" in value
            or any(map(_mentions_docker, value.values()))
        )
    return isinstance(value, list) and any(map(_mentions_docker, value))
