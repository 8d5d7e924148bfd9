"""`kill -9` of any process of the server, at random, under load: no job lost, none run twice, none stuck."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: witness
baseCommand: [sh, -c]
arguments:
  - 'echo $0 >> $1; sleep 0.$2; echo done $0'
  - $(inputs.token)
  - $(inputs.file)
  - $(inputs.tenths)
requirements: {InlineJavascriptRequirement: {}}
inputs: {token: string, file: string, tenths: int}
outputs: {said: stdout}
stdout: said.txt
"""

ROUNDS = int(os.environ.get("OAPIP_KILLS", "12"))
"""Number of kills; CI's integration run makes it 50."""


def victims(server: LiveServer) -> dict[int, str]:
    return {pid: command for pid, command in server.processes().items() if "sh -c" not in command}


def kind(command: str) -> str:
    for word in ("cli.web", "worker", "serve"):
        if word in command:
            return word
    return "engine"


def try_submit(server: LiveServer, token: str, witness: Path) -> str | None:
    body = {"inputs": {"token": token, "file": str(witness), "tenths": random.randint(1, 9)}}
    try:
        answer = requests.post(
            f"{server.url}/processes/witness/execution", json=body, headers={"Prefer": "respond-async"}, timeout=10
        )
    except requests.RequestException:
        return None
    return str(answer.json()["jobID"]) if answer.status_code == 201 else None


@pytest.mark.slow
def test_no_job_is_lost_or_run_twice(tmp_path: Path) -> None:
    random.seed(ROUNDS)
    witness = tmp_path / "witness"
    witness.touch()
    server = LiveServer(tmp_path / "server")
    server.start()
    server.deploy(PACKAGE)
    accepted: dict[str, str] = {}
    killed: Counter[str] = Counter()
    try:
        for number in range(ROUNDS):
            for part in range(4):
                token = f"t{number}-{part}"
                if job := try_submit(server, token, witness):
                    accepted[job] = token
            time.sleep(random.uniform(0.0, 0.6))
            if alive := victims(server):
                pid = random.choice(list(alive))
                killed[kind(alive[pid])] += 1
                os.kill(pid, signal.SIGKILL)
            if not server.running():
                server.start()
        time.sleep(1)
        if not server.running():
            server.start()
        check(server, accepted, witness)
    finally:
        server.stop()
    print(f"killed {dict(killed)}; {len(accepted)} jobs")


def check(server: LiveServer, accepted: dict[str, str], witness: Path) -> None:
    ends = {job: server.ended(job, timeout=120) for job in accepted}
    runs = Counter(witness.read_text().split())
    assert len(accepted) >= ROUNDS
    assert not [token for token, count in runs.items() if count > 1], "run twice"
    for job, token in accepted.items():
        status = ends[job]["status"]
        assert status in ("successful", "failed"), ends[job]
        if status == "successful":
            assert runs[token] == 1
            assert server.get(f"/jobs/{job}/results/said").text == f"done {token}\n"
        else:
            assert "signal 9" in ends[job]["message"] or "killed" in ends[job]["message"], ends[job]
