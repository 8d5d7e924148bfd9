"""Connections to the fork server."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from pygeoapi_oapip.model.run import RunState

from .conftest import Bench, shell


def sockets() -> set[str]:
    """Those that this process has open."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(os.readlink(path))
    return {name for name in found if name.startswith("socket:")}


def test_closing_meets_the_connections_that_are_in_use(own_bench: Bench) -> None:
    before = sockets()
    run = own_bench.submit(shell("sleep 3600"))
    own_bench.running(run)
    own_bench.engine.close()
    asking = threading.Thread(target=own_bench.engine.wait, args=([run], 3.0))
    asking.start()
    deadline = time.monotonic() + 120
    while not sockets() - before:
        assert time.monotonic() < deadline
    own_bench.engine.close()
    asking.join()
    assert sockets() <= before
    own_bench.engine.cancel(run)
    assert own_bench.end(run).state is RunState.CANCELLED
