"""What the server remembers of its users, in all its processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """A user as he was when he last asked for something."""

    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


class AccountStore(Protocol):
    """Accounts, and how fast they do things. Raises StoreUnavailable as JobStore does."""

    def remember(self, name: str, account: Account) -> None:
        """Write down what a user has now."""
        ...

    def recall(self, name: str) -> Account:
        """What was remembered last; an empty account where there is nothing."""
        ...

    def members(self, group: str) -> frozenset[str]:
        """Who was in a group when he last asked for something."""
        ...

    def count(self, key: str, most: int, seconds: float) -> float:
        """Count one more of something that may be done `most` times in `seconds`, in all processes together.

        Returns:
            0 where it may be done; else, and it is not counted, the seconds until it may.
        """
        ...


class MemoryAccountStore:
    """`AccountStore` in memory; thread-safe.

    Args:
        clock: seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def remember(self, name: str, account: Account) -> None:
        """As `AccountStore.remember`."""
        self._accounts[name] = account

    def recall(self, name: str) -> Account:
        """As `AccountStore.recall`."""
        return self._accounts.get(name, Account())

    def members(self, group: str) -> frozenset[str]:
        """As `AccountStore.members`."""
        return frozenset(name for name, account in list(self._accounts.items()) if group in account.groups)

    def count(self, key: str, most: int, seconds: float) -> float:
        """As `AccountStore.count`."""
        now = self._clock()
        with self._lock:
            used = max(now, self._used.get(key, now)) + seconds / most
            if used - now > seconds:
                return used - now - seconds
            self._used[key] = used
        return 0.0
