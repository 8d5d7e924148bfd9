"""WesEngine: a run is a run of a GA4GH Workflow Execution Service. docs/engines/wes.md has the picture.

The state of a run is in the job's folder (`record`); `submit` and `cancel` write there, `poll` tells what is known, and
threads (`follow`) do all that needs the network. So no call waits for a network, and a run goes on in whichever process
polls it next. A request to start a run whose answer was lost, or that this server sent just before it was killed, is
looked for at the server before it is sent again (`finder`): WES has no way to say that a request is a repetition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...errors import EngineUnavailable, PlanRejected, RunLost
from ...model.execution import Plan
from ...model.process import NO_PACKAGE
from ...model.run import JobID, LogLine, RunRef, RunReport
from ...model.value import OutputValue, output_from_json
from ...packages.remote import is_remote
from ...settings import WesEngine as Settings
from ..base import EngineHealth, Traits
from .api import object_of, run_log_of
from .client import WesClient, quoted
from .fetched import fetch_logs, kept_logs, with_tasks
from .finder import Finder
from .follow import Follower
from .known import KnownRuns, Slots
from .monitor import Monitor
from .record import Record, Stage
from .request import user_tags
from .run import Tools

READ_LIMIT = 5.0
"""Seconds of silence after which a user who reads the log of a running job is told so."""
GRACE = 5.0
"""Seconds that `close` waits for requests that are on their way."""


class WesEngine:
    """See the head of the module.

    Args:
        name: its name in the configuration.
        settings: its block in the configuration.
        home: folder for what it remembers of the server; made when it is needed.
    """

    def __init__(self, name: str, settings: Settings, home: Path) -> None:
        self.name = name
        self.settings = settings
        client, known = WesClient(settings), KnownRuns(home)
        self._monitor = Monitor(client, settings)
        self._client = client
        self._reader = WesClient(settings.model_copy(update={"timeout": min(READ_LIMIT, settings.timeout)}))
        slots = Slots(home, settings.max_running)
        self._follower = Follower(Tools(settings, client, self._monitor, Finder(client, known), known, slots))
        self._slots = slots

    @property
    def traits(self) -> Traits:
        """A submit is idempotent through the job's folder, and through a search at the server."""
        return Traits(reads=frozenset(self.settings.reads), idempotent_submit=True, poll_interval=0.1)

    def start(self) -> None:
        """Begin to ask the server what it is. Returns at once."""
        self._monitor.start()

    def close(self) -> None:
        """Give requests that are on their way some seconds; runs go on in the next process."""
        self._follower.close(GRACE)
        self._client.close()
        self._reader.close()

    def health(self, wait: float) -> EngineHealth:
        """See Examined."""
        return self._monitor.health(wait)

    def check(self, plan: Plan) -> None:
        """Refuse what is no CWL, or is in a version that the server does not run. See Engine."""
        if plan.package is NO_PACKAGE or is_remote(plan.package):
            raise PlanRejected("only CWL packages can be run by a Workflow Execution Service")
        self._monitor.start()
        info = self._monitor.info()
        if info is None:
            return
        found = info.cwl()
        if found is None:
            raise PlanRejected("the Workflow Execution Service of this engine runs no CWL")
        if found[1] and not info.spelled(plan.package.cwl_version):
            raise PlanRejected(
                f"The process is in CWL {plan.package.cwl_version}; the Workflow Execution Service of this engine runs "
                f"{', '.join(found[1])}."
            )

    def submit(self, plan: Plan) -> RunRef:
        """Write what is to run; it is sent at once, in a thread. See Engine."""
        if plan.package is NO_PACKAGE or is_remote(plan.package):
            raise PlanRejected("only CWL packages can be run by a Workflow Execution Service")
        try:
            Record(plan.workspace).create(plan, user_tags(self.settings, plan))
            self._follower.report(plan.job_id, plan.workspace)
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error
        return RunRef(self.name, plan.job_id, plan.job_id, {"workspace": str(plan.workspace.absolute())})

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """What is known now. See Engine."""
        reports = {run.job_id: self._follower.report(run.job_id, _workspace(run)) for run in runs}
        return {job_id: report for job_id, report in reports.items() if report is not None}

    def cancel(self, run: RunRef) -> None:
        """See Engine."""
        try:
            self._follower.cancel(run.job_id, _workspace(run))
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """See Engine."""
        state = Record(_workspace(run)).state()
        if state.stage is not Stage.ENDED:
            raise RunLost("the job's folder has no results")
        return {key: output_from_json(value) for key, value in state.outputs.items()}

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """Our own lines, then those of the run: as they were kept at its end, else as they are now. See Engine."""
        record = Record(_workspace(run))
        yield from record.log.lines()
        state = record.state()
        kept = kept_logs(record.run_log)
        if kept is not None:
            yield from kept.lines()
        elif state.run_id and state.stage is not Stage.ENDED:
            yield from self._live(state.run_id)

    def forget(self, run: RunRef) -> None:
        """The run at the server stays: WES has no way to remove one. See Engine."""
        self._follower.forget(run.job_id)
        self._slots.free(run.job_id)

    def _live(self, run_id: str) -> Iterator[LogLine]:
        try:
            body = object_of(self._reader.get(f"runs/{quoted(run_id)}"))
            self._monitor.require()  # whose words they are
            log = with_tasks(self._reader, run_id, run_log_of(body))
            yield from fetch_logs(self._reader, run_id, log, self._monitor.kind).lines()
        except EngineUnavailable as fault:
            yield LogLine(None, "WARNING", "", f"the log of the run cannot be read now: {fault.detail}")


def _workspace(run: RunRef) -> Path:
    return Path(str(run.state["workspace"]))
