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
    with WesServer(tmp_path / "wes") as wes:
        wes.tags = False
        runs = str(wes.folder / "runs")
        engine = {"type": "wes", "url": wes.url, "outputs": {runs: runs}}
        settings = {"engines": {"hpc": engine}, "default_engine": "hpc"}
        with LiveServer(tmp_path / "server", settings, workers=1) as server:
            jobs = jobs_of_a_dying_server(server, wes)
            ends = {job: server.ended(job) for job in jobs}
        assert [end["status"] for end in ends.values()] == ["successful"] * len(jobs), ends
        logs = [(server.home / "jobs" / job / "logs" / "wes.log").read_text() for job in jobs]
        assert any("found: the run" in log for log in logs), "no request was cut from its answer"
        assert {job: len(wes.of_job(job)) for job in jobs} == dict.fromkeys(jobs, 1)


def jobs_of_a_dying_server(server: LiveServer, wes: WesServer) -> list[str]:
    """Jobs whose server dies, and comes back, in each round."""
    chance = random.Random(5)
    headers = {"Content-Type": "application/cwl+json"}
    assert requests.post(f"{server.url}/processes", json=TOOL, headers=headers, timeout=60).status_code == 201
    jobs = []
    for number in range(ROUNDS):
        # no request for a run is answered, so that the server dies between the request and its save
        unanswered = Fault("POST", "runs", "late", seconds=3600, times=1000)
        wes.faults.append(unanswered)
        before = wes.count("POST", "runs")
        jobs += [server.submit("say", {"word": f"{number}-{index}"}) for index in range(JOBS)]
        wait_for_a_request(wes, before)
        time.sleep(chance.uniform(0.0, 0.9))
        server.kill_all()
        unanswered.times = 0
        server.start()
    return jobs


def wait_for_a_request(wes: WesServer, before: int) -> None:
    deadline = time.monotonic() + 60
    while wes.count("POST", "runs") == before:
        assert time.monotonic() < deadline, "nothing is sent"
        time.sleep(0.02)
