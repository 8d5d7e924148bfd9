"""A built-in process outlives every process of the server: its state is in the job's folder."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from pygeoapi_oapip.testing.live_server import LiveServer

PAUSE = 8


def until_running(server: LiveServer, job: str) -> None:
    deadline = time.monotonic() + 120
    while server.get(f"/jobs/{job}").json()["status"] == "accepted":
        assert time.monotonic() < deadline, "the job does not start"
        time.sleep(0.1)


def test_pause_goes_on_while_nothing_of_the_server_lives(tmp_path: Path) -> None:
    server = LiveServer(tmp_path, workers=1)
    server.start()
    job = server.submit("echo", {"message": "hello", "pause": PAUSE, "text": "words"})
    held = server.submit("echo", {"message": "hello", "pause": 3600})
    until_running(server, job)
    server.kill_all()
    with server:
        status = server.ended(job)
        assert status["status"] == "successful", status
        started, finished = (datetime.fromisoformat(status[key]) for key in ("started", "finished"))
        assert (finished - started).total_seconds() >= PAUSE
        results = server.get(f"/jobs/{job}/results").json()
        assert results["message"] == "hello"
        assert server.get(results["text"]["href"].partition("/jobs/")[2].join(("/jobs/", ""))).text == "words"
        until_running(server, held)
        assert server.get(f"/jobs/{held}").json()["status"] == "running"
        server.dismiss(held)
        assert server.ended(held)["status"] == "dismissed"
