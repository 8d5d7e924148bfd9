"""Which waiting job starts next. Pure: the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from .resources import Budget, Resources

PATIENCE = 60.0
"""Seconds for which smaller jobs may pass one that does not fit; then the resources are kept for it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job that wants to run."""

    job_id: str
    wanted: Resources
    workspace: str


class Admission:
    """First come, first served; a job that does not fit now lets others pass, for a while.

    Args:
        budget: what all running jobs share.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.waiting: dict[str, Ticket] = {}
        self.running: dict[str, Resources] = {}
        self._passed: dict[str, float] = {}

    def add(self, ticket: Ticket) -> None:
        """Put a job at the end of the queue. Nothing happens if it waits or runs."""
        if ticket.job_id not in self.running:
            self.waiting.setdefault(ticket.job_id, ticket)

    def drop(self, job_id: str) -> None:
        """Forget a job that waits or has ended; what it held is free again."""
        self.waiting.pop(job_id, None)
        self.running.pop(job_id, None)
        self._passed.pop(job_id, None)

    def occupy(self, job_id: str, resources: Resources) -> None:
        """Count a job that runs already."""
        self.waiting.pop(job_id, None)
        self.running[job_id] = resources

    def admit(self, now: float) -> list[Ticket]:
        """Take the jobs that start now from the queue.

        Args:
            now: seconds of a clock that never goes back.
        """
        admitted = []
        for ticket in list(self.waiting.values()):
            if len(self.running) >= self.budget.slots:
                break
            if not self.running or self._free().covers(ticket.wanted):
                self._passed.pop(ticket.job_id, None)
                self.occupy(ticket.job_id, ticket.wanted)
                admitted.append(ticket)
            elif now - self._passed.setdefault(ticket.job_id, now) > PATIENCE:
                break
        return admitted

    def _free(self) -> Resources:
        held = self.running.values()
        total = self.budget.total
        return Resources(total.cores - sum(r.cores for r in held), total.memory - sum(r.memory for r in held))
