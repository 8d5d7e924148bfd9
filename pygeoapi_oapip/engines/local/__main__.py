"""`python -m pygeoapi_oapip.engines.local HOME SOCKET OPTIONS`: becomes the fork server of a home, detached."""

from __future__ import annotations

import fcntl
import gc
import json
import logging
import os
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

from . import children
from .processes import become_subreaper
from .server import ForkServer, log

_BUSY = 3
"""Exit code of a start while another server holds the lock."""


def main(home: str, address: str, options: str) -> int:
    """Become the server of `home`, unless there is one.

    Args:
        home: folder of lock and log.
        address: path of the socket.
        options: JSON object {idle: seconds}.

    Returns:
        0 in the process that was started, once the socket listens; the server itself goes on detached.
    """
    lock = os.open(Path(home, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _BUSY
    Path(address).unlink(missing_ok=True)
    os.umask(0o177)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    os.umask(0o022)
    listener.listen(128)
    if os.fork():
        return 0
    os.setsid()
    try:
        _serve(listener, lock, json.loads(options))
    finally:
        Path(address).unlink(missing_ok=True)
    return 0


def _serve(listener: socket.socket, lock: int, options: dict[str, Any]) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    become_subreaper()
    gc.disable()  # what is loaded now stays: looking for garbage in it costs a tenth of the start
    from . import runner  # heavy, and needed in the detached process only

    runner.warm()
    gc.enable()
    gc.freeze()
    chores = [partial(runner.warm, version) for version in runner.VERSIONS[1:]]
    server = ForkServer(listener, float(options["idle"]), chores)
    children.locks.append(lock)
    log.info("fork server %d is ready", os.getpid())
    server.serve()
    log.info("fork server %d ends", os.getpid())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
