"""How much one user may have at once, and in which order waiting jobs start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .execution import HAS_NESTED
from .job import Goal, Job, Phase


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one owner may have; 0 stands for any amount."""

    jobs: int = 0
    """waiting and running together"""
    queued: int = 0
    """accepted, and not running yet"""
    running: int = 0
    cores: float = 0.0
    """of the jobs that run"""
    memory: float = 0.0
    """bytes, of the jobs that run"""
    storage: int = 0
    """bytes of the results that are kept"""
    processes: int = 0
    """deployed"""
    deploys: int = 0
    """in a minute"""
    together: tuple[GroupAllowance, ...] = ()
    """What all members of the owner's groups may have together, by name of the group."""

    @property
    def bounds_adding(self) -> bool:
        """True if a further job may be refused."""
        return bool(self.jobs or self.queued or self.storage) or any(one.most.bounds_adding for one in self.together)

    @property
    def bounds_running(self) -> bool:
        """True if a job may have to wait until others of its owner, or of his groups, have ended."""
        own = bool(self.running or self.cores or self.memory)
        return own or any(one.most.bounds_running for one in self.together)

    def covers(self, held: Held, wanted: Held) -> bool:
        """True if an owner who has `held` may start `wanted` too. A job that alone is more than the whole (because
        less is allowed now than when it was made) runs by itself, so that it does not wait for ever."""
        if not held.jobs:
            return True
        bounds = (
            (self.running, held.jobs + wanted.jobs),
            (self.cores, held.cores + wanted.cores),
            (self.memory, held.memory + wanted.memory),
        )
        return all(not most or amount <= most for most, amount in bounds)


@dataclass(frozen=True, slots=True)
class GroupAllowance:
    """What the members of a group may have together."""

    name: str
    most: Allowance
    """Its own `together` does not count."""


@dataclass(frozen=True, slots=True)
class Held:
    """What some jobs take."""

    jobs: int = 0
    cores: float = 0.0
    memory: float = 0.0

    def and_(self, more: Held) -> Held:
        """Both together."""
        return Held(self.jobs + more.jobs, self.cores + more.cores, self.memory + more.memory)


UNBOUNDED = Allowance()
"""Where nothing is configured."""

Queue = tuple[str, str]
"""The waiting jobs of an owner for an engine."""


class Place(StrEnum):
    """Whether a job has its place among those that run. Only the store writes it."""

    NONE = "none"
    """It needs none: it was only created, is to be dismissed, waits for nested processes, or has ended."""
    WAITS = "waits"
    """It starts when its turn comes."""
    HELD = "held"
    """It has been started, and counts until it ends."""


RESOURCES = "resources"
"""Member of a stored request: cores and bytes of memory that the package asks for."""


def first_place(job: Job) -> Place:
    """The place of a job that comes into the store."""
    if job.ended or job.phase is Phase.CREATED:
        return Place.NONE
    if job.phase is not Phase.ACCEPTED:
        return Place.HELD
    if job.goal is Goal.DISMISS or HAS_NESTED in job.request:
        return Place.NONE
    return Place.WAITS if job.lease_owner is None else Place.HELD


def wanted_by(job: Job) -> Held:
    """What a job takes while it runs."""
    found = job.request.get(RESOURCES)
    if not isinstance(found, list | tuple) or len(found) != 2:
        return Held(1)
    return Held(1, float(str(found[0])), float(str(found[1])))


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a waiting job stands among those of its owner."""

    position: int
    """1 for the next one."""
    waiting: int
    running: int


def no_bounds(_: str) -> Allowance:
    """The allowance of everybody where nothing is configured."""
    return UNBOUNDED


@dataclass(frozen=True, slots=True)
class StartOrder:
    """What a worker that takes jobs says about the order."""

    allowance: Callable[[str], Allowance] = no_bounds
    """By owner."""
    ahead: Mapping[Queue, int] = field(default_factory=dict)
    """Jobs that the worker has taken already and that do not run yet."""
    most_ahead: Mapping[str, int] = field(default_factory=dict)
    """By engine: how many of these one owner may have. For engines that do not know owners, so that a later one
    does not stand behind all of them there."""
    reserve: bool = False
    """True: one owner gets no more jobs that do not run yet than there is room left, so that there is always some for
    another owner."""


ANY_ORDER = StartOrder()
"""Fair between owners, with no bounds."""
