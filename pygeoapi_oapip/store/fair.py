"""Who starts next, and who has too many. Pure.

It is the turn of the owner with the fewest jobs under way; of several that of the one whose last turn was the longest
ago; and of his jobs that of the oldest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from ..errors import StorageFull, TooManyRequests
from ..model.quota import Allowance, Held, Queue, StartOrder

ROOM_AFTER = 30
"""Seconds after which a client that has too many jobs may ask again."""


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A job that waits; ordered by age."""

    created: int
    """microseconds"""
    id: str
    cores: float = 0.0
    memory: float = 0.0
    served: int = field(default=0, compare=False)
    """When a job of the owner was last started, in microseconds."""

    @property
    def wanted(self) -> Held:
        """What it takes while it runs."""
        return Held(1, self.cores, self.memory)


def choose(
    room: int,
    heads: Mapping[Queue, Waiting],
    held: Mapping[str, Held],
    order: StartOrder,
    fetch: Callable[[Queue, int], Sequence[Waiting]],
) -> list[str]:
    """The ids of the jobs that start now, in their order.

    Args:
        room: how many may start.
        heads: of each queue its first job.
        held: what the jobs of each owner that have started take.
        order: the allowances, and what the worker has taken already.
        fetch: the first jobs of a queue, oldest first.
    """
    return _Choice(room, held, order, fetch).made(heads)


def refuse_too_much(allowance: Allowance, waiting: int, running: int, kept: int, group: str = "") -> None:
    """Raises TooManyRequests or StorageFull where one more job would be too much, of an owner or of a group."""
    whose = f"the jobs of the group {group}" if group else "your jobs"
    if allowance.queued and waiting >= allowance.queued:
        raise TooManyRequests(
            f"{waiting} of {whose} wait to start, and no more than {allowance.queued} may; "
            "try again when one has started",
            ROOM_AFTER,
        )
    if allowance.jobs and waiting + running >= allowance.jobs:
        raise TooManyRequests(
            f"{min(waiting + running, allowance.jobs)} of your jobs wait or run, and more are not allowed at once; "
            "try again when one has ended",
            ROOM_AFTER,
        )
    if allowance.storage and kept >= allowance.storage:
        raise StorageFull(
            f"the results of {whose} take {kept} bytes, and may take {allowance.storage}: "
            "remove jobs that you do not need any more (DELETE /jobs/{jobId}), then try again"
        )


def refuse_processes(number: int, most: int) -> None:
    """Raises StorageFull where one more deployed process would be too much; 0: any number."""
    if most and number >= most:
        raise StorageFull(
            f"{number} processes of yours are deployed, and no more than {most} may be: "
            "undeploy one that you do not need any more (DELETE /processes/{processId}), then try again"
        )


def _groups(order: StartOrder, owner: str) -> set[str]:
    return {one.name for one in order.allowance(owner).together}


class _Choice:
    def __init__(
        self,
        room: int,
        held: Mapping[str, Held],
        order: StartOrder,
        fetch: Callable[[Queue, int], Sequence[Waiting]],
    ) -> None:
        self._room = room
        self._held = dict(held)
        self._of_group: dict[str, Held] = {}
        self._order = order
        self._fetch = fetch
        self._ahead = Counter(order.ahead)
        self._of_owner: Counter[str] = Counter()
        for (owner, _), number in order.ahead.items():
            self._of_owner[owner] += number
        self._queues: dict[Queue, Iterator[Waiting]] = {}
        self._served: dict[str, int] = {}
        self._turns = 0

    def made(self, heads: Mapping[Queue, Waiting]) -> list[str]:
        self._turns = max((job.served for job in heads.values()), default=0)
        heap = [self._key(queue, job) for queue, job in heads.items()]
        heapify(heap)
        chosen: list[str] = []
        while heap and self._room > 0:
            entry = heappop(heap)
            job, queue = entry[2:]
            if entry != self._key(queue, job):
                heappush(heap, self._key(queue, job))
                continue
            if self._take(queue, job):
                chosen.append(job.id)
                if (following := next(self._jobs(queue), None)) is not None:
                    heappush(heap, self._key(queue, following))
        return chosen

    def _key(self, queue: Queue, job: Waiting) -> tuple[int, int, Waiting, Queue]:
        return self._count(queue[0]), self._served.get(queue[0], job.served), job, queue

    def _jobs(self, queue: Queue) -> Iterator[Waiting]:
        if queue not in self._queues:
            self._queues[queue] = iter(self._fetch(queue, self._room))
        return self._queues[queue]

    def _count(self, owner: str) -> int:
        return self._held.get(owner, Held()).jobs

    def _may_start(self, queue: Queue, job: Waiting) -> bool:
        owner, engine = queue
        if self._order.reserve and self._of_owner[owner] >= self._room:
            return False
        most = self._order.most_ahead.get(engine)
        if most is not None and self._ahead[queue] >= most:
            return False
        allowance = self._order.allowance(owner)
        if not allowance.covers(self._held.get(owner, Held()), job.wanted):
            return False
        return all(one.most.covers(self._held_by(one.name), job.wanted) for one in allowance.together)

    def _held_by(self, group: str) -> Held:
        """What the jobs of the members of a group take that have started."""
        if group not in self._of_group:
            found = Held()
            for owner, held in self._held.items():
                if group in _groups(self._order, owner):
                    found = found.and_(held)
            self._of_group[group] = found
        return self._of_group[group]

    def _take(self, queue: Queue, job: Waiting) -> bool:
        if not self._may_start(queue, job):
            return False
        if queue not in self._queues and next(self._jobs(queue), None) != job:
            return False  # another program has it at this moment; the others of this queue wait for the next look
        owner = queue[0]
        self._turns += 1
        self._served[owner] = self._turns
        self._held[owner] = self._held.get(owner, Held()).and_(job.wanted)
        for group in _groups(self._order, owner) & self._of_group.keys():
            self._of_group[group] = self._of_group[group].and_(job.wanted)
        self._ahead[queue] += 1
        self._of_owner[owner] += 1
        self._room -= 1
        return True
