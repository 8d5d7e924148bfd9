"""Processes of this machine as /proc shows them: who lives, who descends from whom, and how a whole tree ends."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_POLL = 0.02
_LAST_CHANCE = 1.0
"""Seconds in which killed processes must be gone; one in uninterruptible sleep may take longer."""


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    session: int
    zombie: bool
    started: int
    """Clock ticks since boot: with `pid` it names a process for good."""


@cache
def boot_id() -> str:
    """A name of this boot of the machine; pids mean nothing across boots."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def look(pid: int) -> Process | None:
    """The process `pid`, or None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[3]), fields[0] in "ZX", int(fields[19]))


def mark(pid: int) -> dict[str, Any]:
    """What names a process for good, as JSON."""
    process = look(pid)
    assert process is not None
    return {"pid": pid, "ticks": process.started, "boot": boot_id(), "parent": process.parent}


def find(marked: Mapping[str, Any]) -> Process | None:
    """The process that `mark` named, if it is still there (it may be a zombie)."""
    if marked.get("boot") != boot_id():
        return None
    process = look(marked["pid"])
    return process if process is not None and process.started == marked["ticks"] else None


def lives(marked: Mapping[str, Any]) -> bool:
    """True if the marked process runs, or has just ended and its parent has yet to report how."""
    process = find(marked)
    return process is not None and (not process.zombie or process.parent == marked["parent"])


def table() -> dict[int, Process]:
    """All processes of this machine that can be seen."""
    seen = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in seen if process is not None}


def become_subreaper() -> None:
    """Let orphans below this process become its children, so that none gets out of its tree."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(processes: Mapping[int, Process], roots: Iterable[int]) -> set[int]:
    """The pids below `roots`, without them."""
    below: set[int] = set()
    found = set(roots)
    known = set(found)
    while found:
        found = {p.pid for p in processes.values() if p.parent in found} - known
        known |= found
        below |= found
    return below


def members(root: Mapping[str, Any] | None, work: Path) -> set[int]:
    """The living processes of a job, without its runner.

    Args:
        root: the mark of the runner, dead or alive; None if there was none.
        work: the folder in which each tool has its HOME and TMPDIR, which marks those that left the tree.
    """
    processes = table()
    found = _marked_by_environment(processes, work)
    if root is not None and root.get("boot") == boot_id():
        present = processes.get(root["pid"])
        if present is None or present.started == root["ticks"]:
            found |= {p.pid for p in processes.values() if p.session == root["pid"]}
            found |= descendants(processes, [root["pid"]])
        found.discard(root["pid"])
    found |= descendants(processes, found)
    return {pid for pid in found if not processes[pid].zombie} - {os.getpid(), 1}


def stop(root: Mapping[str, Any] | None, work: Path, grace: float) -> None:
    """End a job: freeze its runner, so that it neither goes on nor reports, end all below it, then the runner.

    While the runner lives, even frozen, orphans of its tree become its children: none can get away.

    Args:
        root: the mark of the runner, or None.
        work: as in `members`.
        grace: seconds between SIGTERM and SIGKILL.
    """
    runner = find(root) if root is not None else None
    if runner is not None:
        _send([runner.pid], signal.SIGSTOP)
    stop_members(root, work, grace)
    if runner is not None and root is not None:
        _send([runner.pid], signal.SIGKILL)
        deadline = time.monotonic() + _LAST_CHANCE
        while (left := find(root)) is not None and not left.zombie and time.monotonic() < deadline:
            time.sleep(_POLL / 4)


def stop_members(root: Mapping[str, Any] | None, work: Path, grace: float) -> None:
    """End all processes of a job but its runner; see `stop`."""
    left = members(root, work)
    deadline = time.monotonic() + grace
    if grace > 0:
        _send(left, signal.SIGTERM)
        _send(left, signal.SIGCONT)
    while left and time.monotonic() < deadline:
        time.sleep(_POLL)
        left = {pid for pid in left if (process := look(pid)) is not None and not process.zombie}
    left = members(root, work)  # again, as new ones may have come
    deadline = time.monotonic() + _LAST_CHANCE
    while left and time.monotonic() < deadline:
        _send(left, signal.SIGKILL)
        time.sleep(_POLL / 4)
        left = members(root, work)


def end_children(work: Path) -> bool:
    """End whatever the caller, a subreaper, still has below it, and reap it.

    Returns:
        False, and at once, where there was nothing.
    """
    found = False
    deadline = time.monotonic() + _LAST_CHANCE
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        found = True
        if pid == 0:
            stop_members(mark(os.getpid()), work, 0)
    return found


def _marked_by_environment(processes: Mapping[int, Process], work: Path) -> set[int]:
    signs = tuple(f"{name}={work}{os.sep}".encode() for name in ("HOME", "TMPDIR"))
    whole = {sign[:-1] for sign in signs}
    found = set()
    for pid in processes:
        try:
            entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:  # not ours, or gone
            continue
        if any(entry.startswith(signs) or entry in whole for entry in entries):
            found.add(pid)
    return found


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
