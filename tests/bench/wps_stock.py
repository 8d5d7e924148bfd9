"""Stock PyWPS under gunicorn, with the settings of its documentation, for comparison."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

START_LIMIT = 60.0
SETTINGS = """[server]
url = {url}/wps
outputurl = {url}/outputs
outputpath = {home}/outputs
workdir = {home}/work
parallelprocesses = 2
maxprocesses = 30
[logging]
level = ERROR
file = {home}/pywps.log
database = sqlite:///{home}/log.sqlite
"""
"""The limits are PyWPS' own defaults; its default database is in memory, which two workers cannot share."""


@contextmanager
def stock_pywps(home: Path, processes: int) -> Iterator[str]:
    """The URL of a running service with `say`, `slow` and so many more processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    for name in ("outputs", "work"):
        (home / name).mkdir(parents=True)
    (home / "pywps.cfg").write_text(SETTINGS.format(url=url, home=home))
    environment = {**os.environ, "BENCH_PYWPS_HOME": str(home), "BENCH_PYWPS_PROCESSES": str(processes)}
    command = [sys.executable, "-m", "gunicorn", "pywps_service:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--pythonpath", str(Path(__file__).parent), "--worker-class", "gthread"]
    command += ["--workers", "2", "--threads", "8", "--keep-alive", "15"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"{url}/wps?service=WPS&request=GetCapabilities", server, home / "log")
            yield f"{url}/wps"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)
            # children for asynchronous requests that hang are left behind by it
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and server.poll() is None:
        try:
            if requests.get(url, timeout=START_LIMIT).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError(f"stock PyWPS did not start: {log.read_text()[-2000:]}")
