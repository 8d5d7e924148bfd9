"""`oapip serve` in front of Toil in front of a real Slurm: jobs are seen in its queue, and gone from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import Witness

from .engine_bench import wes_settings
from .packages import shell, step, workflow
from .serving import deploy, deploy_witness, ended, log, server, successes, until
from .slurm import Slurm
from .toil import ToilServer

_STEPS = workflow(
    {
        "prepare": step(shell("echo ready", stdout="ready.txt", outputs={"ready": "stdout"}), ["ready"]),
        "break": step(
            shell("echo so it goes >&2; echo sorry >&2; exit 3", inputs={"file": "File"}), [], file="prepare/ready"
        ),
    },
    {},
)


@pytest.fixture(scope="module")
def live(toil: ToilServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    block = wes_settings(toil, batch_system="slurm")
    with server(tmp_path_factory.mktemp("slurm"), block) as live:
        deploy_witness(live)
        yield live


def test_a_job_is_in_the_queue_then_done_with_its_results(live: LiveServer, slurm: Slurm, witness: Witness) -> None:
    before = set(slurm.history())
    job = witness.submit(live, "one", 4)
    queued = until(lambda: set(slurm.queue()) - before, "the job is in the queue of Slurm")
    assert len(queued) == 1 and "toil_job" in slurm.history()[queued.pop()]
    until(lambda: "one" in witness.runs(), "the tool runs")
    running = live.get(f"/jobs/{job}").json()
    assert running["status"] == "running", running
    assert "sbatch" in log(live, job).lower() or "toil" in log(live, job).lower()
    successes(live, {job: "one"}, witness)
    assert live.get(f"/jobs/{job}/results/said").text == "done one\n"
    assert len(set(slurm.history()) - before) == 1


def test_a_dismissed_job_leaves_the_queue(live: LiveServer, slurm: Slurm, witness: Witness) -> None:
    before = set(slurm.history())
    job = witness.submit(live, "gone", 120)
    until(lambda: "gone" in witness.runs(), "the tool runs")
    assert set(slurm.queue()) - before
    assert live.dismiss(job).json()["status"] == "dismissed"
    until(lambda: not set(slurm.queue()) - before, "the queue is empty")
    until(lambda: not witness.processes(), "the tool has ended")
    assert ended(live, job)["status"] == "dismissed"


def test_a_step_that_fails_is_named_with_its_code_and_last_words(live: LiveServer) -> None:
    deploy(live, _STEPS, "two-steps")
    end = ended(live, live.submit("two-steps", {}))
    assert end["status"] == "failed"
    for part in ("break", "3", "sorry"):
        assert part in end["message"], end["message"]
    assert "EXECUTOR_ERROR" not in end["message"]


def test_a_job_waits_for_a_node_that_is_drained(live: LiveServer, slurm: Slurm, witness: Witness) -> None:
    before = set(slurm.history())
    slurm.drain()
    try:
        job = witness.submit(live, "patient")
        waiting = until(lambda: set(slurm.queue()) - before, "the job is in the queue of Slurm").pop()
        assert "PENDING" in slurm.queue()[waiting]
        assert live.get(f"/jobs/{job}").json()["status"] in ("accepted", "running")
        assert not witness.runs()
    finally:
        slurm.resume()
    successes(live, {job: "patient"}, witness)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness")
