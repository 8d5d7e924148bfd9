"""How a process of the server ends: with its parent, and on a signal."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

PARENT = "OAPIP_PARENT"
"""Environment variable: the process id of the one that must stay alive."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """Get SIGTERM when the process named in OAPIP_PARENT ends, however it ends. Does nothing where none is named."""
    parent = int(os.environ.pop(PARENT, "0"))
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the call above
        os.kill(os.getpid(), signal.SIGTERM)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set. Call it in the main thread.

    The event is set by a thread of its own: a signal handler that sets it could wait for ever for the lock that the
    interrupted thread holds.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def wait_for_signal() -> None:
        while True:
            if {signal.SIGTERM, signal.SIGINT} & set(os.read(reader, 64)):
                stop.set()
                return

    threading.Thread(target=wait_for_signal, daemon=True, name="signals").start()
    return stop


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
