"""What client and fork server say to each other: one JSON object a line, over a Unix stream socket.

Requests have `op`; each gets one answer with `ok`:
  hello   {version, slots, cores, memory}          adopts the budget; `ok` false: another version, which ends itself
  submit  {jobs: [{id, workspace, cores, memory, owner}]}   queues those that are not known, have not started or ended
  known   {jobs: [id]}                             {known: [id]}: those that wait or run here
  cancel  {id, workspace, grace}                   forgets a waiting job; ends a running one, apart from the answer
  wait    {jobs: [{id, workspace}], timeout}       answered when one of them may have changed, or after the timeout
  quit    {}                                       the server ends; jobs that run go on
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

VERSION = 2
LONGEST_LINE = 16 * 2**20

Message = dict[str, Any]


class ProtocolError(Exception):
    """The other side sent what is not a message."""


def encode(message: Message) -> bytes:
    """A message as it goes over the socket."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Decoder:
    """Puts messages together from what arrives."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises ProtocolError."""
        self._pending += data
        *lines, rest = self._pending.split(b"\n")
        self._pending = bytearray(rest)
        if len(rest) > LONGEST_LINE:
            raise ProtocolError("a line is too long")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError as error:
                raise ProtocolError("a line is not JSON") from error
            if not isinstance(message, dict):
                raise ProtocolError("a line is not an object")
            yield message
