"""Follows the runs of one process of this server: who is looked at, when, and with how many requests.

One thread decides, and threads of their own do what takes time. Up to FEW runs are asked for one by one; more of them
by the list of runs, one request a look however many they are, and what the list does not hold by a few requests a
second. Looks are close to each other at first, and rare for runs that go on for hours; a list that takes long to make
is asked for more rarely. While the server cannot be reached, one request at a time finds out when it can.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import EngineUnavailable
from ...model.run import JobID, RunReport
from .api import STATES, object_of, page_of
from .record import Record, Stage, State
from .run import Step, Tools

LOG = logging.getLogger(__name__)

FEW = 3
"""Runs that are asked for one by one."""
THREADS = 8
"""Steps at once."""
KEPT_FREE = 3
"""Of THREADS, those that send no runs: large inputs on a slow line must not keep others from being looked at."""
SINGLE_RATE = 5.0
"""Requests a second for runs that the list does not hold."""
SHORTEST = 0.2
"""Seconds between two looks at a run that was just sent; later a hundredth of its age, up to `poll_interval`."""
DUTY = 10.0
"""A list that took t seconds is asked for again after DUTY * t at the earliest."""
DETAILS = 3.0
"""Seconds between two looks at the steps of a run; later a tenth of its age, up to LONGEST_DETAILS."""
LONGEST_DETAILS = 60.0
STOPPING = 0.5
"""Seconds between two looks at a run that is being cancelled."""
LEFT = 15.0
"""A run that nobody has polled for so many seconds is followed by another process now."""
MAX_BACKOFF = 15.0
MOST_PAGES = 20
"""Pages of the list in one look."""
NO_LIST, BAD_LIST = 600.0, 20.0
"""Seconds without the list, where the server has none, and where it could not be read."""
_PAGE = "1000"
_TICK = 0.05
_RETRY = 0.5
"""Seconds until a step that could not go on is taken again: its folder is away, another process takes it."""
_PAUSES: Mapping[Stage, float] = {Stage.NEW: 0.5, Stage.SENDING: 2.0, Stage.READY: 0.25}


@dataclass
class Tracked:
    """A run that is followed."""

    job_id: JobID
    record: Record
    state: State
    polled: float
    due: float = 0.0
    details: float = 0.0
    busy: bool = False
    cancelled: bool = False
    word: str = ""
    """Its state in the last list, where that leads to a step."""


@dataclass
class Trouble:
    """Whether the server can be reached."""

    text: str = ""
    faults: int = 0
    until: float = 0.0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """It answered."""
        with self.guard:
            if self.text:
                LOG.warning("the WES server answers again")
            self.text, self.faults, self.until = "", 0, 0.0

    def note(self, text: str) -> None:
        """It did not."""
        with self.guard:
            if not self.text:
                LOG.warning("runs wait for their WES server: %s", text)
            pause = min(MAX_BACKOFF, 0.5 * 2 ** min(self.faults, 8))
            self.text, self.faults, self.until = text, self.faults + 1, time.monotonic() + pause


class Follower:
    """Thread-safe; its thread starts with the first run and ends when there are none.

    Args:
        tools: of the engine.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._wake = threading.Condition()
        self._runs: dict[JobID, Tracked] = {}
        self._thread: threading.Thread | None = None
        self._threads = 0
        self._trouble = Trouble()
        self._list_due = 0.0
        self._list_off = 0.0
        self._listing = False
        self._single_due = 0.0

    def report(self, job_id: JobID, workspace: Path) -> RunReport | None:
        """What is known of a run; from now on it is followed. None where there is no such run."""
        with self._wake:
            tracked = self._runs.get(job_id) or self._begin(job_id, workspace)
            if tracked is None:
                return None
            tracked.polled = time.monotonic()
            report = tracked.state.report
        trouble = self._trouble.text
        return replace(report, message=trouble) if trouble and not report.ended else report

    def cancel(self, job_id: JobID, workspace: Path) -> None:
        """Have a run cancelled soon, unless it has ended. Raises OSError."""
        record = Record(workspace)
        with self._wake:
            tracked = self._runs.get(job_id)
            state = tracked.state if tracked else record.state()
        known = tracked is not None and tracked.cancelled
        if known or state.stage is Stage.ENDED or record.cancelled or not record.exists:
            return
        record.cancel()
        with self._wake:
            if tracked is not None:
                tracked.due, tracked.cancelled = 0.0, True
            self._wake.notify_all()

    def forget(self, job_id: JobID) -> None:
        """Follow it no more."""
        with self._wake:
            self._runs.pop(job_id, None)

    def close(self, grace: float) -> None:
        """Let steps that are on their way end, for some seconds."""
        with self._wake:
            self._runs.clear()
            self._wake.notify_all()
            self._wake.wait_for(lambda: not self._threads, grace)

    def _begin(self, job_id: JobID, workspace: Path) -> Tracked | None:
        record = Record(workspace)
        if not record.exists:
            return None
        tracked = Tracked(job_id, record, record.state(), time.monotonic(), cancelled=record.cancelled)
        if tracked.state.stage is not Stage.ENDED:
            self._runs[job_id] = tracked
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="oapip-wes", daemon=True)
                self._thread.start()
            self._wake.notify_all()
        return tracked

    def _run(self) -> None:
        while True:
            with self._wake:
                now = time.monotonic()
                for job_id in [key for key, item in self._runs.items() if now - item.polled > LEFT and not item.busy]:
                    del self._runs[job_id]
                if not self._runs and not self._threads:
                    self._thread = None
                    return
                try:
                    self._cycle(now)
                except RuntimeError as error:
                    LOG.warning("runs at the WES server wait: %s", error)  # no more threads on this machine
                self._wake.wait(_TICK)

    def _cycle(self, now: float) -> None:
        """Start what is due. Called with the lock."""
        open_runs = (run for run in self._runs.values() if not run.busy and run.state.stage is not Stage.ENDED)
        waiting = sorted(open_runs, key=lambda run: run.due)
        if now < self._trouble.until or (self._trouble.text and self._threads):
            return
        room = 1 if self._trouble.text else THREADS
        following = [item for item in waiting if _followed(item)]
        for item in waiting:
            if item.due > now or self._threads >= room:
                break
            if item.state.stage is Stage.NEW and room - self._threads <= KEPT_FREE < room:
                continue
            if len(following) <= FEW or item.word or not _followed(item):
                self._start(item, details=_followed(item) and not item.word and item.details <= now)
        if len(following) > FEW and self._threads < room:
            self._follow_many(following, now, room)

    def _follow_many(self, following: Sequence[Tracked], now: float, room: int) -> None:
        """One list for all, and one at a time those whose steps are to be read or that the list does not hold."""
        due = [item for item in following if item.due <= now and not item.busy]
        listed = now >= self._list_off
        if listed and due and now >= self._list_due and not self._listing:
            self._spawn(self._look_at_list)
            self._listing = True
        if now >= self._single_due and self._threads < room:
            wanted = [item for item in following if item.details <= now and not item.busy] if listed else due
            wanted = wanted or [item for item in due if now - item.due > 3 * self._interval(item)]
            if wanted:
                self._single_due = now + 1 / SINGLE_RATE
                oldest = min(wanted, key=lambda item: item.due)
                self._start(oldest, details=oldest.details <= now)

    def _start(self, item: Tracked, details: bool) -> None:
        word = item.word
        self._spawn(lambda: self._step(item, word, details))
        item.busy, item.word = True, ""

    def _spawn(self, work: object) -> None:
        """Called with the lock, which a thread needs at its end. Raises RuntimeError where there is none left."""
        assert callable(work)
        threading.Thread(target=self._guarded, args=(work,), name="oapip-wes-step", daemon=True).start()
        self._threads += 1

    def _guarded(self, work: object) -> None:
        assert callable(work)
        try:
            work()
        finally:
            with self._wake:
                self._threads -= 1
                self._wake.notify_all()

    def _step(self, item: Tracked, word: str, details: bool) -> None:
        state, pause = item.state, 0.0
        try:
            with item.record.locked() as mine:
                if mine:
                    state = Step(item.job_id, item.record, self._tools).take(word, details)
                    self._trouble.clear()
                else:
                    state, pause = item.record.state(), _RETRY
        except EngineUnavailable as fault:
            self._trouble.note(fault.detail)
            state, pause = item.record.state(), _RETRY
        except OSError as error:
            LOG.warning("job %s waits for its folder: %s", item.job_id, error.strerror)
            pause = _RETRY
        except Exception:
            # A defect in one run must not stop the others; it is tried again later.
            LOG.exception("job %s: a defect of the server", item.job_id)
            pause = MAX_BACKOFF
        with self._wake:
            self._took(item, state, pause, details)

    def _took(self, item: Tracked, state: State, pause: float, details: bool) -> None:
        now = time.monotonic()
        item.state, item.busy = state, False
        told = item.cancelled and not state.stopping  # while this step was taken
        item.due = now if told else now + (pause or self._interval(item))
        if details or not item.details:
            item.details = now + min(LONGEST_DETAILS, max(DETAILS, _age(state) / 10))

    def _interval(self, item: Tracked) -> float:
        stage = item.state.stage
        if stage is Stage.READY:
            return min(5.0, _PAUSES[stage] * 1.5**item.state.reads)
        if item.state.missing:
            return 2.0
        if item.state.stopping:
            return STOPPING
        if stage in _PAUSES:
            return _PAUSES[stage]
        return max(SHORTEST, min(self._tools.settings.poll_interval, _age(item.state) / 100))

    def _look_at_list(self) -> None:
        began = time.monotonic()
        words: dict[str, str] | None = None
        pause = NO_LIST
        try:
            words = self._listed()
            self._trouble.clear()
        except EngineUnavailable as fault:
            # perhaps the list alone: the runs are asked for in turn meanwhile
            self._trouble.note(fault.detail)
            pause = BAD_LIST
        took = time.monotonic() - began
        with self._wake:
            self._listing = False
            now = time.monotonic()
            self._list_due = now + DUTY * took
            if words is None:
                self._list_off = now + pause
                return
            for item in self._runs.values():
                word = words.get(item.state.run_id)
                if word is None or item.busy or not _followed(item):
                    continue
                if word != item.state.word or _moves(word):
                    item.word, item.due = word, 0.0
                else:
                    item.due = now + self._interval(item)

    def _listed(self) -> dict[str, str] | None:
        """State by run id; None where the server has no list. Raises EngineUnavailable."""
        found: dict[str, str] = {}
        token = ""
        for _ in range(MOST_PAGES):
            query = {"page_size": _PAGE, **({"page_token": token} if token else {})}
            answer = self._tools.client.get("runs", query)
            if answer.status in (403, 404, 405, 501):
                return None
            page = page_of(object_of(answer))
            found |= {run.run_id: run.state for run in page.runs}
            if not page.next_token or page.next_token == token:
                break
            token = page.next_token
        return found


def _followed(item: Tracked) -> bool:
    """True for a run whose state at the server is all that is to be known."""
    state = item.state
    return state.stage is Stage.SENT and not state.stopping and not item.cancelled and not state.missing


def _moves(word: str) -> bool:
    """True for a state that leads to more than another look."""
    return STATES.get(word, STATES["UNKNOWN"])[0].value not in ("queued", "running")


def _age(state: State) -> float:
    return max(0.0, time.time() - state.posted) if state.posted else 0.0
