"""Jobs from request to result, against the bare `cwltool` that a user has otherwise; start and memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from pygeoapi_oapip.testing.live_server import LiveServer

from .figures import Figure
from .filling import ECHO

CWLTOOL = Path(sys.executable).parent / "cwltool"


def median_seconds(action: Callable[[], object], times: int) -> float:
    """Median duration of `times` calls after three that do not count."""
    for _ in range(3):
        action()
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        spans.append(time.perf_counter() - start)
    return statistics.median(spans)


@contextmanager
def tool_file(folder: Path) -> Iterator[Path]:
    """The echo tool as a file for the bare command."""
    path = folder / "echo.cwl"
    path.write_bytes(ECHO)
    yield path


def bare_cwltool(tool: Path, folder: Path) -> None:
    """What a user without a server does."""
    subprocess.run(
        [str(CWLTOOL), "--quiet", "--outdir", str(folder), str(tool), "--message", "hello"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def sync_latency(server: LiveServer, folder: Path, times: int) -> Figure:
    """Sync execute over HTTP against the bare command."""
    session = requests.Session()
    url = f"{server.url}/processes/say/execution"

    def run() -> None:
        answer = session.post(url, json={"inputs": {"message": "hello"}}, headers={"Prefer": "wait=20"})
        assert answer.status_code == 200, answer.text

    ours = median_seconds(run, times)
    with tool_file(folder) as tool:
        bare = median_seconds(lambda: bare_cwltool(tool, folder), 3)
    text = "sync execute of an echo tool over HTTP, median"
    return Figure(
        text, f"{ours * 1000:.0f} ms", f"bare cwltool {bare:.2f} s", ours / bare, "at most 1/40", ours / bare <= 1 / 40
    )


def async_throughput(server: LiveServer, folder: Path, jobs: int, bare_jobs: int) -> Figure:
    """Jobs per second, submit to last success, against `xargs -P2 cwltool`."""
    session = requests.Session()

    def submit(number: int) -> str:
        body = {"inputs": {"message": f"hello {number}"}}
        answer = session.post(f"{server.url}/processes/say/execution", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(submit, range(jobs)))
    while session.get(f"{server.url}/jobs?status=accepted,running&limit=1").json()["jobs"]:
        time.sleep(0.1)
    ours = jobs / (time.perf_counter() - start)
    done = session.get(f"{server.url}/jobs?status=successful&limit=10000").json()["jobs"]
    assert set(ids) <= {job["jobID"] for job in done}
    with tool_file(folder) as tool:
        command = f"seq {bare_jobs} | xargs -P2 -I@ {CWLTOOL} --quiet --outdir {folder}/@ {tool} --message @"
        start = time.perf_counter()
        subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        bare = bare_jobs / (time.perf_counter() - start)
    text = f"{jobs} async echo jobs, submit to last success"
    ratio = ours / bare
    return Figure(
        text, f"{ours:.1f} jobs/s", f"xargs -P2 cwltool {bare:.2f} jobs/s", ratio, "at least 30 times", ratio >= 30
    )


def start_and_memory(folder: Path) -> list[Figure]:
    """Cold start to the first answer, and memory when idle."""
    server = LiveServer(folder / "idle")
    start = time.perf_counter()
    with server:
        requests.get(f"{server.url}/processes", timeout=30).raise_for_status()
        cold = time.perf_counter() - start
        server.ended(server.submit(server.deploy(ECHO), {"message": "warm"}))
        time.sleep(1)
        rows = [(command, *_memory(pid)) for pid, command in server.processes().items()]
    own, shared = sum(row[1] for row in rows) / 1e6, max(row[2] for row in rows) / 1e6
    text = f"memory when idle, {len(rows)} processes (sum of proportional set sizes)"
    return [
        Figure("cold start to the first answer", f"{cold:.1f} s", "", None, "", None),
        Figure(text, f"{own:.0f} MB", f"largest process {shared:.0f} MB resident", None, "", None),
    ]


def _memory(pid: int) -> tuple[int, int]:
    """Proportional and resident set size in bytes."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:] if ":" in line
    )
    return int(fields["Pss"].split()[0]) * 1024, int(fields["Rss"].split()[0]) * 1024
