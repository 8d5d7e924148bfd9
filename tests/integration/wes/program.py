"""A program that a test starts, waits for, and ends by its process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP = 15.0


class CannotStart(Exception):
    """A server cannot run here; says why."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now, below those that the kernel gives to clients."""
    for port in range(20000 + os.getpid() % 8000, 30000):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                trial.bind(("127.0.0.1", port))
                if port not in _GIVEN:
                    _GIVEN.add(port)
                    return port
    raise CannotStart("no free port")


_GIVEN: set[int] = set()


class Program:
    """A program in the foreground of a process group of its own, with a log.

    Args:
        name: for messages and the log file.
        command: program and arguments.
        folder: working folder and place of the log; it is kept until its owner removes it.
        environment: variables beside those of this process.
        user: account to run as.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = list(command)
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the present process."""
        assert self._process is not None
        return self._process.pid

    def start(self, ready: Callable[[], bool], limit: float = 90.0) -> None:
        """Start it, and wait until it is ready.

        Raises:
            CannotStart: it ended, or is not ready in time; with the end of its log.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._user,
            )
        deadline = time.monotonic() + limit
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise CannotStart(f"{self.name} does not start:\n{self.words()}")
            time.sleep(0.1)

    def words(self, lines: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def running(self) -> bool:
        """True while it lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """SIGTERM, and after a while SIGKILL for its whole group."""
        if self._process is None:
            return
        if self.running():
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP)
        self.kill()

    def kill(self) -> None:
        """SIGKILL for its whole group, also for what a process that has ended left in it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def answers(port: int) -> bool:
    """True if somebody listens on a port of 127.0.0.1."""
    with socket.socket() as trial:
        trial.settimeout(2)
        return trial.connect_ex(("127.0.0.1", port)) == 0
