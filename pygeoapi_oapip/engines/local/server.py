"""The fork server: one single-threaded process per engine home that starts one child per job.

It is started by `client.py`, detaches itself (`__main__.py`), and outlives the web process. It keeps nothing that the
job folders do not have too, so it may be killed at any time.
"""

from __future__ import annotations

import gc
import logging
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ...packages.resources import Resources
from . import children
from .admission import Admission, Ticket
from .processes import lives
from .protocol import VERSION, Decoder, Message, ProtocolError, encode
from .record import JobFolder
from .resources import Budget

_TICK = 0.05
"""Seconds between looks at jobs that an earlier server started: their end sends no signal here."""
_AGAIN = 1.0
_SPARE_PAUSE = 10.0
"""Seconds without a spare after one has died by itself or could not be made."""
_QUIET = 0.5
"""Seconds in which nothing was asked and nothing runs, before a chore is done."""

log = logging.getLogger("pygeoapi_oapip.engines.local")


class Connection:
    """One client."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.decoder = Decoder()
        self.unsent = bytearray()
        self.waits_for: frozenset[str] = frozenset()
        self.waits_until = 0.0


class ForkServer:
    """The loop. See `protocol` for what it answers.

    Args:
        listener: a bound Unix socket.
        idle: seconds without clients and jobs after which it ends.
        chores: what makes later jobs start sooner; done one by one when there is nothing else to do.
    """

    def __init__(self, listener: socket.socket, idle: float, chores: Sequence[Callable[[], None]] = ()) -> None:
        self.listener = listener
        self.idle = idle
        self.chores = list(chores)
        self.admission = Admission(Budget(Resources(1.0, 2.0**30), 1))
        self.children: dict[int, str] = {}
        self.stoppers: dict[int, str] = {}
        self.spare: children.Spare | None = None
        self.spare_after = 0.0
        self.last_job: JobFolder | None = None
        self.adopted: dict[str, JobFolder] = {}
        self.folders: dict[str, JobFolder] = {}
        self.connections: dict[int, Connection] = {}
        self.selector = selectors.DefaultSelector()
        self.news, self.news_out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.signals, self.signals_out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.last_used = self.last_busy = time.monotonic()
        self.ending = False

    def serve(self) -> None:
        """Run until told to quit, or idle."""
        signal.set_wakeup_fd(self.signals_out, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ending", True))
        self.listener.setblocking(False)
        for fd in (self.listener.fileno(), self.news, self.signals):
            self.selector.register(fd, selectors.EVENT_READ)
        while not self.ending and not self._unused():
            ready = self.selector.select(self._patience())
            for key, events in ready:
                self._handle(key.fd, events)
            self._reap()
            self._look_at_adopted()
            self._expire_waits()
            self._start_children()
            self._keep_spare()
            self._do_chore(bool(ready))

    def after_fork(self) -> None:
        """In a child: let go of all that belongs to the server. The lock and the sockets would live on otherwise."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.selector.close()
        self.listener.close()
        for connection in self.connections.values():
            connection.stream.close()
        for fd in (self.news, self.signals, self.signals_out):
            os.close(fd)
        if self.spare is not None:
            os.close(self.spare.orders)

    # The loop's parts

    def _patience(self) -> float:
        ends = [c.waits_until for c in self.connections.values() if c.waits_for]
        pause = _TICK if self.adopted else (_AGAIN if self.admission.waiting else min(self.idle, 10.0))
        pause = min(pause, _QUIET) if self.chores else pause
        return max(0.0, min([pause, *(end - time.monotonic() for end in ends)]))

    def _unused(self) -> bool:
        now = time.monotonic()
        if any((self.connections, self.admission.waiting, self.children, self.stoppers, self.adopted)):
            self.last_used = now
        return now - self.last_used > self.idle

    def _handle(self, fd: int, events: int) -> None:
        if fd == self.listener.fileno():
            self._accept()
        elif fd == self.signals:
            os.read(fd, 4096)
        elif fd == self.news:
            for job_id in os.read(fd, 65536).decode().split():
                self._wake(job_id)
        else:
            self._talk(self.connections[fd], events)

    def _accept(self) -> None:
        try:
            stream, _ = self.listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        credentials = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            stream.close()
            return
        stream.setblocking(False)
        self.connections[stream.fileno()] = Connection(stream)
        self.selector.register(stream.fileno(), selectors.EVENT_READ)

    def _talk(self, connection: Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(connection)
            if events & selectors.EVENT_READ:
                data = connection.stream.recv(65536)
                if not data:
                    raise ConnectionResetError
                for message in connection.decoder.feed(data):
                    self._answer(connection, message)
        except BlockingIOError:
            return
        except (OSError, ProtocolError):
            self._hang_up(connection)

    def _hang_up(self, connection: Connection) -> None:
        self.selector.unregister(connection.stream.fileno())
        del self.connections[connection.stream.fileno()]
        connection.stream.close()

    def _answer(self, connection: Connection, message: Message) -> None:
        try:
            operation = getattr(self, f"op_{message['op']}")
            answer = operation(connection, message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        if answer is not None:
            self._send(connection, answer)

    def _send(self, connection: Connection, answer: Message) -> None:
        connection.unsent += encode(answer)
        try:
            self._flush(connection)
        except OSError:  # its end is seen when it is read
            connection.unsent.clear()

    def _flush(self, connection: Connection) -> None:
        try:
            while connection.unsent:
                sent = connection.stream.send(connection.unsent)
                del connection.unsent[:sent]
        except BlockingIOError:
            pass
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
        self.selector.modify(connection.stream.fileno(), events)

    # Operations

    def op_hello(self, _: Connection, message: Message) -> Message:
        """Adopt the budget of whoever connects: the newest configuration holds."""
        if message["version"] != VERSION:
            self.ending = True
            return {"ok": False, "error": "version"}
        total = Resources(float(message["cores"]), float(message["memory"]))
        self.admission.budget = Budget(total, int(message["slots"]))
        return {"ok": True, "pid": os.getpid()}

    def op_submit(self, _: Connection, message: Message) -> Message:
        """Queue what is new."""
        for job in message["jobs"]:
            folder = JobFolder(Path(job["workspace"]))
            if self._knows(job["id"]) or self._adopt(job["id"], folder):
                continue
            if folder.read("exit") is None and folder.read("started") is None:
                self.folders[job["id"]] = folder
                wanted = Resources(float(job["cores"]), float(job["memory"]))
                self.admission.add(Ticket(job["id"], wanted, job["workspace"], str(job["owner"])))
        return {"ok": True}

    def op_known(self, _: Connection, message: Message) -> Message:
        """Which jobs wait or run here."""
        return {"ok": True, "known": [job_id for job_id in message["jobs"] if self._knows(job_id)]}

    def op_cancel(self, _: Connection, message: Message) -> Message:
        """End a job; its folder says already that it is to be cancelled."""
        job_id, folder = message["id"], JobFolder(Path(message["workspace"]))
        if job_id in self.admission.waiting:
            self._forget(job_id)
        elif job_id not in self.stoppers.values() and folder.read("exit") is None:
            pid = children.fork_stopper(self, folder, float(message["grace"]))
            self.stoppers[pid] = job_id
        return {"ok": True}

    def op_wait(self, connection: Connection, message: Message) -> Message | None:
        """Answer later, unless one of the jobs is not under way any more."""
        for job in message["jobs"]:
            if not self._knows(job["id"]) and not self._adopt(job["id"], JobFolder(Path(job["workspace"]))):
                return {"ok": True}
        connection.waits_for = frozenset(job["id"] for job in message["jobs"])
        connection.waits_until = time.monotonic() + float(message["timeout"])
        return None

    def op_quit(self, _: Connection, __: Message) -> Message:
        """End the server, unless others are connected. What runs goes on, what waits is sent again by its owner."""
        self.ending = len(self.connections) == 1
        return {"ok": True}

    # Jobs

    def _knows(self, job_id: str) -> bool:
        waits = job_id in self.admission.waiting
        return waits or (job_id in self.admission.running and self.folders[job_id].read("exit") is None)

    def _adopt(self, job_id: str, folder: JobFolder) -> bool:
        """Watch a job that an earlier server started. False unless it runs now."""
        started = folder.read("started")
        if folder.read("exit") is not None or started is None or "pid" not in started or not lives(started):
            return False
        self.folders[job_id] = self.adopted[job_id] = folder
        wanted = Resources(started["cores"], started["memory"])
        self.admission.occupy(job_id, wanted, str(started.get("owner", "")))
        return True

    def _start_children(self) -> None:
        for ticket in self.admission.admit(time.monotonic()):
            self.last_job = JobFolder(Path(ticket.workspace))
            spare, self.spare = self.spare, None
            if spare is not None and children.give_job(spare, ticket):
                self.children[spare.pid] = ticket.job_id
                continue
            try:
                self.children[children.fork_job(self, ticket)] = ticket.job_id
            except OSError as error:  # no more processes: it goes back to the queue
                log.error("cannot start job %s: %s", ticket.job_id, error.strerror)
                self.admission.drop(ticket.job_id)
                self.admission.add(ticket)

    def _keep_spare(self) -> None:
        """A spare shortens the wait of a single job. While others wait, its rehearsal would only take their time."""
        now = time.monotonic()
        busy = self.admission.waiting or self.children
        if self.spare is None and not busy and now >= self.spare_after:
            try:
                self.spare = children.fork_spare(self)
            except OSError:
                self.spare_after = now + _SPARE_PAUSE

    def _do_chore(self, busy: bool) -> None:
        now = time.monotonic()
        if busy or self.children or self.admission.waiting:
            self.last_busy = now
        elif self.chores and now - self.last_busy >= _QUIET:
            self.chores.pop(0)()
            gc.freeze()
            if self.spare is not None:  # it does not have what was made just now: let it go, another comes
                os.close(self.spare.orders)
                self.spare = None

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            self._bury(ended.si_pid, ended.si_status if ended.si_code != os.CLD_EXITED else 0)
            os.waitpid(ended.si_pid, 0)

    def _bury(self, pid: int, number: int) -> None:
        """Write down how a child ended, if it could not do so itself. It is still a zombie: `lives` is true of it."""
        if self.spare is not None and pid == self.spare.pid:
            os.close(self.spare.orders)
            self.spare, self.spare_after = None, time.monotonic() + _SPARE_PAUSE
        elif pid in self.stoppers:
            self._forget(self.stoppers.pop(pid))
        elif pid in self.children:
            job_id = self.children.pop(pid)
            folder = self.folders.get(job_id)
            if folder is not None and self._unreported(pid, job_id, folder):
                children.report_loss(folder, number)
                self.stoppers[children.fork_stopper(self, folder, 0.0)] = job_id
            self._forget(job_id)

    def _unreported(self, pid: int, job_id: str, folder: JobFolder) -> bool:
        """True of a runner of which nobody knows yet how it ended; false of one that found its job claimed."""
        started = folder.read("started") or {}
        return started.get("pid") == pid and folder.read("exit") is None and job_id not in self.stoppers.values()

    def _look_at_adopted(self) -> None:
        for job_id, folder in list(self.adopted.items()):
            started = folder.read("started")
            if folder.read("exit") is not None or started is None or not lives(started):
                del self.adopted[job_id]
                self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        self.admission.drop(job_id)
        if job_id not in self.stoppers.values():
            self.folders.pop(job_id, None)
        self._wake(job_id)

    def _wake(self, job_id: str) -> None:
        for connection in list(self.connections.values()):
            if job_id in connection.waits_for:
                connection.waits_for = frozenset()
                self._send(connection, {"ok": True})

    def _expire_waits(self) -> None:
        now = time.monotonic()
        for connection in list(self.connections.values()):
            if connection.waits_for and connection.waits_until <= now:
                connection.waits_for = frozenset()
                self._send(connection, {"ok": True})
