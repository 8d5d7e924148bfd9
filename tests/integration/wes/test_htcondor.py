"""On demand (OAPIP_HTCONDOR=FOLDER): a job of HTCondor, because making its Debian takes minutes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.model.run import RunState

from .conftest import started
from .engine_bench import EngineBench
from .htcondor import HTCondor
from .packages import Sample, shell
from .serving import until


@pytest.fixture
def condor() -> Iterator[HTCondor]:
    cache = os.environ.get("OAPIP_HTCONDOR")
    if not cache:
        pytest.skip("on demand only: set OAPIP_HTCONDOR to a folder for a Debian with HTCondor (1 GB)")
    pool = started("htcondor", lambda: HTCondor(Path(cache), Path(tempfile.mkdtemp(prefix="oapip-condor-"))))
    yield pool
    pool.remove()


@pytest.mark.slow
def test_a_job_runs_on_htcondor_and_a_dismissed_one_leaves_its_queue(condor: HTCondor, tmp_path: Path) -> None:
    block = {"type": "wes", "url": condor.url, "batch_system": "htcondor", "poll_interval": 1}
    bench = EngineBench(tmp_path / "jobs", {**block, "outputs": {str(condor.work): str(condor.work)}})
    plan = bench.plan(Sample(shell("echo hello", stdout="said.txt", outputs={"said": "stdout"})))
    run = bench.engine.submit(plan)
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}\n{condor.words()}"
    assert bench.results(plan, run)["said"]["text"] == "hello\n"

    long = bench.engine.submit(bench.plan(Sample(shell("sleep 300"))))
    until(condor.queue, "the job is in the queue of HTCondor")
    bench.engine.cancel(long)
    assert bench.end(long).state is RunState.CANCELLED
    until(lambda: not condor.queue(), "the queue is empty")
