"""Names of lease owners, such that another process on the same machine can tell whether the owner still lives.

A lease that has run out is free for all. One whose owner is known to be dead need not run out: after a
`kill -9` and a restart its jobs go on at once.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class LeaseOwner:
    """A process: host, boot of the host, process id and the start of that process (ids are used again)."""

    host: str
    boot: str
    pid: int
    start: str
    nonce: str

    def __str__(self) -> str:
        return "/".join((self.host, self.boot, str(self.pid), self.start, self.nonce))

    @staticmethod
    def here() -> LeaseOwner:
        """This process."""
        pid = os.getpid()
        return LeaseOwner(socket.gethostname(), _boot(), pid, _start_of(pid), uuid4().hex[:8])

    @staticmethod
    def parse(text: str) -> LeaseOwner | None:
        """Read what `str` wrote; None for anything else."""
        parts = text.split("/")
        if len(parts) != 5 or not parts[2].isdigit():
            return None
        return LeaseOwner(parts[0], parts[1], int(parts[2]), parts[3], parts[4])

    def is_dead(self) -> bool:
        """True only if the owner was a process of this machine that is certainly gone."""
        if self.host != socket.gethostname():
            return False
        return self.boot != _boot() or _start_of(self.pid) != self.start


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except OSError:
        return "unknown"


def _start_of(pid: int) -> str:
    """Start time of a living process in clock ticks since boot; "" if there is none (or it is a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
