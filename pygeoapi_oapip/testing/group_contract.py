"""What every store does about quotas of groups as a whole. Subclass `GroupContract` and give it a fixture `grouped`."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ..errors import StorageFull, TooManyRequests
from ..model.job import RESULT_BYTES
from ..model.quota import Allowance, GroupAllowance, StartOrder
from ..store.accounts import Account, AccountStore
from ..store.base import JobStore
from .fair_contract import UNTIL, asking, of, owners
from .store_contract import NOON, ended

Grouped = tuple[JobStore, AccountStore]
"""Of one database. Alice and bob are in `hydro`, bob and carol in `forest`, dave in none."""

_GROUPS = {"alice": {"hydro"}, "bob": {"hydro", "forest"}, "carol": {"forest"}, "dave": set[str]()}


def filled(accounts: AccountStore) -> None:
    """Write down who is in which group."""
    for name, groups in _GROUPS.items():
        accounts.remember(name, Account(frozenset(groups)))


def allowance(owner: str, **most: float) -> Allowance:
    """What the groups of an owner may have together, each the same."""
    together = (GroupAllowance(name, Allowance(**most)) for name in sorted(_GROUPS[owner]))  # type: ignore[arg-type]
    return Allowance(together=tuple(together))


def order(**most: float) -> StartOrder:
    """The order in which these bounds hold."""
    return StartOrder(lambda owner: allowance(owner, **most))


class GroupContract:
    """Bounds of all members of a group together."""

    def test_members_are_as_they_were_remembered_last(self, grouped: Grouped) -> None:
        _, accounts = grouped
        filled(accounts)
        assert accounts.members("hydro") == {"alice", "bob"}
        accounts.remember("bob", Account(frozenset({"forest", 'a"b'})))
        assert accounts.members("hydro") == {"alice"} and accounts.members('a"b') == {"bob"}
        for group in ("none", "", "a\0b", "\ud800"):
            assert accounts.members(group) == frozenset()

    def test_waiting_jobs_of_all_members_count(self, grouped: Grouped) -> None:
        jobs, accounts = grouped
        filled(accounts)
        bounds = {name: allowance(name, queued=2) for name in _GROUPS}
        jobs.add(of("alice", 0), allowance=bounds["alice"])
        jobs.add(of("bob", 1), allowance=bounds["bob"])
        for name in ("alice", "bob"):
            with pytest.raises(TooManyRequests, match="2 of the jobs of the group hydro wait"):
                jobs.add(of(name, 2), allowance=bounds[name])
            with pytest.raises(TooManyRequests):
                jobs.require_room(name, bounds[name])
        jobs.add(of("carol", 3), allowance=bounds["carol"])
        with pytest.raises(TooManyRequests, match="group forest"):
            jobs.add(of("carol", 4), allowance=bounds["carol"])
        for second in range(5, 9):
            jobs.add(of("dave", second), allowance=bounds["dave"])

    def test_results_of_all_members_count(self, grouped: Grouped) -> None:
        jobs, accounts = grouped
        filled(accounts)
        made = jobs.add(of("alice", 0))
        ended(jobs, replace(made, usage={RESULT_BYTES: 60}))
        bound = allowance("bob", storage=100)
        jobs.require_room("bob", bound)
        ended(jobs, replace(jobs.add(of("carol", 1)), usage={RESULT_BYTES: 40}))
        jobs.require_room("bob", bound)
        ended(jobs, replace(jobs.add(of("bob", 2)), usage={RESULT_BYTES: 40}))
        with pytest.raises(StorageFull, match="the jobs of the group hydro take 100 bytes"):
            jobs.add(of("bob", 3), allowance=bound)
        with pytest.raises(StorageFull, match="group hydro"):
            jobs.add(of("alice", 4), allowance=allowance("alice", storage=100))
        jobs.add(of("carol", 5), allowance=allowance("carol", storage=100))

    def test_no_more_start_than_the_group_may_run(self, grouped: Grouped) -> None:
        jobs, accounts = grouped
        filled(accounts)
        for name in _GROUPS:
            for second in range(3):
                jobs.add(of(name, second))
        taken = jobs.claim("w", UNTIL, 12, NOON, order(running=3))
        count = {name: owners(taken).count(name[0]) for name in _GROUPS}
        assert count["alice"] + count["bob"] == 3 and count["bob"] + count["carol"] == 3 and count["dave"] == 3
        assert not jobs.claim("w", UNTIL, 12, NOON, order(running=3))
        ended(jobs, next(job for job in taken if job.owner == "alice"))
        assert len(jobs.claim("w", UNTIL, 12, NOON, order(running=3))) == 1

    @pytest.mark.parametrize(("bound", "size"), [("cores", (2.0, 1.0)), ("memory", (0.0, 100.0))])
    def test_cores_and_memory_of_all_members_count(
        self, grouped: Grouped, bound: str, size: tuple[float, float]
    ) -> None:
        jobs, accounts = grouped
        filled(accounts)
        for name in ("alice", "bob"):
            for second in range(3):
                jobs.add(asking(name, second, *size))
        limit = order(**{bound: 2 * max(size)})
        assert sorted(owners(jobs.claim("w", UNTIL, 12, NOON, limit))) == ["a", "b"]
        assert not jobs.claim("w", UNTIL, 12, NOON, limit)

    def test_job_that_is_waited_for_waits_for_the_group_too(self, grouped: Grouped) -> None:
        jobs, accounts = grouped
        filled(accounts)
        leased = {"lease_owner": "w", "lease_until": UNTIL}
        assert jobs.add(of("alice", 0, **leased), allowance=allowance("alice", running=1)).lease_owner == "w"
        assert jobs.add(of("bob", 1, **leased), allowance=allowance("bob", running=1)).lease_owner is None
        assert jobs.add(of("carol", 2, **leased), allowance=allowance("carol", running=1)).lease_owner == "w"

    def test_of_members_at_once_none_slips_through(self, grouped: Grouped) -> None:
        jobs, accounts = grouped
        filled(accounts)

        def add(number: int) -> bool:
            name = ("alice", "bob")[number % 2]
            try:
                jobs.add(of(name, number), allowance=allowance(name, queued=5))
            except TooManyRequests:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(add, range(24))) == 5
