"""The way from the server's processes to the fork server: starts it where there is none, and speaks to it.

May be used by many threads, and after a fork of the process that made it.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import EngineUnavailable
from .protocol import VERSION, Decoder, Message, ProtocolError, encode
from .resources import Budget

_LONGEST_ADDRESS = 100
"""Bytes; Linux allows 107 (unix(7))."""
_PATIENCE = 60.0
"""Seconds for one answer: a cold server imports cwltool first, which may take long on a busy machine."""
_START = 30.0
_KEPT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("LC_", "DOCKER_", "CONTAINER", "PYTHON")
"""What jobs may see of this process's environment, which can hold secrets."""


class Refused(Exception):
    """The fork server is of another version, and ends."""


class ForkServerClient:
    """A few connections to the fork server of one home.

    Args:
        home: folder of its socket, lock and log; made when needed.
        budget: what all jobs share.
        idle: seconds without work after which the fork server ends.
    """

    def __init__(self, home: Path, budget: Budget, idle: float) -> None:
        self.home = home
        self.budget = budget
        self.idle = idle
        self._lock = threading.Lock()
        self._free: list[socket.socket] = []
        self._pid = os.getpid()

    @property
    def address(self) -> Path:
        """Path of the socket: in the home, or, where that is too long for a socket, in a private temporary folder."""
        path = self.home.absolute() / "socket"
        if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"oapip-{os.geteuid()}-{digest}" / "socket"

    def ask(self, message: Message, patience: float = _PATIENCE) -> Message:
        """Send a request and return its answer; starts the fork server if there is none.

        Raises:
            EngineUnavailable: there is none and none can be started, or it does not answer in `patience` seconds.
        """
        last: Exception = EngineUnavailable("")
        for attempt in range(3):
            try:
                with self._connection(start=True, fresh=attempt > 0) as stream:
                    return _exchange(stream, message, patience)
            except (OSError, ProtocolError, Refused) as error:
                last = error
        raise EngineUnavailable(f"The local engine does not answer ({type(last).__name__}).") from last

    def ask_if_there(self, message: Message, patience: float = _PATIENCE) -> Message | None:
        """As `ask`, but None where no fork server runs."""
        for fresh in (False, True):
            try:
                with self._connection(start=False, fresh=fresh) as stream:
                    return _exchange(stream, message, patience)
            except (OSError, ProtocolError, Refused):
                continue
        return None

    def close(self) -> None:
        """Close the connections: those in use as soon as they have their answer."""
        with self._lock:
            free, self._free = self._free, []
        for stream in free:
            stream.close()

    @contextmanager
    def _connection(self, start: bool, fresh: bool) -> Iterator[socket.socket]:
        free = self._free  # `close` puts another list in its place
        stream = None if fresh else self._take()
        stream = stream or self._connect(start)
        try:
            yield stream
        except BaseException:
            stream.close()
            raise
        with self._lock:
            if free is self._free:
                free.append(stream)
                return
        stream.close()

    def _take(self) -> socket.socket | None:
        with self._lock:
            if self._pid != os.getpid():  # the connections belong to the process that was forked
                self._pid, self._free = os.getpid(), []
            return self._free.pop() if self._free else None

    def _connect(self, start: bool) -> socket.socket:
        deadline = time.monotonic() + _START
        while True:
            stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                stream.connect(str(self.address))
                self._greet(stream)
                return stream
            except (OSError, Refused):
                stream.close()
                if not start or time.monotonic() > deadline:
                    raise
            self._start()

    def _greet(self, stream: socket.socket) -> None:
        total = self.budget.total
        hello = {"op": "hello", "version": VERSION, "slots": self.budget.slots}
        answer = _exchange(stream, hello | {"cores": total.cores, "memory": total.memory}, _PATIENCE)
        if not answer["ok"]:
            raise Refused

    def _start(self) -> None:
        """Start a fork server. Returns when its socket listens, or shortly after finding that one is starting."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self.address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.address.parent.stat().st_uid != os.geteuid():
                raise EngineUnavailable("The local engine's folder belongs to another user.")
            log = os.open(self.home / "forkserver.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise EngineUnavailable(f"The local engine cannot write to its folder: {error.strerror}.") from error
        options = json.dumps({"idle": self.idle})
        command = [sys.executable, "-P", "-m", str(__package__), str(self.home.absolute()), str(self.address), options]
        try:
            done = subprocess.run(
                command, env=_environment(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            )
        except OSError as error:
            raise EngineUnavailable(f"The local engine cannot be started: {error.strerror}.") from error
        finally:
            os.close(log)
        if done.returncode not in (0, 3):
            raise EngineUnavailable("The local engine does not start; see its log, forkserver.log.")
        if done.returncode:
            time.sleep(0.05)


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in _KEPT or k.startswith(_KEPT_PREFIXES)}
    root = str(Path(__file__).parents[3])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH"))))}


def _exchange(stream: socket.socket, message: Message, patience: float) -> Message:
    stream.settimeout(patience)
    stream.sendall(encode(message))
    decoder = Decoder()
    while True:
        data = stream.recv(1 << 20)
        if not data:
            raise ConnectionResetError("the fork server has closed the connection")
        for answer in decoder.feed(data):
            return answer
