"""Jobs on Toil's WES server, against the bare client that a user of it has otherwise; requests for many queued jobs."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
import yaml

from pygeoapi_oapip.auth.passwords import Account, hash_password, write_account
from pygeoapi_oapip.reconciler import AHEAD
from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.wes.client import INTERVAL, BareClient
from tests.integration.wes.engine_bench import wes_settings
from tests.integration.wes.fault_proxy import FaultProxy
from tests.integration.wes.packages import shell
from tests.integration.wes.program import CannotStart
from tests.integration.wes.serving import server
from tests.integration.wes.toil import ToilServer, provide

from .figures import Figure

_ECHO = {**shell("echo hello", stdout="said.txt", outputs={"said": "stdout"}), "id": "hello"}
_PASSWORD = "a long password"
_CYCLE = 5.0
"""`poll_interval` while requests are counted."""


def on_toil(folder: Path, quick: bool) -> list[Figure]:
    """Both figures; one row that says why, where Toil is not there."""
    try:
        provide()
        toil = ToilServer()
    except CannotStart as reason:
        return [Figure("jobs on Toil's WES server", "not measured", str(reason).splitlines()[0])]
    door = FaultProxy(toil.port)
    try:
        return [_overhead(toil, folder, 2 if quick else 5), _requests(toil, door, folder, 200)]
    finally:
        door.close()
        toil.remove()


def _overhead(toil: ToilServer, folder: Path, times: int) -> Figure:
    """By turns, so that other programs disturb both alike."""
    bare, ours = [], []
    client = BareClient(toil.url, {"--batchSystem": "single_machine"})
    with server(folder / "wes", wes_settings(toil)) as live:
        live.deploy(yaml.safe_dump(_ECHO))
        _by_api(live)
        for _ in range(times):
            bare.append(_bare(client))
            ours.append(_by_api(live))
    added = statistics.median(ours) - statistics.median(bare)
    part = added / statistics.median(bare)
    return Figure(
        "a tool on Toil (Celery, single_machine): from request to result, median",
        f"{statistics.median(ours):.1f} s",
        f"bare WES client, polling each {INTERVAL} s: {statistics.median(bare):.1f} s",
        1 + part,
        "less than 1 s and 10 % more",
        added < 1 and part < 0.1,
    )


def _bare(client: BareClient) -> float:
    began = time.perf_counter()
    log = client.end(client.post(_ECHO, {}))
    assert Path(log["outputs"]["said"]["path"]).read_text() == "hello\n"
    return time.perf_counter() - began


def _by_api(live: LiveServer) -> float:
    began = time.perf_counter()
    job = live.submit("hello", {})
    assert live.ended(job, 120)["status"] == "successful"
    assert requests.get(f"{live.url}/jobs/{job}/results/said", timeout=30).text == "hello\n"
    return time.perf_counter() - began


def _requests(toil: ToilServer, door: FaultProxy, folder: Path, jobs: int) -> Figure:
    """Requests in a poll cycle while a tenth of the jobs, and then all, wait for a worker that has stopped."""
    assert toil.worker is not None
    toil.worker.stop()
    counts = []
    # a worker hands so many jobs of one user to the engine before they run there
    users = [f"user{number}" for number in range(math.ceil(jobs / AHEAD))]
    block = wes_settings(toil, url=door.origin, poll_interval=_CYCLE)
    with server(folder / "many", block, **_known(users, folder)) as live:
        queued = 0
        for wanted in (jobs // 10, jobs):
            while queued < wanted:
                live.submit("hello", {}, auth=(users[queued % len(users)], _PASSWORD))
                queued += 1
            _await_queued(toil, wanted)
            time.sleep(2 * _CYCLE)
            before = len(door.asked)
            time.sleep(6 * _CYCLE)
            counts.append((len(door.asked) - before) / 6)
    few, many = counts
    return Figure(
        f"requests to the WES server in a poll cycle ({_CYCLE:.0f} s), {jobs} queued jobs",
        f"{many:.1f}",
        f"{jobs // 10} queued jobs: {few:.1f}",
        many / few if few else None,
        "at most one more",
        many <= few + 1,
    )


def _known(users: Sequence[str], folder: Path) -> dict[str, Any]:
    """Settings of a server that knows these users and has the tool."""
    packages = folder / "packages"
    packages.mkdir()
    (packages / "hello.cwl").write_text(yaml.safe_dump(_ECHO))
    for user in users:
        write_account(folder / "passwords", Account(user, hash_password(_PASSWORD)))
    return {
        "packages": [str(packages)],
        "auth": {"type": "basic", "file": str(folder / "passwords")},
        "limits": {"jobs_per_worker": 1000},  # the last ones are kept for further users
    }


def _await_queued(toil: ToilServer, wanted: int) -> None:
    deadline = time.monotonic() + 300
    while list(toil.runs().values()).count("QUEUED") < wanted:
        assert time.monotonic() < deadline, f"{wanted} runs do not get into the queue"
        time.sleep(0.5)
