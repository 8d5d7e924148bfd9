"""What an engine is: seven methods over plain values (design 4).

An engine keeps no identity, retries nothing and knows no database: the reconciler owns these. It imports
`model`, `packages`, `errors`, `settings` and its own SDK, never another engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..model.execution import Plan
from ..model.run import JobID, LogLine, RunRef, RunReport
from ..model.value import OutputValue


@dataclass(frozen=True, slots=True)
class Traits:
    """What an engine can do, so that nobody asks for its class."""

    reads: frozenset[str]
    """URL schemes of inputs that it reads itself; all others are staged to `file` first."""
    idempotent_submit: bool
    """True: `submit` twice for one job id makes one run. False: a job found in SUBMITTING is failed as lost."""
    can_cancel: bool = True
    poll_interval: float = 2.0
    """Seconds between polls where the engine has no events."""
    secrets: bool = False
    """It takes `Plan.secrets`."""
    fair: bool = False
    """True: of the runs that wait in the engine it starts first those of owners who have the fewest. Where it does not
    know owners, only a few runs of each are handed over before they can start."""


class Engine(Protocol):
    """A place where work can run. Constructors are free of effects; all methods are thread-safe."""

    @property
    def traits(self) -> Traits:
        """What this engine can do."""
        ...

    def check(self, plan: Plan) -> None:
        """Refuse a plan that cannot run here, before a job exists. Without effects, and quick: it asks no service and
        reads no file of the plan, but may use what the engine has found out about its surroundings in the background,
        and wait some seconds for the first answer of that.

        `plan.workspace` does not exist yet and `plan.job_order` may hold unstaged references.

        Raises:
            PlanRejected: with the reason, for the user.
        """
        ...

    def submit(self, plan: Plan) -> RunRef:
        """Start the run of `plan.job_id`, or adopt the one already started for it.

        Raises:
            EngineUnavailable: temporary; nothing was started, or it will be adopted by the next call.
            PlanRejected: permanent; nothing was started.
        """
        ...

    def poll(self, runs: Sequence[RunRef]) -> Mapping[JobID, RunReport]:
        """The present state of many runs, in one call where the back end allows.

        Returns:
            A report for each run that the engine knows; a missing id is a lost run.

        Raises:
            EngineUnavailable: temporary; nothing is known about any of the runs.
        """
        ...

    def cancel(self, run: RunRef) -> None:
        """Ask for the end of a run. Idempotent; its end is seen by `poll` (CANCELLED).

        Raises:
            EngineUnavailable: temporary.
        """
        ...

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        """The outputs of a run that SUCCEEDED, by output id. May be called again.

        Raises:
            EngineUnavailable: temporary.
            RunLost: the outputs are gone.
        """
        ...

    def logs(self, run: RunRef) -> Iterator[LogLine]:
        """The log so far, oldest line first; at any time, also while the run goes on and after `forget`
        as long as the workspace is there."""
        ...

    def forget(self, run: RunRef) -> None:
        """Free what the run holds outside the workspace, and scratch space in it. Idempotent."""
        ...


@runtime_checkable
class Eventful(Protocol):
    """An engine that can tell of changes at once, so that nobody waits for the next poll."""

    def wait(self, runs: Sequence[RunRef], timeout: float) -> None:
        """Return as soon as one of `runs` has ended, or may have changed, or after `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """Whether an engine works."""

    ok: bool
    detail: str
    """For the administrator: what answers, in which version; or what is wrong, and where it is put right."""


@runtime_checkable
class Examined(Protocol):
    """An engine that can say whether it works."""

    def health(self, wait: float) -> EngineHealth:
        """The last known state: quick, because the engine asks in the background.

        Args:
            wait: seconds to wait where nothing is known yet.
        """
        ...


@runtime_checkable
class Reaping(Protocol):
    """An engine whose runs hold something elsewhere that may be left over."""

    def reap(self, ended: Callable[[JobID], bool]) -> int:
        """Free what ended runs hold all the same, because `forget` could not.

        Args:
            ended: whether a job is known to this server, and has ended.

        Returns:
            The number of runs that were freed.

        Raises:
            EngineUnavailable: temporary.
        """
        ...
