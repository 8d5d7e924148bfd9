"""References of a request: looked at before a job exists, all at once, for a short time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from ..errors import OapipError
from ..model.execution import ExecutionRequest
from ..model.json import JSONObject
from ..model.value import references_of
from .violations import MOST_TOLD, Violation

LIMIT = 3.0
"""Seconds that all references together may take."""

_AT_ONCE = 16
"""Addresses that are asked at the same time."""

Probe = Callable[[str, float], None]
"""(address, seconds): raises OapipError if the address can certainly not be read."""


@dataclass(frozen=True, slots=True)
class Address:
    """A reference and the input that it is in."""

    place: str
    href: str

    @property
    def scheme(self) -> str:
        """Of the URL, in small letters; "" where it has none."""
        return self.href.partition(":")[0].lower() if ":" in self.href else ""


class CollectedReferences:
    """A `FileSource` that stages nothing, and remembers what would be staged."""

    def __init__(self) -> None:
        self.found: list[Address] = []

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """A CWL object with the address itself."""
        self.found.append(Address(f"inputs.{input_id}", href))
        return {"class": "Directory" if is_directory else "File", "location": href}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """A CWL File without content."""
        return {"class": "File", "basename": input_id}


def top_references(request: ExecutionRequest) -> list[Address]:
    """The references that are inputs, or items of inputs, themselves."""
    return [
        Address(f"inputs.{name}", item.href) for name, value in request.inputs.items() for item in references_of(value)
    ]


def refuse_any(addresses: Iterable[Address], check: Callable[[str], None]) -> None:
    """Ask `check` for each address. Raises its error, naming the inputs, with all that were refused."""
    _raise(_failures(addresses, check))


def _failures(addresses: Iterable[Address], check: Callable[[str], None]) -> list[tuple[Address, OapipError]]:
    found = []
    for address in addresses:
        try:
            check(address.href)
        except OapipError as error:
            found.append((address, error))
    return found


def refuse_missing(addresses: Sequence[Address], probe: Probe, limit: float = LIMIT) -> None:
    """Ask for all addresses at the same time.

    Args:
        addresses: what to look for; each address is asked once.
        probe: asks for one.
        limit: seconds; what has not answered by then is left to staging, which tries again.

    Raises:
        OapipError: of the first that cannot be read, naming the inputs, with all that cannot.
    """
    hrefs = list(dict.fromkeys(address.href for address in addresses))
    if not hrefs:
        return
    pool = ThreadPoolExecutor(min(len(hrefs), _AT_ONCE), thread_name_prefix="references")
    try:
        answers = {href: pool.submit(probe, href, limit) for href in hrefs}
        wait(answers.values(), timeout=limit)
    finally:
        # a name server that does not answer must not hold the request
        pool.shutdown(wait=False, cancel_futures=True)
    _raise(_failures(addresses, lambda href: _raised(answers[href])))


def _raised(answer: Future[None]) -> None:
    if answer.done() and not answer.cancelled():
        answer.result()


def _raise(failures: Sequence[tuple[Address, OapipError]]) -> None:
    if not failures:
        return
    unique = dict.fromkeys((address.place, error.detail) for address, error in failures)
    rows = [Violation(place, "reference", detail) for place, detail in list(unique)[:MOST_TOLD]]
    text = "; ".join(f"{row.location}: {row.detail}" for row in rows)
    raise type(failures[0][1])(text, location=rows[0].location, errors=[row.to_json() for row in rows])
