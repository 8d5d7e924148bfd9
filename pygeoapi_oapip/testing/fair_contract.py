"""What every job store does about turns and quotas: a part of the contract suite of `store_contract`."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from ..errors import NoSuchJob, StorageFull, TooManyRequests
from ..model.execution import HAS_NESTED
from ..model.identity import EVERYTHING
from ..model.job import RESULT_BYTES, Goal, Job, Phase
from ..model.quota import RESOURCES, Allowance, QueuePlace, StartOrder
from ..store.base import JobStore
from .store_contract import NOON, SECOND, ended, job_at

UNTIL = NOON + SECOND


def of(owner: str, second: int, **changes: object) -> Job:
    """A job of an owner, created `second` seconds after noon."""
    return replace(job_at(second), owner=owner, **changes)  # type: ignore[arg-type]


def asking(owner: str, second: int, cores: float, memory: float = 0.0) -> Job:
    """A job whose package asks for cores and memory."""
    return of(owner, second, request={"inputs": {}, RESOURCES: [cores, memory]})


def owners(jobs: Sequence[Job]) -> str:
    """The first letters of the owners, in order."""
    return "".join(job.owner[0] for job in jobs)


def bounded(**allowance: float) -> StartOrder:
    """An order in which everybody has this allowance."""
    return StartOrder(lambda _: Allowance(**allowance))  # type: ignore[arg-type]


class JobTurnContract:
    """Who starts next."""

    def test_owners_take_turns(self, jobs: JobStore) -> None:
        for second in range(6):
            jobs.add(of("alice", second))
        for second in range(10, 12):
            jobs.add(of("bob", second))
        jobs.add(of("carol", 20))
        taken = jobs.claim("w", UNTIL, 9, NOON)
        assert owners(taken) == "abcabaaaa"
        assert [job.created for job in taken if job.owner == "alice"] == [NOON + n * SECOND for n in range(6)]

    def test_a_new_owner_is_next_behind_a_thousand_jobs(self, jobs: JobStore) -> None:
        for second in range(1000):
            jobs.add(of("alice", second), durable=False)
        assert owners(jobs.claim("w", UNTIL, 3, NOON)) == "aaa"
        jobs.add(of("bob", 5000))
        assert owners(jobs.claim("v", UNTIL, 1, NOON)) == "b"
        assert owners(jobs.claim("v", UNTIL, 1, NOON)) == "a"

    def test_no_owner_starves_where_there_are_more_owners_than_places(self, jobs: JobStore) -> None:
        for second in range(10):
            jobs.add(of("alice", second))
        for place, owner in enumerate(("bob", "carol", "bob", "dave")):
            jobs.add(of(owner, 100 + place))
        found = []
        for turn in range(7):
            (job,) = jobs.claim("w", UNTIL + turn * SECOND, 1, NOON + turn * SECOND)
            found.append(job)
            ended(jobs, job)
        assert owners(found) == "abcdaba"

    def test_jobs_under_way_anywhere_count_until_they_end(self, jobs: JobStore) -> None:
        for second in range(4):
            jobs.add(of("alice", second))
            jobs.add(of("bob", 10 + second))
        first = jobs.claim("w", UNTIL, 2, NOON)
        assert owners(first) == "ab"
        jobs.release("w", [job.id for job in first])
        ended(jobs, jobs.get(first[1].id, EVERYTHING))
        again = jobs.claim("v", UNTIL, 3, NOON)
        # what is under way comes before what has not started
        assert again[0].id == first[0].id
        assert owners(again) == "aba"

    def test_what_is_to_be_dismissed_need_not_wait_for_its_turn(self, jobs: JobStore) -> None:
        made = [jobs.add(of("alice", second)) for second in range(5)]
        jobs.set_goal(made[4].id, Goal.DISMISS, EVERYTHING)
        taken = jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))
        assert [job.id for job in taken] == [made[4].id, made[0].id]
        assert jobs.standing(made[4].id) is None

    def test_no_more_start_than_may_run(self, jobs: JobStore) -> None:
        made = [jobs.add(of("alice", second)) for second in range(5)]
        bob = jobs.add(of("bob", 9))
        taken = jobs.claim("w", UNTIL, 9, NOON, bounded(running=2))
        assert [job.id for job in taken] == [made[0].id, bob.id, made[1].id]
        assert list(jobs.claim("v", UNTIL, 9, NOON, bounded(running=2))) == []
        ended(jobs, taken[0])
        assert [job.id for job in jobs.claim("v", UNTIL, 9, NOON, bounded(running=2))] == [made[2].id]

    def test_a_place_outlives_the_lease(self, jobs: JobStore) -> None:
        first, second = (jobs.add(of("alice", n)) for n in range(2))
        jobs.claim("w", NOON, 1, NOON, bounded(running=1))
        later = NOON + timedelta(hours=1)
        taken = jobs.claim("v", later + SECOND, 9, later, bounded(running=1))
        assert [job.id for job in taken] == [first.id]
        assert jobs.get(second.id, EVERYTHING).lease_owner is None

    @pytest.mark.parametrize("bounds", [{"cores": 4.0}, {"memory": 4e9}, {"cores": 4.0, "memory": 4e9, "running": 9}])
    def test_cores_and_memory_of_running_jobs_are_bounded(self, jobs: JobStore, bounds: dict[str, float]) -> None:
        made = [jobs.add(asking("alice", n, size, size * 1e9)) for n, size in enumerate((3, 2, 1))]
        jobs.add(asking("bob", 10, 4, 4e9))
        taken = jobs.claim("w", UNTIL, 9, NOON, bounded(**bounds))
        # the second one does not fit, and the third one does not pass it
        assert owners(taken) == "ab" and taken[0].id == made[0].id
        ended(jobs, taken[0])
        assert [job.id for job in jobs.claim("w", UNTIL, 9, NOON, bounded(**bounds))] == [made[1].id, made[2].id]

    def test_a_job_that_is_more_than_the_allowance_runs_alone(self, jobs: JobStore) -> None:
        big, small = jobs.add(asking("alice", 1, 16)), jobs.add(asking("alice", 2, 1))
        assert [job.id for job in jobs.claim("w", UNTIL, 9, NOON, bounded(cores=4))] == [big.id]
        ended(jobs, jobs.get(big.id, EVERYTHING))
        assert [job.id for job in jobs.claim("w", UNTIL, 9, NOON, bounded(cores=4))] == [small.id]

    def test_room_is_left_for_other_owners(self, jobs: JobStore) -> None:
        for second in range(20):
            jobs.add(of("alice", second))
        order = StartOrder(reserve=True)
        assert len(jobs.claim("w", UNTIL, 10, NOON, order)) == 5
        held = StartOrder(ahead={("alice", "local"): 5}, reserve=True)
        assert list(jobs.claim("w", UNTIL, 5, NOON, held)) == []
        jobs.add(of("bob", 30))
        assert owners(jobs.claim("w", UNTIL, 5, NOON, held)) == "b"
        assert len(jobs.claim("w", UNTIL, 1, NOON, order)) == 1

    def test_engines_that_do_not_know_owners_get_few_jobs_of_each(self, jobs: JobStore) -> None:
        for second in range(9):
            jobs.add(of("alice", second, engine="wes"))
        jobs.add(of("bob", 20, engine="wes"))
        local = jobs.add(of("alice", 30))
        order = StartOrder(ahead={("alice", "wes"): 1}, most_ahead={"wes": 3})
        taken = jobs.claim("w", UNTIL, 99, NOON, order)
        assert Counter((job.owner, job.engine) for job in taken) == {
            ("alice", "wes"): 2,
            ("bob", "wes"): 1,
            ("alice", "local"): 1,
        }
        assert local.id in [job.id for job in taken]

    def test_workers_that_claim_at_once_keep_the_bounds(self, jobs: JobStore) -> None:
        for second in range(20):
            jobs.add(of("alice", second))
            jobs.add(of("bob", second))
        gate = threading.Barrier(6)

        def take(worker: str) -> Sequence[Job]:
            gate.wait()
            return jobs.claim(worker, UNTIL, 5, NOON, bounded(running=3))

        with ThreadPoolExecutor(6) as pool:
            taken = [job for found in pool.map(take, [f"w{n}" for n in range(6)]) for job in found]
        assert Counter(job.owner for job in taken) == {"alice": 3, "bob": 3}
        assert len({job.id for job in taken}) == 6

    def test_what_waits_for_nested_processes_takes_no_place_until_it_goes_on(self, jobs: JobStore) -> None:
        nested = {"inputs": {}, HAS_NESTED: True}
        parent, other = jobs.add(of("alice", 1, request=nested)), jobs.add(of("alice", 2))
        one = Allowance(running=1)
        assert [job.id for job in jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))] == [parent.id, other.id]
        assert not jobs.take_place(parent.id, one)
        ended(jobs, jobs.get(other.id, EVERYTHING))
        assert jobs.take_place(parent.id, one) and jobs.take_place(parent.id, one)
        jobs.add(of("alice", 3))
        assert list(jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))) == []
        with pytest.raises(NoSuchJob):
            jobs.take_place("none", one)

    def test_a_waiting_job_knows_where_it_stands(self, jobs: JobStore) -> None:
        made = [jobs.add(of("alice", second)) for second in (3, 1, 2)]
        jobs.add(of("bob", 0))
        assert [jobs.standing(job.id) for job in made] == [QueuePlace(n, 3, 0) for n in (3, 1, 2)]
        jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))
        assert [jobs.standing(job.id) for job in made] == [QueuePlace(2, 2, 1), None, QueuePlace(1, 2, 1)]
        assert jobs.standing("none") is None


class QuotaContract:
    """How many jobs one owner may have."""

    def test_one_more_than_may_wait_is_refused(self, jobs: JobStore) -> None:
        two = Allowance(queued=2)
        first = jobs.add(of("alice", 1), allowance=two)
        jobs.add(of("alice", 2), allowance=two)
        refused = of("alice", 3)
        with pytest.raises(TooManyRequests, match="^2 of your jobs wait to start, and no more than 2 may"):
            jobs.add(refused, allowance=two)
        with pytest.raises(NoSuchJob):
            jobs.get(refused.id, EVERYTHING)
        jobs.add(of("bob", 4), allowance=two)
        jobs.save(first.advance(Phase.RUNNING, UNTIL))
        jobs.add(refused, allowance=two)

    def test_the_start_of_a_created_job_needs_room_too(self, jobs: JobStore) -> None:
        one = Allowance(jobs=1)
        created = jobs.add(of("alice", 1, phase=Phase.CREATED), allowance=one)
        jobs.add(of("alice", 2), allowance=one)
        with pytest.raises(TooManyRequests):
            jobs.define(created.advance(Phase.ACCEPTED, UNTIL), allowance=one)
        assert jobs.get(created.id, EVERYTHING) == created
        jobs.define(created.advance(Phase.DISMISSED, UNTIL), allowance=one)

    @pytest.mark.parametrize("allowance", [Allowance(jobs=3), Allowance(queued=3), Allowance(jobs=9, queued=3)])
    def test_of_requests_at_once_none_slips_through(self, jobs: JobStore, allowance: Allowance) -> None:
        gate = threading.Barrier(12)

        def ask(number: int) -> str:
            gate.wait()
            try:
                return jobs.add(of("alice", number), allowance=allowance).owner
            except TooManyRequests:
                return "refused"

        with ThreadPoolExecutor(12) as pool:
            assert Counter(pool.map(ask, range(12))) == {"alice": 3, "refused": 9}

    def test_a_job_that_somebody_waits_for_keeps_the_bounds_as_well(self, jobs: JobStore) -> None:
        one = Allowance(running=1)
        leased = {"lease_owner": "web", "lease_until": UNTIL}
        first = jobs.add(of("alice", 1, **leased), allowance=one)
        second = jobs.add(of("alice", 2, **leased), allowance=one)
        assert (first.lease_owner, second.lease_owner, second.lease_until) == ("web", None, None)
        assert jobs.get(second.id, EVERYTHING) == second
        assert jobs.add(of("bob", 3, **leased), allowance=one).lease_owner == "web"
        assert list(jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))) == []
        ended(jobs, first)
        assert [job.id for job in jobs.claim("w", UNTIL, 9, NOON, bounded(running=1))] == [second.id]

    def test_results_count_until_they_are_removed(self, jobs: JobStore) -> None:
        most = Allowance(storage=1000)
        for second, size in enumerate((600, 0, 400)):
            job = jobs.add(of("alice", second), allowance=most)
            last = ended(jobs, replace(job, usage={RESULT_BYTES: size} if size else {}))
        ended(jobs, replace(jobs.add(of("alice", 8)), usage={RESULT_BYTES: 5000}), Phase.FAILED)
        with pytest.raises(StorageFull, match="take 1000 bytes, and may take 1000"):
            jobs.add(of("alice", 9), allowance=most)
        with pytest.raises(StorageFull):
            jobs.require_room("alice", most)
        jobs.add(of("bob", 9), allowance=most)
        assert [list(jobs.owners(keeping)) for keeping in (999, 1000)] == [["alice"], []]
        jobs.delete(last.id, EVERYTHING)
        assert list(jobs.owners(600)) == []
        assert list(jobs.owners(599)) == ["alice"]
        jobs.add(of("alice", 10), allowance=most)

    def test_owners_with_many_ended_jobs_are_told(self, jobs: JobStore) -> None:
        for second, phase in enumerate((Phase.SUCCESSFUL, Phase.FAILED, Phase.DISMISSED)):
            ended(jobs, jobs.add(of("alice", second)), phase)
        bobs = [jobs.add(of("bob", second)) for second in range(4, 8)]
        ended(jobs, bobs[0])
        assert [list(jobs.owners(ended=number)) for number in (1, 2, 3)] == [["alice"], ["alice"], []]
        jobs.set_goal(bobs[1].id, Goal.DISMISS, EVERYTHING)
        assert list(jobs.owners(ended=1)) == ["alice", "bob"]

    def test_owners_beyond_either_limit_are_told(self, jobs: JobStore) -> None:
        ended(jobs, replace(jobs.add(of("alice", 1)), usage={RESULT_BYTES: 600}))
        for second in (2, 3):
            ended(jobs, jobs.add(of("bob", second)))
        jobs.add(of("carol", 4))
        assert list(jobs.owners(599, 1)) == ["alice", "bob"]
        assert [list(jobs.owners(600, 1)), list(jobs.owners(599, 2))] == [["bob"], ["alice"]]
