"""What the fork server forks: the runner of a job, and the process that stops one."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.run import RunState
from ...packages.resources import Resources
from . import processes
from .admission import Ticket
from .containers import remove_job_containers
from .record import JobFolder, now

if TYPE_CHECKING:
    from .server import ForkServer

locks: list[int] = []
"""File descriptors of the server's lock, which its children must not keep."""

_DISK_PAUSE = 1.0
"""Seconds until a runner gives up that cannot write that it has started."""
log = logging.getLogger("pygeoapi_oapip.engines.local")

_OOM_SCORE = b"500"
"""Jobs go first when memory runs out, not the server."""


@dataclass(frozen=True, slots=True)
class Spare:
    """A runner that was forked ahead: the cost of a fork and of its first page faults is paid before a job comes."""

    pid: int
    orders: int
    """Pipe to it: a ticket, or nothing, which ends it."""


def fork_spare(server: ForkServer) -> Spare:
    """Start a runner that waits for its job. Raises OSError where no process can be made."""
    orders, orders_out = os.pipe2(os.O_CLOEXEC)
    example = server.last_job
    try:
        pid = _fork(server, lambda: _await_job(orders, orders_out, server.news_out, example))
    except OSError:
        os.close(orders_out)
        raise
    finally:
        os.close(orders)
    return Spare(pid, orders_out)


def give_job(spare: Spare, ticket: Ticket) -> bool:
    """Let a spare run a job. False if the spare is gone."""
    order = {"job_id": ticket.job_id, "workspace": ticket.workspace, "wanted": asdict(ticket.wanted)}
    try:
        os.write(spare.orders, json.dumps(order).encode())
    except BrokenPipeError:
        return False
    finally:
        os.close(spare.orders)
    return True


def fork_job(server: ForkServer, ticket: Ticket) -> int:
    """Start the runner of a job. Returns its pid. Raises OSError where no process can be made."""
    news = server.news_out
    return _fork(server, lambda: _run_job(ticket, news))


def fork_stopper(server: ForkServer, folder: JobFolder, grace: float) -> int:
    """End what is left of a job, in a process of its own as it takes a while. Returns its pid."""
    return _fork(server, lambda: stop_run(folder, grace))


def stop_run(folder: JobFolder, grace: float) -> None:
    """End all processes and containers of a job, then report that it was cancelled (if nothing else was reported).

    Called by the stopper, or by the engine itself where there is no fork server.

    Args:
        folder: the job's.
        grace: seconds between SIGTERM and SIGKILL.
    """
    started = folder.read("started")
    processes.stop(started if started is not None and "pid" in started else None, folder.work.resolve(), grace)
    remove_job_containers(folder)
    folder.finish_if_possible(RunState.CANCELLED, "The job was dismissed.")


def report_loss(folder: JobFolder, number: int) -> None:
    """Report a runner that ended without a report.

    Args:
        folder: the job's.
        number: the signal that killed it, or 0.
    """
    if folder.cancelled:
        return
    if number == signal.SIGKILL:
        cause = f"was killed by signal {number} (SIGKILL): out of memory?"
    elif number:
        cause = f"was killed by signal {number} ({signal.Signals(number).name})"
    else:
        cause = "ended without a report: is the disk full?"
    folder.finish_if_possible(RunState.LOST, f"The job's process {cause}")


def _fork(server: ForkServer, body: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for lock in locks:
            os.close(lock)
        server.after_fork()
        body()
        status = 0
    except BaseException:  # noqa: BLE001  (nothing may return into the server's loop)
        traceback.print_exc()
    finally:
        logging.shutdown()
        os._exit(status)


def _await_job(orders: int, orders_out: int, news: int, example: JobFolder | None) -> None:
    from . import runner  # imported before the fork, in the server

    os.close(orders_out)
    runner.rehearse(example)
    with os.fdopen(orders, "rb") as stream:
        order = stream.read()
    if order:
        ticket = json.loads(order)
        _run_job(Ticket(**(ticket | {"wanted": Resources(**ticket["wanted"])})), news)


def _run_job(ticket: Ticket, news: int) -> None:
    from . import runner  # imported before the fork, in the server

    folder = JobFolder(Path(ticket.workspace))
    os.setsid()
    claim = processes.mark(os.getpid()) | {
        "time": now(),
        "cores": ticket.wanted.cores,
        "memory": ticket.wanted.memory,
        "owner": ticket.owner,
    }
    try:
        if not folder.create("started", claim):
            return
    except OSError as error:
        log.warning("a job cannot be started: %s", error.strerror)
        time.sleep(_DISK_PAUSE)  # or it would be sent again at once, and again
        return
    processes.become_subreaper()
    _limit()
    _redirect(folder)
    runner.run(folder, lambda: _tell(news, ticket.job_id))
    _tell(news, ticket.job_id)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o022)
    Path("/proc/self/oom_score_adj").write_bytes(_OOM_SCORE)


def _redirect(folder: JobFolder) -> None:
    """Standard output and error become the job's log: all that its tools say goes there."""
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for fd in (1, 2):
        os.dup2(log, fd)
    os.close(log)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(folder.work)
    sys.stderr.flush()


def _tell(news: int, job_id: str) -> None:
    try:
        os.write(news, f"{job_id}\n".encode())
    except (BrokenPipeError, BlockingIOError):  # the server is gone or busy: the folder has it all
        return
