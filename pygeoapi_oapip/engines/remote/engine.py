"""RemoteEngine: a run is a job of another OGC API - Processes server.

The state of a run is in the job's folder (`record`); `poll` reads it, and lets threads take the steps that are due. So
no call waits for a network, no thread waits for a job, and a run goes on in whichever process polls it next.

A request to start a process is sent once. If this server is killed between sending it and reading the answer, or the
connection breaks there, nobody knows whether it arrived: the run is LOST then, and is not sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...errors import EngineUnavailable, JobFailed, OapipError, PlanRejected, RunLost
from ...model.execution import Plan
from ...model.run import JobID, LogLine, RunRef, RunReport
from ...model.value import OutputValue, output_from_json
from ...packages.remote import is_remote
from ..base import Traits
from .record import Record, Stage
from .run import Http, Step
from .wire import execute_body

LOG = logging.getLogger(__name__)

LARGEST_FILE = 32 << 20
"""Bytes of a file of this server that is sent within a request."""
THREADS = 32
"""Steps at once; the others are taken by a later poll."""
PAUSE_AFTER_DEFECT = 5.0
GRACE = 5.0
"""Seconds that `close` waits."""


class RemoteEngine:
    """See the head of the module.

    Args:
        name: as jobs have it.
        http: the way to other servers, which decides what is allowed.
    """

    def __init__(self, name: str, http: Http) -> None:
        self.name = name
        self._http = http
        self._changed = threading.Condition()
        self._busy: set[JobID] = set()

    @property
    def traits(self) -> Traits:
        """References over http are passed on; a submit is idempotent through the job's folder."""
        return Traits(reads=frozenset({"http", "https"}), idempotent_submit=True, poll_interval=0.1)

    def check(self, plan: Plan) -> None:
        """See Engine."""
        if not is_remote(plan.package):
            raise PlanRejected("only processes of other servers can be run here")
        try:
            self._http.check(str(plan.package.document["execution"]))
        except OapipError as error:
            raise PlanRejected(error.detail) from None

    def submit(self, plan: Plan) -> RunRef:
        """Write the request; the first poll sends it. See Engine."""
        if not is_remote(plan.package):
            raise PlanRejected("only processes of other servers can be run here")
        try:
            record = Record(plan.workspace)
            if record.request() is None:
                record.create(plan.package, execute_body(plan.package, plan.job_order, _content))
        except JobFailed as error:
            raise PlanRejected(error.detail) from None
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error
        run = RunRef(self.name, plan.job_id, plan.job_id, {"workspace": str(plan.workspace)})
        self._go_on(run)
        return run

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """What is known now; steps that are due are begun. See Engine."""
        found: dict[JobID, RunReport] = {}
        for run in runs:
            record = _record(run)
            if record.request() is None:
                continue
            state = record.state()
            found[run.job_id] = state.report
            if state.stage is not Stage.ENDED and (state.due <= time.time() or record.cancelled):
                self._go_on(run)
        return found

    def cancel(self, run: RunRef) -> None:
        """See Engine."""
        record = _record(run)
        if record.request() is None or record.state().stage is Stage.ENDED:
            return
        try:
            record.cancel()
        except OSError as error:
            raise EngineUnavailable(f"the job's folder cannot be written: {error.strerror}") from error
        self._go_on(run)

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """See Engine."""
        record = _record(run)
        state = record.state()
        if state.stage is not Stage.ENDED:
            raise RunLost("the job's folder has no results")
        return {key: output_from_json(value) for key, value in state.outputs.items()}

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """See Engine."""
        return _record(run).log.lines()

    def forget(self, run: RunRef) -> None:
        """Nothing is held outside the workspace; the job at the other server is that server's."""

    def close(self) -> None:
        """Give requests that are on their way some seconds; runs go on in the next process."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, GRACE)

    def _go_on(self, run: RunRef) -> None:
        with self._changed:
            if run.job_id in self._busy or len(self._busy) >= THREADS:
                return
            self._busy.add(run.job_id)
        threading.Thread(target=self._step, args=(run,), name="oapip-remote", daemon=True).start()

    def _step(self, run: RunRef) -> None:
        record = _record(run)
        try:
            with record.locked() as mine:
                if mine:
                    Step(record, self._http).take()
        except OSError as error:
            LOG.warning("job %s waits for its folder: %s", run.job_id, error.strerror)
        except Exception:
            # A defect in one run must not stop the others; it is tried again later.
            LOG.exception("job %s: a defect of the server", run.job_id)
            record.save(replace(record.state(), due=time.time() + PAUSE_AFTER_DEFECT))
        finally:
            with self._changed:
                self._busy.discard(run.job_id)
                self._changed.notify_all()


def _record(run: RunRef) -> Record:
    return Record(Path(str(run.state["workspace"])))


def _content(location: str) -> bytes:
    path = Path(unquote(urlsplit(location).path))
    if path.stat().st_size > LARGEST_FILE:
        raise JobFailed(f"{path.name} is larger than {LARGEST_FILE} bytes, too large to be sent to another server")
    return path.read_bytes()
