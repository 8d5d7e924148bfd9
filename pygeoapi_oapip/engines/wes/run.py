"""One step of one run: at most a few requests, and what they mean."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import AnswerLost, EngineUnavailable, JobFailed
from ...model.answer import Answer
from ...model.run import JobID, RunState
from ...model.value import output_to_json
from ...packages.cwltypes import TypeReader
from ...settings import WesEngine as Settings
from .api import (
    CANCELING,
    COMPLETE,
    STATES,
    RunLog,
    is_error_response,
    object_of,
    problem_of,
    run_id_of,
    run_log_of,
    state_of,
)
from .client import NotInTime, WesClient, quoted
from .fetched import Logs, fetch_logs, with_tasks
from .finder import CannotTell, Finder
from .known import KnownRuns, Slots
from .logs import Cause, cause_of, path_hider
from .monitor import Monitor
from .outputs import NotYet, Origin, collect
from .progress import progress_of
from .record import Record, Stage, State
from .request import bucket_of, run_request

SEARCHES = 3
"""Looks that find nothing before a request is sent again: the server may still be at work on the first one."""
SLOW = 4
"""Times `timeout` in which a server that did not answer in time is not sent the request again."""
MISSING_TRIES = 3
READS = 15
"""Tries to read outputs that are not there yet, with growing pauses: about a minute."""
STOP_GRACE = 120.0
"""Seconds that a server has to end a run that it was told to cancel."""
STOP_UNSENT = 3600.0
"""Seconds in which a server that does not answer is told again to cancel."""
CANCELING_GRACE = 600.0
"""Seconds that a run may be CANCELING where we did not ask for it."""
FAULTS_WITHOUT_LOG = 12
"""Tries to read the log of a run that has ended, before it is reported without: two minutes."""

_NOT_STARTED = frozenset({401, 403, 404, 405, 408, 425, 429})
"""Answers to POST runs that say that nothing was started, and that may change: credentials, address, load."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a step works with."""

    settings: Settings
    client: WesClient
    monitor: Monitor
    finder: Finder
    known: KnownRuns
    slots: Slots


class Step:
    """Takes a run from one state to the next.

    Args:
        job_id: of the job.
        record: of the run.
        tools: of the engine.
    """

    def __init__(self, job_id: JobID, record: Record, tools: Tools) -> None:
        self._job_id = job_id
        self._record = record
        self._tools = tools
        self._client = tools.client

    def take(self, word: str = "", details: bool = False) -> State:
        """Do what is to be done now, and save it.

        Args:
            word: the state of the run in words of WES, where it is known from a list; "": it is asked for.
            details: ask for the steps of the run too.

        Raises:
            EngineUnavailable: temporary; the run is as it was.
            OSError: the job's folder cannot be written.
        """
        state = self._record.state()
        if state.stage is Stage.ENDED or not self._record.exists:
            return state
        state = self._with_stop(state)
        match state.stage:
            case Stage.NEW:
                return self._send(state)
            case Stage.SENDING:
                return self._search(state)
            case Stage.SENT:
                return self._stop(state) if state.stopping else self._look(state, word, details)
            case _:
                return self._collect(state)

    def _with_stop(self, state: State) -> State:
        deadline = self._tools.settings.deadline
        if self._record.cancelled and state.stopping != "dismissed":
            return replace(state, stopping="dismissed", stop_since=time.time())
        if not state.stopping and deadline and state.posted and time.time() - state.posted > deadline:
            return replace(state, stopping="deadline", stop_since=time.time())
        return state

    def _send(self, state: State) -> State:
        if state.stopping:
            return self._end(state, RunState.CANCELLED, "cancelled before it was sent")
        if not self._tools.slots.take(self._job_id, self._record.workspace):
            limit = self._tools.settings.max_running
            return self._save(state, message=f"waits for one of {limit} places (max_running)")
        info = self._tools.monitor.require()
        try:
            request = run_request(
                self._job_id, self._record.run(), self._tools.settings, self._tools.monitor.quirks, info
            ).tagged(self._record.tags())
        except JobFailed as error:
            return self._end(state, RunState.FAILED, error.detail)
        state = self._save(state, stage=Stage.SENDING, posted=state.posted or time.time(), searches=0)
        try:
            answer = self._client.post("runs", request.fields, request.files)
        except EngineUnavailable:
            self._save(state, stage=Stage.NEW)
            raise
        except AnswerLost as fault:
            self._record.log.say(f"{fault.detail}; looks whether the run was started", "WARNING")
            slow = time.time() + SLOW * self._tools.settings.timeout if isinstance(fault, NotInTime) else 0.0
            return self._save(state, message=fault.detail, slow_until=slow)
        return self._sent(state, answer)

    def _sent(self, state: State, answer: Answer) -> State:
        run_id = run_id_of(answer)
        if run_id:
            return self._adopt(state, run_id, "sent")
        if answer.status in _NOT_STARTED:
            self._save(state, stage=Stage.NEW)
            raise EngineUnavailable(f"the WES server does not take runs now ({answer.status}: {problem_of(answer)})")
        if 400 <= answer.status < 500:
            return self._end(
                state, RunState.FAILED, f"the WES server refuses the run ({answer.status}): {problem_of(answer)}"
            )
        text = f"the WES server answers {answer.status} to the request for the run: {problem_of(answer)}"
        self._record.log.say(f"{text}; looks whether it was started", "WARNING")
        return self._save(state, message=text)

    def _adopt(self, state: State, run_id: str, how: str) -> State:
        self._record.log.say(f"{how}: the run at the WES server is {run_id}")
        sent = self._save(state, stage=Stage.SENT, run_id=run_id, message="", faults=0)
        self._tools.known.add([run_id])
        return sent

    def _search(self, state: State) -> State:
        try:
            run_id = self._tools.finder.find(self._job_id)
        except CannotTell as reason:
            return self._end(
                state,
                RunState.CANCELLED if state.stopping == "dismissed" else RunState.LOST,
                f"the answer of the WES server to the request for the run was lost, and {reason}: nobody can tell "
                "whether it was started, and it is not started again, so that it does not run twice",
            )
        if run_id:
            return self._adopt(state, run_id, "found")
        if state.searches + 1 < SEARCHES or time.time() < state.slow_until:
            return self._save(state, searches=state.searches + 1)
        if state.stopping:
            return self._end(state, RunState.CANCELLED, "cancelled; it was never started at the WES server")
        self._record.log.say("the run was not started; it is sent again")
        return self._save(state, stage=Stage.NEW, searches=0, message="")

    def _look(self, state: State, word: str, details: bool) -> State:
        if details:
            answer = self._client.get(self._path(state))
        elif not word:
            answer = self._client.get(f"{self._path(state)}/status")
        else:
            return self._seen(state, word)
        if answer.status == 404:
            return self._missing(state, answer)
        body = object_of(answer)
        state = replace(state, missing=0)
        if details:
            state = self._with_steps(state, with_tasks(self._client, state.run_id, run_log_of(body)))
        return self._seen(state, state_of(body))

    def _seen(self, state: State, word: str) -> State:
        """What a state means for a run that nobody cancels."""
        found, text = STATES.get(word, STATES["UNKNOWN"])
        if word != state.word:
            self._record.log.say(f"{word} at the WES server")
        now = time.time()
        if word == COMPLETE:
            return self._collect(
                self._save(state, stage=Stage.READY, word=word, started=state.started or now, reads=0, faults=0)
            )
        if word == CANCELING:
            since = state.stop_since or now
            if now - since > CANCELING_GRACE:
                return self._finish(
                    state, RunState.LOST, "the run was being cancelled at the WES server, and never ended there"
                )
            return self._save(state, word=word, message=text, stop_since=since)
        if found in (RunState.FAILED, RunState.LOST):
            return self._failed(replace(state, word=word, started=state.started or now), found, text)
        if found is RunState.CANCELLED:
            return self._finish(replace(state, word=word), found, text)
        began = now if found is RunState.RUNNING and word != "UNKNOWN" else 0.0
        kept = state.state if word == "UNKNOWN" else found
        return self._save(state, word=word, state=kept, message=text, started=state.started or began, faults=0)

    def _missing(self, state: State, answer: Answer) -> State:
        """The server says that it has no such run; something before it may have said so."""
        if not is_error_response(answer):
            self._tools.monitor.ask()
        if state.missing + 1 < MISSING_TRIES:
            return self._save(state, missing=state.missing + 1, message="the WES server does not know the run")
        if state.stopping == "dismissed":
            return self._end(state, RunState.CANCELLED, "cancelled; the WES server does not know the run any more")
        return self._end(
            state, RunState.LOST, f"the WES server does not know the run {state.run_id} any more: it has lost its state"
        )

    def _collect(self, state: State) -> State:
        if state.stopping == "dismissed":
            return self._end(state, RunState.CANCELLED, "cancelled")
        log = with_tasks(self._client, state.run_id, self._run_log(state))
        if log.state != COMPLETE:
            return self._save(state, stage=Stage.SENT, word=log.state)
        process_id, package, _ = self._record.run()
        if not log.outputs and TypeReader(package.document, package.entry).outputs():
            return self._again(state, "the WES server says that the run is complete, and gives no outputs")
        try:
            outputs = collect(log.outputs, package, self._record.workspace, self._origin(state, process_id))
        except NotYet as fault:
            return self._again(state, f"a result of the run is missing: {fault.detail}")
        except JobFailed as error:
            return self._finish(self._with_steps(state, log), RunState.FAILED, error.detail, log)
        done = self._with_steps(replace(state, progress=100), log)
        stored = {name: output_to_json(value) for name, value in outputs.items()}
        return self._finish(replace(done, outputs=stored), RunState.SUCCEEDED, "", log)

    def _origin(self, state: State, process_id: str) -> Origin:
        settings = self._tools.settings
        folders = settings.outputs if isinstance(settings.outputs, Mapping) else {}
        return Origin(folders, bucket_of(self._job_id, process_id, settings, self._tools.monitor.quirks), state.run_id)

    def _again(self, state: State, text: str) -> State:
        if state.reads + 1 < READS:
            return self._save(state, reads=state.reads + 1, message=text)
        return self._finish(state, RunState.FAILED, text)

    def _failed(self, state: State, found: RunState, text: str) -> State:
        """The end of a failed run, with its cause."""
        kept = self._kept(state, None)
        if kept is None:
            return self._end(state, found, f"{text} ({state.word}); its log cannot be read")
        log, logs = kept
        cause = cause_of(logs.text, log.tasks, self._tools.monitor.quirks, path_hider(state.run_id))
        return self._end(*self._explained(self._with_steps(state, log), found, text, cause))

    def _stop(self, state: State) -> State:
        waited = time.time() - state.stop_since
        if waited > (STOP_GRACE if state.stop_sent else STOP_UNSENT):
            return self._end(*self._stopped(state, "the WES server did not confirm it: the run may go on there"))
        if not state.stop_sent:
            answer = self._client.cancel(state.run_id)
            if answer.status >= 500:
                raise EngineUnavailable(f"the WES server does not cancel the run now ({answer.status})")
            self._record.log.say(f"cancel ({state.stopping}): the WES server answers {answer.status}")
            state = self._save(state, stop_sent=True)
        answer = self._client.get(f"{self._path(state)}/status")
        if answer.status == 404:
            return self._missing(state, answer)
        word = state_of(object_of(answer))
        if word == COMPLETE and state.stopping == "deadline":
            return self._seen(state, word)
        if STATES.get(word, STATES["UNKNOWN"])[0] in (RunState.QUEUED, RunState.RUNNING):
            return self._save(state, word=word, message="is being cancelled")
        return self._finish(*self._stopped(replace(state, word=word), ""))

    def _stopped(self, state: State, more: str) -> tuple[State, RunState, str]:
        if state.stopping == "dismissed":
            return state, RunState.CANCELLED, f"cancelled; {more}" if more else "cancelled"
        limit = self._tools.settings.deadline
        text = f"it did not end within {limit:g} s (deadline), and was cancelled; its last state was {state.word}"
        return state, RunState.FAILED, f"{text}; {more}" if more else text

    def _finish(self, state: State, end: RunState, text: str, log: RunLog | None = None) -> State:
        """Keep the logs of the run, and end."""
        self._kept(state, log)
        return self._end(state, end, text)

    def _kept(self, state: State, log: RunLog | None) -> tuple[RunLog, Logs] | None:
        """Read the logs of the run and keep them; None where that cannot be done for long."""
        patient = state.faults < FAULTS_WITHOUT_LOG
        try:
            log = log or with_tasks(self._client, state.run_id, self._run_log(state))
            logs = fetch_logs(self._client, state.run_id, log, self._tools.monitor.kind, strict=patient)
        except EngineUnavailable as fault:
            if patient:
                self._save(state, faults=state.faults + 1)
                raise
            self._record.log.say(f"the logs of the run cannot be read: {fault.detail}", "WARNING")
            return None
        logs.keep(self._record.run_log)
        return log, logs

    def _explained(self, state: State, end: RunState, text: str, cause: Cause | None) -> tuple[State, RunState, str]:
        if cause is None:
            return state, end, f"{text} ({state.word}), and the WES server has no log of it: its workers may tell more"
        code = cause.exit_code
        steps = [
            {**row, "exit_code": code} if code is not None and row["name"] == cause.step else row for row in state.steps
        ]
        return replace(state, steps=steps), end, str(cause) if state.word == "EXECUTOR_ERROR" else f"{text}: {cause}"

    def _with_steps(self, state: State, log: RunLog) -> State:
        steps, share = progress_of(log, self._record.run()[1].document, self._tools.monitor.quirks)
        return replace(state, steps=steps, progress=max(state.progress, share))

    def _run_log(self, state: State) -> RunLog:
        return run_log_of(object_of(self._client.get(self._path(state))))

    def _path(self, state: State) -> str:
        return f"runs/{quoted(state.run_id)}"

    def _end(self, state: State, end: RunState, message: str) -> State:
        self._record.log.say(f"{end}: {path_hider(state.run_id)(message)}" if message else end.value)
        now = time.time()
        ended = self._save(
            state, stage=Stage.ENDED, state=end, message=message, started=state.started or now, finished=now
        )
        self._tools.slots.free(self._job_id)
        return ended

    def _save(self, before: State, **changes: Any) -> State:
        changed = replace(before, **changes)
        known = self._record.state()
        if changed != known:
            # what can be asked for again need not outlive a power failure
            self._record.save(changed, durable=changed.stage is not known.stage)
        return changed
