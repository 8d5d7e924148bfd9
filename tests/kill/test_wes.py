"""Every process of the server dies while it hands jobs to a WES server: none is lost there, and none runs twice."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.wes_server import Fault, WesServer

ROUNDS = 2
JOBS = 4
TOOL: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "id": "say",
    "baseCommand": ["sh", "-c", 'sleep 1; echo "$0"'],
    "inputs": {"word": {"type": "string", "inputBinding": {"position": 1}}},
    "outputs": {"said": "stdout"},
    "stdout": "said.txt",
}


@pytest.mark.slow
def test_a_job_is_one_run_however_often_the_server_dies_while_it_starts_it(tmp_path: Path) -> None:
    chance = random.Random(5)
    with WesServer(tmp_path / "wes") as wes:
        wes.tags = False
        # the answer to each request for a run comes late, so that the server dies between the request and its save
        wes.faults.append(Fault("POST", "runs", "late", seconds=1.0, times=1000))
        runs = str(wes.folder / "runs")
        engine = {"type": "wes", "url": wes.url, "outputs": {runs: runs}}
        server = LiveServer(tmp_path / "server", {"engines": {"hpc": engine}, "default_engine": "hpc"}, workers=1)
        server.start()
        headers = {"Content-Type": "application/cwl+json"}
        assert requests.post(f"{server.url}/processes", json=TOOL, headers=headers, timeout=60).status_code == 201
        jobs = []
        for number in range(ROUNDS):
            jobs += [server.submit("say", {"word": f"{number}-{index}"}) for index in range(JOBS)]
            wait_for_a_request(wes, before=wes.count("POST", "runs"))
            time.sleep(chance.uniform(0.0, 0.9))
            server.kill_all()
            server.start()
        with server:
            ends = {job: server.ended(job, 180.0) for job in jobs}
        assert [end["status"] for end in ends.values()] == ["successful"] * len(jobs), ends
        logs = [(server.home / "jobs" / job / "logs" / "wes.log").read_text() for job in jobs]
        assert any("found: the run" in log for log in logs), "no request was cut from its answer"
        assert {job: len(wes.of_job(job)) for job in jobs} == dict.fromkeys(jobs, 1)


def wait_for_a_request(wes: WesServer, before: int) -> None:
    deadline = time.monotonic() + 60
    while wes.count("POST", "runs") == before:
        assert time.monotonic() < deadline, "nothing is sent"
        time.sleep(0.02)
