"""The processes of `oapip serve`: the web server and the worker, started, restarted and stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from .failures import ExitCode
from .lifetime import PARENT

TICK = 0.1
"""Seconds between two looks at the children."""

PATIENCE = 5
"""A child that fails so often in a row within `STEADY` seconds is not started again."""

STEADY = 10.0

FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS})
"""Signals that a process brings upon itself; the others are sent by somebody else, and say nothing about it."""


@dataclass
class Child:
    """One process below the supervisor."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    grace: float
    """Seconds between SIGTERM and SIGKILL."""
    files: Sequence[int] = ()
    """File descriptors that it inherits."""
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    falls: int = field(default=0)
    """Failures in a row, each soon after a start."""

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments],
            env={**self.environment, PARENT: str(os.getpid())},
            pass_fds=self.files,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll() if self.process else 0

    def stop(self, hurry: Callable[[], bool]) -> None:
        """End it: SIGTERM, and SIGKILL when its time is up or `hurry()`."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        until = time.monotonic() + self.grace
        while self.process.poll() is None:
            if hurry() or time.monotonic() > until:
                self.process.kill()
                self.process.wait()
                return
            time.sleep(TICK / 4)


class Supervisor:
    """Keeps children alive until a signal says stop.

    Args:
        children: started in this order, and stopped in this order: first the one that takes requests.
        report: writes a line for the administrator.
    """

    def __init__(self, children: Sequence[Child], report: Callable[[str], None]) -> None:
        self._children = children
        self._report = report
        self._signals = 0
        self.ready = False
        """Set by others when the server answers: a child that ends before is a failed start."""

    def run(self, started: Callable[[], None], stopping: Callable[[], None]) -> bool:
        """Start all, watch over them, and stop them at SIGTERM, SIGINT or a failed start.

        Args:
            started: called when all have been started.
            stopping: called before the first one is stopped.

        Returns:
            True if a signal ended it; False if a child could not be kept alive.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        try:
            for child in self._children:
                child.start()
            started()
            return self._watch()
        finally:
            stopping()
            for child in self._children:
                child.stop(lambda: self._signals > 1)

    def _watch(self) -> bool:
        while not self._signals:
            for child in self._children:
                code = child.ended()
                if code is not None and not self._restarted(child, code):
                    return False
            time.sleep(TICK)
        return True

    def _restarted(self, child: Child, code: int) -> bool:
        if self._signals:
            return True
        if time.monotonic() - child.began >= STEADY:
            child.falls = 0
        if _failed(code) and not (self.ready and code == ExitCode.UNREACHABLE):
            child.falls += 1
        if child.falls > (PATIENCE if self.ready else 0):
            self._report(f"the {child.name} process {_ending(code)}; giving up")
            return False
        self._report(f"the {child.name} process {_ending(code)}; starting it again")
        child.start()
        return True

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1


def _failed(code: int) -> bool:
    """True of an end by an error of its own; false of a child that was killed, or was told to end."""
    return code > 0 or -code in FAULTS


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
