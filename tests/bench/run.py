"""`make bench`: the figures of docs/benchmarks.md, each measured in this run against what a user has otherwise.

python tests/bench/run.py [--quick] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from sqlalchemy import insert

from pygeoapi_oapip.model.identity import ANONYMOUS_NAME
from pygeoapi_oapip.model.job import Job, Phase
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.fetch import refuse_all
from pygeoapi_oapip.store.rows import job_row
from pygeoapi_oapip.store.sql import Database, SqlProcessStore, upgrade
from pygeoapi_oapip.store.tables import jobs as jobs_table
from pygeoapi_oapip.testing.live_server import LiveServer

ECHO = b"""cwlVersion: v1.2
class: CommandLineTool
id: say
label: Echo
doc: Repeats a message.
baseCommand: echo
inputs:
  message: {type: string, inputBinding: {}}
  times: {type: int, default: 1}
outputs:
  said: {type: stdout}
"""
_BATCH = 5000


def open_database(home: Path) -> Database:
    """The SQLite database of a server in `home`, made where there is none."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(f"sqlite:///{home / 'oapip.db'}")
    upgrade(database)
    return database


def add_processes(database: Database, number: int) -> None:
    """Deploy `number` processes that differ in their id."""
    store = SqlProcessStore(database)
    process = read_deployment(ECHO, "application/cwl", workflow=None, fetch=refuse_all, max_bytes=10**6)
    for position in range(number):
        store.add(replace(process, id=f"echo-{position:04}"))


def add_jobs(database: Database, number: int) -> str:
    """Add `number` ended jobs, one a second, and give the id of one in the middle."""
    start = datetime.now(UTC) - timedelta(seconds=number + 10)
    middle = ""
    rows = []
    for position in range(number):
        job = Job.new("echo-0000", 1, ANONYMOUS_NAME, "local", {"inputs": {}, "outputs": None, "response": None})
        moment = start + timedelta(seconds=position)
        done = job.advance(Phase.SUCCESSFUL, moment, started=moment, outputs={}, progress=100)
        rows.append(job_row(replace(done, created=moment, version=1)))
        if position == number // 2:
            middle = job.id
        if len(rows) == _BATCH or position == number - 1:
            with database.write() as connection:
                connection.execute(insert(jobs_table), rows)
            rows = []
    return middle


SETTLE = 10
"""Seconds after the start in which the server loads what later requests need; the cold start is a row of its own."""
CWLTOOL = Path(sys.executable).parent / "cwltool"


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    ours: str
    other: str
    ratio: float | None
    target: str
    held: bool | None


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


def scaling(folder: Path, processes: int, jobs: int, times: int) -> list[Figure]:
    """Lists and status with few rows and with many."""
    few, middle_few = _filled(folder / "few", 10, 10)
    many, middle_many = _filled(folder / "many", processes, jobs)
    figures = []
    with few, many:
        for what, path in (
            (f"GET /processes with {processes} deployed", "/processes"),
            (f"GET /jobs?limit=10 with {jobs} jobs", "/jobs?limit=10"),
            (f"GET /jobs/{{id}} with {jobs} jobs", "/jobs/"),
        ):
            small, large = _pairwise(few, many, path, (middle_few, middle_many), times)
            ratio = large / small
            ours, other = f"{large * 1000:.2f} ms", f"with 10: {small * 1000:.2f} ms"
            figures.append(Figure(what, ours, other, ratio, "at most 1.5 times", ratio <= 1.5))
    return figures


def _filled(home: Path, processes: int, jobs: int) -> tuple[LiveServer, str]:
    database = open_database(home)
    add_processes(database, processes)
    middle = add_jobs(database, jobs)
    database.close()
    return LiveServer(home, {"retention": {"jobs": 0}}), middle


def _pairwise(few: LiveServer, many: LiveServer, path: str, ids: tuple[str, str], times: int) -> tuple[float, float]:
    """Both servers in turn, so that a change of the machine's speed meets both."""
    session = requests.Session()
    spans: tuple[list[float], list[float]] = ([], [])
    for turn in range(times + 10):
        for server, job_id, own in zip((few, many), ids, spans, strict=True):
            url = server.url + (path + job_id if path.endswith("/jobs/") else path)
            start = time.perf_counter()
            answer = session.get(url)
            span = time.perf_counter() - start
            assert answer.status_code == 200, answer.text
            if turn >= 10:
                own.append(span)
    return statistics.median(spans[0]), statistics.median(spans[1])


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


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| what | this server | against | ratio | target | held |", "|---|---|---|---|---|---|"]
    for figure in figures:
        ratio = "" if figure.ratio is None else _ratio(figure.ratio)
        held = {True: "yes", False: "**no**", None: ""}[figure.held]
        lines.append(f"| {figure.what} | {figure.ours} | {figure.other} | {ratio} | {figure.target} | {held} |")
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"1/{1 / value:.0f}" if value < 0.2 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def measure(quick: bool) -> list[Figure]:
    """All figures; `quick` takes fewer rows and runs."""
    with tempfile.TemporaryDirectory(prefix="oapip-bench-") as name:
        folder = Path(name)
        figures = start_and_memory(folder)
        with LiveServer(folder / "main") as server:
            server.deploy(ECHO)
            time.sleep(SETTLE)
            figures.append(sync_latency(server, folder, 10 if quick else 40))
            figures.append(async_throughput(server, folder, 100 if quick else 500, 4 if quick else 10))
        figures += scaling(folder, 200 if quick else 1000, 5000 if quick else 100_000, 50 if quick else 300)
    return figures


def main() -> int:
    """Measure, print, write; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and runs")
    parser.add_argument("--write", type=Path, help="Markdown file to write the table to")
    options = parser.parse_args()
    figures = measure(options.quick)
    text = table(figures)
    print(text)
    if options.write:
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
        intro = (
            "# Benchmarks\n\nMade by `make bench`. Each row is measured in one run against what a user has otherwise; "
            f"the ratio counts, the absolute times belong to the machine ({machine}).\n\n"
        )
        options.write.write_text(intro + text + "\n")
    return 0 if all(figure.held is not False for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
