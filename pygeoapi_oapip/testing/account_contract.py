"""What every account store does. Subclass `AccountContract` and give it a fixture `accounts`, a `MovingClock` and an
empty store that reads it."""

# ruff: noqa: D102 (the name of a test says what it checks)

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..store.accounts import Account, AccountStore


class MovingClock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """The present time."""
        return self.now


Accounts = tuple[MovingClock, AccountStore]


class AccountContract:
    """Accounts and rates."""

    def test_an_account_is_as_it_was_remembered_last(self, accounts: Accounts) -> None:
        _, store = accounts
        assert store.recall("alice") == Account()
        first, last = Account(frozenset({"hydro", 'a"b'}), frozenset({"user"})), Account(frozenset({"forest"}))
        store.remember("alice", first)
        assert (store.recall("alice"), store.recall("bob")) == (first, Account())
        store.remember("alice", last)
        assert store.recall("alice") == last

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "' OR 1=1 --", "ä" * 255])
    def test_any_name_can_be_asked_for(self, accounts: Accounts, name: str) -> None:
        assert accounts[1].recall(name) == Account()

    def test_so_many_are_allowed_in_a_time_and_no_more(self, accounts: Accounts) -> None:
        clock, store = accounts
        assert [store.count("alice", 3, 60) for _ in range(3)] == [0, 0, 0]
        wait = store.count("alice", 3, 60)
        assert 0 < wait <= 20
        assert store.count("bob", 3, 60) == 0
        clock.now += wait - 0.01
        assert 0 < store.count("alice", 3, 60) <= 0.011
        clock.now += 0.02
        assert store.count("alice", 3, 60) == 0
        assert store.count("alice", 3, 60) > 0
        clock.now += 3600
        assert [store.count("alice", 3, 60) > 0 for _ in range(4)] == [False, False, False, True]

    def test_those_that_are_refused_do_not_count(self, accounts: Accounts) -> None:
        clock, store = accounts
        store.count("alice", 1, 60)
        for _ in range(50):
            assert store.count("alice", 1, 60) > 0
        clock.now += 61
        assert store.count("alice", 1, 60) == 0

    def test_of_requests_at_once_none_slips_through(self, accounts: Accounts) -> None:
        gate = threading.Barrier(10)

        def ask(_: int) -> bool:
            gate.wait()
            return accounts[1].count("alice", 4, 60) == 0

        with ThreadPoolExecutor(10) as pool:
            assert sum(pool.map(ask, range(10))) == 4
