"""Which waiting job starts next. Pure: the clock is an argument."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from ...packages.resources import Resources
from .resources import Budget

PATIENCE = 60.0
"""Seconds for which others may pass a job that does not fit; then the resources are kept for it."""

_TURNS_KEPT = 10_000
"""Owners whose last turn is remembered."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A job that wants to run."""

    job_id: str
    wanted: Resources
    workspace: str
    owner: str = ""


class Admission:
    """It is the turn of the owner with the fewest running jobs, and of his jobs that of the first that came; of several
    such owners that of the one whose last turn was the longest ago. A job that does not fit now lets others pass, for a
    while.

    Args:
        budget: what all running jobs share.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.waiting: dict[str, Ticket] = {}
        self.running: dict[str, Resources] = {}
        self._owners: dict[str, str] = {}
        self._passed: dict[str, float] = {}
        self._turns: dict[str, int] = {}
        """By owner: the number of his last turn; the latest one comes last."""
        self._number = 0

    def add(self, ticket: Ticket) -> None:
        """Put a job at the end of the queue. Nothing happens if it waits or runs."""
        if ticket.job_id not in self.running:
            self.waiting.setdefault(ticket.job_id, ticket)

    def drop(self, job_id: str) -> None:
        """Forget a job that waits or has ended; what it held is free again."""
        for rows in (self.waiting, self.running, self._owners, self._passed):
            rows.pop(job_id, None)

    def occupy(self, job_id: str, resources: Resources, owner: str = "") -> None:
        """Count a job that runs already."""
        self.waiting.pop(job_id, None)
        self.running[job_id] = resources
        self._owners[job_id] = owner

    def admit(self, now: float) -> list[Ticket]:
        """Take the jobs that start now from the queue.

        Args:
            now: seconds of a clock that never goes back.
        """
        admitted: list[Ticket] = []
        if not self.waiting:
            return admitted
        count, queues = Counter(self._owners.values()), self._queues()
        heap = [self._key(count, owner, queues) for owner in queues]
        heapify(heap)
        while heap and len(self.running) < self.budget.slots:
            owner = heappop(heap)[-1]
            ticket = queues[owner].popleft()[1]
            if not self.running or self._free().covers(ticket.wanted):
                self._passed.pop(ticket.job_id, None)
                self.occupy(ticket.job_id, ticket.wanted, owner)
                admitted.append(ticket)
                count[owner] += 1
                self._had_turn(owner)
            elif now - self._passed.setdefault(ticket.job_id, now) > PATIENCE:
                break
            if queues[owner]:
                heappush(heap, self._key(count, owner, queues))
        return admitted

    def _key(
        self, count: Counter[str], owner: str, queues: dict[str, deque[tuple[int, Ticket]]]
    ) -> tuple[int, int, int, str]:
        return count[owner], self._turns.get(owner, 0), queues[owner][0][0], owner

    def _had_turn(self, owner: str) -> None:
        self._number += 1
        self._turns.pop(owner, None)
        self._turns[owner] = self._number
        if len(self._turns) > _TURNS_KEPT:
            del self._turns[next(iter(self._turns))]

    def _queues(self) -> dict[str, deque[tuple[int, Ticket]]]:
        """The waiting jobs of each owner, each with its number in the whole queue."""
        found: dict[str, deque[tuple[int, Ticket]]] = {}
        for number, ticket in enumerate(self.waiting.values()):
            found.setdefault(ticket.owner, deque()).append((number, ticket))
        return found

    def _free(self) -> Resources:
        held = self.running.values()
        total = self.budget.total
        return Resources(total.cores - sum(r.cores for r in held), total.memory - sum(r.memory for r in held))
