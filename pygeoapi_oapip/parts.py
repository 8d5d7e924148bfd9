"""What the machine of a job (`phases`) works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .collecting import Collector
from .engines.base import Engine
from .model.execution import ExecutionRequest
from .model.job import Job
from .model.process import Package
from .model.quota import Allowance, no_bounds
from .model.value import InputValue
from .packages.joborder import FileSource
from .sealing import Sealing
from .staging.base import JobFiles, Workspaces
from .staging.wrap import Wrapping
from .store.base import JobStore, ProcessStore


class Children(Protocol):
    """The jobs of nested processes (`nested.children`)."""

    def wait(self, job: Job) -> Job | None:
        """None: the job can go on; else the job as it waits now."""
        ...

    def orphaned(self, job: Job) -> bool:
        """True for a nested process that nobody waits for any more."""
        ...

    def dismiss(self, job: Job) -> None:
        """Ask for the end of all nested processes of a job."""
        ...

    def inputs(
        self, job: Job, request: ExecutionRequest, package: Package, files: JobFiles
    ) -> tuple[Mapping[str, InputValue], FileSource]:
        """The inputs with all results in place, and what reads their references."""
        ...


def no_tokens(_: str) -> None:
    """Where jobs have no tokens of their owners."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the machine works with."""

    jobs: JobStore
    processes: ProcessStore
    engines: Mapping[str, Engine]
    workspaces: Workspaces
    children: Children | None = None
    collector: Collector | None = None
    """None: results are stored, and nothing else."""
    wrapping: Wrapping | None = None
    """None: packages run as they are."""
    sealing: Sealing | None = None
    """None: no input is secret."""
    allowance: Callable[[str], Allowance] = no_bounds
    """What an owner may have at once."""
    forget_tokens: Callable[[str], None] = no_tokens
    """Called with the id of a job that has ended."""
