"""The processes that are offered over WPS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import NoSuchProcess
from ..model.identity import Principal
from ..model.process import AD_HOC, Process
from ..operations import Operations
from .faults import InvalidParameter

ALL = "all"
"""The identifier that stands for every process, in any case."""
MOST_NAMED = 1000
"""Processes that one DescribeProcess may name: each costs a look into the store."""
_PAGE = 1000
_TOLD = 500
"""Characters of names that an error tells."""


def every_process(service: Operations, principal: Principal) -> Iterator[Process]:
    """All processes that somebody may see, without packages, by id."""
    offset = 0
    while True:
        page = service.processes(principal, _PAGE, offset)
        yield from page.processes
        if not page.more:
            return
        offset += len(page.processes)


def offered_process(name: str, service: Operations, principal: Principal) -> Process:
    """A process by its id. Raises NoSuchProcess, also for ad-hoc executions: no request of WPS can bring a package."""
    if name == AD_HOC:
        raise NoSuchProcess(f"there is no process {AD_HOC} over WPS")
    return service.process(principal, name)


def named_processes(
    names: Sequence[str], service: Operations, principal: Principal, locator: str = ""
) -> Sequence[Process]:
    """The processes that DescribeProcess asks for.

    Args:
        names: ids, or `ALL` among them.
        service: has them.
        principal: who asks.
        locator: of the error; "": the ids that are not there.

    Raises:
        InvalidParameter: there are too many.
        NoSuchProcess: naming those that are not there.
    """
    if any(name.lower() == ALL for name in names):
        return list(every_process(service, principal))
    if len(names) > MOST_NAMED:
        told = f"at most {MOST_NAMED} processes can be named (are {len(names)}); ALL stands for all"
        raise InvalidParameter(told, location="identifier")
    found, missing = [], []
    for name in names:
        try:
            found.append(offered_process(name, service, principal))
        except NoSuchProcess:
            missing.append(name)
    if missing:
        told = ", ".join(missing)[:_TOLD]
        raise NoSuchProcess(f"there is no process {told}", location=locator or told)
    return found
