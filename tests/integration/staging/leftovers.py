"""What a job that has failed may not leave."""

from __future__ import annotations

import time

from pygeoapi_oapip.testing.live_server import LiveServer


def nothing_left(server: LiveServer, job: str) -> bool:
    """True as soon as no input of a job is there any more; that is some moments after its end."""
    deadline = time.monotonic() + 60
    while (found := [path for path in server.home.glob(f"jobs/{job}/inputs/*")]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not found
