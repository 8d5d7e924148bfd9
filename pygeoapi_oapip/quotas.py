"""How much one user may have: which quota is whose, and what a job that waits says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from math import ceil

from .errors import PlanRejected, TooManyRequests
from .model.identity import Principal, group_of
from .model.job import Goal, Job, Phase
from .model.process import NO_PACKAGE, Package
from .model.quota import Allowance, GroupAllowance
from .packages.remote import is_remote
from .packages.resources import MIB, demand
from .settings import Limits, Quota
from .settings_quotas import Together
from .store.accounts import Account, AccountStore
from .store.base import JobStore

KNOWN_FOR = 5.0
"""Seconds for which the groups and roles of a user that the database told are not asked again."""
MINUTE = 60.0
_OWN = "your jobs"


class Quotas:
    """The quotas of the configuration.

    Args:
        jobs: counts them.
        accounts: remembers who is in which group, for the time when jobs start.
        limits: of the configuration.
        clock: monotonic seconds.
        counts_room: False where results are in the buckets of their users, and take no room here.
    """

    def __init__(
        self,
        jobs: JobStore,
        accounts: AccountStore,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        counts_room: bool = True,
    ) -> None:
        self._jobs = jobs
        self._accounts = accounts
        self._limits = limits
        self._clock = clock
        self._counts_room = counts_room
        self._known: dict[str, tuple[float, Account]] = {}
        self._lock = threading.Lock()
        self._by_account = bool(limits.quotas.groups or limits.quotas.roles)

    def of(self, owner: str) -> Allowance:
        """What an owner may have, as far as is known without a request of his."""
        return self._allowance(owner, self._recalled(owner) if self._by_account else Account())

    def asked(self, principal: Principal, owner: str) -> Allowance:
        """The same, when a principal asks for something that the owner is to have; his groups and roles are
        remembered, because they count when his jobs start, too."""
        if not self._by_account or principal.name != owner:
            return self.of(owner)
        account = Account(principal.groups, principal.roles)
        if self._recalled(owner) != account:
            self._accounts.remember(owner, account)
            with self._lock:
                self._known[owner] = (self._clock(), account)
        return self._allowance(owner, account)

    def require_room(self, principal: Principal, owner: str) -> Allowance:
        """One more job may be made, as it looks now.

        Returns:
            The allowance, which counts again when the job is stored.

        Raises:
            TooManyRequests: too many jobs wait or run.
            StorageFull: the results take all the room.
        """
        allowance = self.asked(principal, owner)
        self._jobs.require_room(owner, allowance)
        return allowance

    def require_fitting(self, principal: Principal, owner: str, package: Package) -> None:
        """Raises PlanRejected for a package that asks for more than the owner may ever use at once."""
        allowance = self.asked(principal, owner)
        if not allowance.bounds_running or package is NO_PACKAGE or is_remote(package):
            return
        wanted = demand(package.document)
        for whose, most in _bounds_of(allowance):
            if most.cores and wanted.cores > most.cores:
                raise PlanRejected(
                    f"The process asks for {wanted.cores:g} cores, and {whose} may use {most.cores:g} at once."
                )
            if most.memory and wanted.memory > most.memory:
                raise PlanRejected(
                    f"The process asks for {wanted.memory / MIB:.0f} MiB of memory, and {whose} may use "
                    f"{most.memory / MIB:.0f} MiB at once."
                )

    def count_deployment(self, principal: Principal, owner: str) -> Allowance:
        """Count a deployment or replacement, also one that fails: looking at a package is what costs.

        Raises:
            TooManyRequests: the owner had as many in the last minute as he may, in all processes of the server.
        """
        allowance = self.asked(principal, owner)
        counted = [(f"deploy {owner}", "you", allowance.deploys)]
        counted += [
            (f"deploy {group_of(one.name)}", f"the group {one.name}", one.most.deploys) for one in allowance.together
        ]
        for key, who, most in counted:
            wait = self._accounts.count(key, most, MINUTE) if most else 0.0
            if wait:
                text = f"{who} may deploy {most} times in a minute; wait before you try again"
                raise TooManyRequests(text, ceil(wait))
        return allowance

    def told(self, job: Job) -> Job:
        """The job with a message that says where it stands, if it waits for its turn."""
        if job.phase is not Phase.ACCEPTED or job.goal is Goal.DISMISS or job.lease_owner is not None:
            return job
        found = self._jobs.standing(job.id)
        if found is None:
            return job
        of = f"{ordinal(found.position)} of {found.waiting} jobs" if found.waiting > 1 else "the only job"
        return replace(job, message=f"waiting: {of} of this user, {found.running} run now{self._bounds(job.owner)}")

    def _bounds(self, owner: str) -> str:
        told = []
        for whose, most in _bounds_of(self.of(owner)):
            bounds = [
                f"{most.running} jobs" if most.running else "",
                f"{most.cores:g} cores" if most.cores else "",
                f"{most.memory / MIB:.0f} MiB" if most.memory else "",
            ]
            if found := ", ".join(filter(None, bounds)):
                told.append(f"at most {found} at once" + (f" for {whose}" if whose != _OWN else ""))
        return f" ({'; '.join(told)})" if told else ""

    def _allowance(self, owner: str, account: Account) -> Allowance:
        quotas = self._limits.quotas
        sources = (
            [quotas.users[owner]] if owner in quotas.users else [],
            [quotas.groups[name] for name in sorted(account.groups) if name in quotas.groups],
            [quotas.roles[name] for name in sorted(account.roles) if name in quotas.roles],
            [quotas.default],
        )

        def most(key: str) -> float:
            return next((found for some in sources if (found := _largest(some, key)) is not None), 0)

        return Allowance(
            jobs=self._limits.jobs_per_user,
            queued=int(most("queued")),
            running=int(most("running")),
            cores=float(most("cores")),
            memory=float(most("memory")),
            storage=int(most("storage")) if self._counts_room else 0,
            processes=int(most("processes")),
            deploys=int(most("deploys_per_minute")),
            together=tuple(
                GroupAllowance(name, self._together(quotas.groups[name].together))
                for name in sorted(account.groups)
                if name in quotas.groups and quotas.groups[name].together != Together()
            ),
        )

    def _together(self, most: Together) -> Allowance:
        return Allowance(
            queued=most.queued,
            running=most.running,
            cores=most.cores,
            memory=most.memory,
            storage=most.storage if self._counts_room else 0,
            deploys=most.deploys_per_minute,
        )

    def _recalled(self, owner: str) -> Account:
        now = self._clock()
        with self._lock:
            asked, account = self._known.get(owner, (-KNOWN_FOR, Account()))
        if now - asked < KNOWN_FOR:
            return account
        account = self._accounts.recall(owner)
        with self._lock:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[owner] = (now, account)
        return account


def _bounds_of(allowance: Allowance) -> Iterator[tuple[str, Allowance]]:
    """What holds for the owner himself, and for his groups; and whose jobs it is about."""
    yield _OWN, allowance
    for group in allowance.together:
        yield f"the jobs of the group {group.name}", group.most


def _largest(quotas: Iterable[Quota], key: str) -> float | None:
    """The largest value of those that have one; 0, any amount, is the largest of all."""
    found = [value for quota in quotas if (value := getattr(quota, key)) is not None]
    if not found:
        return None
    return 0 if 0 in found else max(found)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, ... 11th, ... 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
