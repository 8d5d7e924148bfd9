"""A server in a folder of its own for as long as a block lasts: for the demo, tests and measurements."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

START_LIMIT, STOP_LIMIT = 90.0, 60.0
MARK = "OAPIP_LIVE_SERVER"
"""Environment variable that all processes of one live server inherit, so that none can be overlooked."""


class LiveServer:
    """`oapip serve` as a child process.

    Args:
        folder: its working folder; the embedded defaults keep their data in `var` below it.
        arguments: further arguments of `serve`, for example `["--config", "file.yml"]`.
        environment: variables to add.

    Raises:
        RuntimeError: on entering, if it does not start; the text has its last lines.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._arguments = ["--bind", "127.0.0.1:0", *arguments]
        self._mark = secrets.token_hex(8)
        self._environment = {**os.environ, **(environment or {}), MARK: self._mark}
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self.log: list[str] = []
        """What it wrote so far, line by line."""
        self.url = ""

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of `oapip serve` itself."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._ready.clear()
        if "PYGEOAPI_CONFIG" in self._environment and "--config" not in self._arguments:
            del self._environment["PYGEOAPI_CONFIG"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pygeoapi_oapip.cli", "serve", *self._arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        until = time.monotonic() + START_LIMIT
        while not self._ready.wait(0.05):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError("the server did not start:\n" + "\n".join(self.log[-20:]))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end.

        Returns:
            The exit code.
        """
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def processes(self) -> list[int]:
        """The ids of all processes that this server started and that still run, jobs included (Linux only)."""
        sign = f"{MARK}={self._mark}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if sign in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile, or belongs to somebody else
        return found

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self.log.append(line.rstrip())
                match = re.match(r"oapip: serving (\S+)", line)
                if match:
                    self.url = match[1]
                    self._ready.set()
