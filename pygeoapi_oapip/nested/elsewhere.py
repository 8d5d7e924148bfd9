"""Processes of other OGC API - Processes servers, read when a request names them (Part 3 remote-core-processes)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from ..errors import NoSuchProcess, Unavailable, UnresolvableReference
from ..model.answer import Answer
from ..model.json import JSONObject
from ..model.process import Process
from ..packages.remote import read_remote

KEPT = 30.0
"""Seconds that a description is believed."""
_MOST_KEPT = 100
_LARGEST = 1 << 20
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Client(Protocol):
    """Sends guarded requests (`staging.client`)."""

    def send(
        self, method: str, url: str, body: JSONObject | None, headers: Mapping[str, str], max_bytes: int
    ) -> Answer:
        """Raises AddressForbidden, UnresolvableReference, TooLarge, Unavailable."""
        ...


class RemoteProcesses:
    """Implements `reading.Elsewhere`.

    Args:
        client: sends the requests.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: OrderedDict[str, tuple[float, Process]] = OrderedDict()
        self._lock = threading.Lock()

    def process(self, address: str) -> Process:
        """The process at a URL, as its server describes it now, or did some seconds ago.

        Raises:
            NoSuchProcess: that server has none there.
            UnresolvableReference: what is there is no process.
            AddressForbidden, TooLarge, Unavailable: as `staging.client`.
        """
        with self._lock:
            known = self._known.get(address)
        if known is not None and time.monotonic() - known[0] < KEPT:
            return known[1]
        process = self._read(address)
        with self._lock:
            self._known[address] = (time.monotonic(), process)
            self._known.move_to_end(address)
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return process

    def _read(self, address: str) -> Process:
        answer = self._client.send("GET", address, None, {}, _LARGEST)
        if answer.status in (404, 410):
            raise NoSuchProcess(f"there is no process {address}")
        if answer.status in _TEMPORARY:
            raise Unavailable(f"{address} answers {answer.status} now")
        if answer.status != 200:
            raise UnresolvableReference(f"{address} answers {answer.status}")
        return read_remote(answer.json(), address)
