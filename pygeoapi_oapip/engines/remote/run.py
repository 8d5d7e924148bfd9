"""One step of one remote run: at most a few requests, and what they mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ...errors import AnswerLost, JobFailed, OapipError, TooLarge, Unavailable
from ...model.answer import Answer
from ...model.json import JSONObject
from ...model.process import Package
from ...model.run import RunState
from ...model.value import output_to_json
from .record import Record, Stage, State
from .results import Downloaded, Results
from .wire import job_address, problem_of, retry_after, status_of

SHORTEST, LONGEST = 0.2, 10.0
"""Seconds between two looks at a remote job; between them a tenth of the time since its start."""
MAX_BACKOFF = 60.0
LARGEST_STATUS = 1 << 20
"""Bytes of a status document."""
LARGEST_RESULTS = 256 << 20
"""Bytes of a results document with values in it."""
CANCEL_TRIES = 5
"""Requests to dismiss a job before it is left alone."""
MISSING_TRIES = 3
"""404 in a row before a job counts as lost: a proxy or a server that starts again may say so for a moment."""

_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_STARTED = frozenset({408, 425, 429, 503})
"""Answers to an execute request that say that nothing was started, so that it may be sent again."""


class Http(Protocol):
    """Sends guarded requests (`staging.client`)."""

    def check(self, url: str) -> None:
        """Raises AddressForbidden, UnresolvableReference."""
        ...

    def send(
        self, method: str, url: str, body: JSONObject | None, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        """Raises Unavailable (nothing was sent), AnswerLost, and what is permanent."""
        ...

    def download(self, url: str, folder: Path) -> Downloaded:
        """Raises as `Stager.stage`."""
        ...


class Step:
    """Takes a run from one state to the next.

    Args:
        record: of the run.
        http: the way to other servers.
    """

    def __init__(self, record: Record, http: Http) -> None:
        self._record = record
        self._http = http

    def take(self) -> State:
        """Do what is to be done now, and save it. Raises OSError where the job's folder cannot be written."""
        state, request = self._record.state(), self._record.request()
        if state.stage is Stage.ENDED or request is None:
            return state
        document, body = request
        if self._record.cancelled:
            return self._cancel(state)
        if state.due > time.time():
            return state
        match state.stage:
            case Stage.NEW:
                return self._send(state, document, body)
            case Stage.SENDING:
                return self._end(
                    state,
                    RunState.LOST,
                    "this server stopped while it sent the request to the other server, and cannot tell whether it "
                    "arrived; it was not sent again, so that the process does not run twice",
                )
            case Stage.SENT:
                return self._guarded(state, lambda: self._look(state))
            case _:
                return self._guarded(state, lambda: self._collect(state, document))

    def _send(self, state: State, document: JSONObject, body: JSONObject) -> State:
        address = str(document["execution"])
        self._record.save(replace(state, stage=Stage.SENDING))
        try:
            answer = self._http.send("POST", address, body, {"Prefer": "respond-async"}, LARGEST_RESULTS)
        except AnswerLost as fault:
            return self._end(
                state, RunState.LOST, f"{fault.detail}; the request was not sent again, so that it does not run twice"
            )
        except Unavailable as fault:
            return self._later(state, fault.detail)
        except OapipError as error:
            return self._end(state, RunState.FAILED, error.detail)
        self._record.log.say(f"POST {address}: {answer.status}")
        return self._sent(state, document, answer)

    def _sent(self, state: State, document: JSONObject, answer: Answer) -> State:
        address = str(document["execution"])
        if answer.status in _NOT_STARTED:
            return self._later(state, f"{address} answers {answer.status} now: {problem_of(answer)}", answer)
        if not 200 <= answer.status < 300:
            return self._end(
                state, RunState.FAILED, f"{_host(address)} refuses it ({answer.status}): {problem_of(answer)}"
            )
        job = job_address(answer, address)
        if job:
            self._record.log.say(f"the job there is {job}")
            return self._save(replace(state, stage=Stage.SENT, job=job, due=time.time() + SHORTEST, faults=0))
        if answer.status == 201:
            return self._end(
                state, RunState.LOST, f"{_host(address)} has started it, and does not tell where its job is"
            )
        return self._guarded(state, lambda: self._finish(state, answer, document))

    def _look(self, state: State) -> State:
        answer = self._http.send("GET", state.job, None, {}, LARGEST_STATUS)
        if answer.status in _TEMPORARY:
            raise _Again(f"{state.job} answers {answer.status} now", answer)
        if answer.status in (404, 410):
            if state.faults + 1 < MISSING_TRIES:
                raise _Again(f"{state.job} answers {answer.status}", answer)
            return self._end(state, RunState.LOST, f"{_host(state.job)} does not know the job any more")
        found = status_of(answer, state.job) if answer.status == 200 else None
        if found is None:
            return self._end(state, RunState.FAILED, f"{state.job} answers {answer.status}: {problem_of(answer)}")
        if (found.state, found.message) != (state.state, state.message):
            self._record.log.say(f"{found.state}: {found.message}" if found.message else found.state.value)
        match found.state:
            case RunState.SUCCEEDED:
                ready = replace(state, stage=Stage.READY, results=found.results, due=0.0, faults=0)
                return self._save(replace(ready, state=RunState.RUNNING, started=state.started or _now()))
            case RunState.FAILED:
                return self._end(state, RunState.FAILED, found.message or self._cause(found.results))
            case RunState.CANCELLED:
                return self._end(state, RunState.CANCELLED, f"the job was dismissed at {_host(state.job)}")
            case _:
                started = state.started or (_now() if found.state is RunState.RUNNING else "")
                pause = retry_after(answer) or _pause(started)
                seen = replace(state, state=found.state, message=found.message, progress=found.progress)
                return self._save(replace(seen, started=started, faults=0, due=time.time() + pause))

    def _cause(self, results: str) -> str:
        """Why a job failed, where its status does not tell: its results do (Part 1 job-results-failed)."""
        answer = self._http.send("GET", results, None, {}, LARGEST_STATUS)
        return problem_of(answer)

    def _collect(self, state: State, document: JSONObject) -> State:
        answer = self._http.send("GET", state.results, None, {}, LARGEST_RESULTS)
        if answer.status in _TEMPORARY:
            raise _Again(f"{state.results} answers {answer.status} now", answer)
        if answer.status != 200:
            text = f"{_host(state.results)} does not give the results ({answer.status}): {problem_of(answer)}"
            return self._end(state, RunState.FAILED, text)
        return self._finish(state, answer, document)

    def _finish(self, state: State, answer: Answer, document: JSONObject) -> State:
        results = Results(self._record.workspace, self._http.download)
        outputs = results.read(answer, Package(document, "", b"", ""))
        stored = {name: output_to_json(value) for name, value in outputs.items()}
        return self._end(replace(state, progress=100, outputs=stored), RunState.SUCCEEDED, "")

    def _cancel(self, state: State) -> State:
        if state.refusals and state.due > time.time():
            return state
        text = "cancelled"
        if state.job:
            try:
                answer = self._http.send("DELETE", state.job, None, {}, LARGEST_STATUS)
                refused = answer.status in _TEMPORARY
                text = f"cancelled; {_host(state.job)} answers {answer.status}"
            except OapipError as fault:
                refused, text = True, f"cancelled here; {fault.detail}"
            if refused and state.refusals + 1 < CANCEL_TRIES:
                pause = min(MAX_BACKOFF, 0.5 * 2**state.refusals)
                return self._save(replace(state, refusals=state.refusals + 1, due=time.time() + pause))
        elif state.stage is Stage.SENDING:
            text = "cancelled here; nobody knows whether the other server has a job"
        return self._end(state, RunState.CANCELLED, text)

    def _guarded(self, state: State, step: Callable[[], State]) -> State:
        try:
            return step()
        except _Again as fault:
            return self._later(state, fault.detail, fault.answer)
        except (JobFailed, TooLarge) as error:
            return self._end(state, RunState.FAILED, error.detail)
        except Unavailable as fault:
            return self._later(state, fault.detail)
        except OapipError as error:
            return self._end(state, RunState.FAILED, error.detail)

    def _later(self, state: State, reason: str, answer: Answer | None = None) -> State:
        pause = min(MAX_BACKOFF, 0.5 * 2 ** min(state.faults, 10))
        pause = max(pause, retry_after(answer) if answer is not None else 0.0)
        self._record.log.say(f"{reason}; asked again in {pause:g} s", "WARNING")
        return self._save(replace(state, faults=state.faults + 1, message=reason, due=time.time() + pause))

    def _end(self, state: State, end: RunState, message: str) -> State:
        self._record.log.say(f"{end}: {message}" if message else end.value)
        now = _now()
        return self._save(
            replace(state, stage=Stage.ENDED, state=end, message=message, started=state.started or now, finished=now)
        )

    def _save(self, state: State) -> State:
        self._record.save(state)
        return state


class _Again(Unavailable):
    """The other server says: later."""

    def __init__(self, detail: str, answer: Answer) -> None:
        super().__init__(detail)
        self.answer = answer


def _pause(started: str) -> float:
    age = (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds() if started else 0.0
    return min(LONGEST, max(SHORTEST, age / 10))


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _host(address: str) -> str:
    return urlsplit(address).netloc
