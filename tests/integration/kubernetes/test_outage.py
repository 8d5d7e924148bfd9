"""The API server and etcd go away and come back: no job is lost, doubled or stuck."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pygeoapi_oapip.errors import EngineUnavailable
from pygeoapi_oapip.model.run import RunState

from ..long import long
from .bench import Bench, shell
from .cluster import TestCluster
from .namespace import Namespace

SLOW = shell("echo ready >&2; sleep 20; echo done >&2; echo x", stdout="out.txt", outputs={"out": "stdout"})


@pytest.fixture(scope="module")
def bench(namespace: Namespace) -> Bench:
    return Bench(namespace.settings(volumes={"claim": "jobs"}), namespace.volume("jobs"))


@contextmanager
def away(cluster: TestCluster, program: str) -> Iterator[None]:
    """Kill a program of the cluster, and start it again at the end."""
    again = cluster.kill(program)
    try:
        yield
    finally:
        again()


OUTAGES = [("kube-apiserver", 10.0), pytest.param("kube-apiserver", 60.0, marks=long), ("etcd", 5.0)]


@pytest.mark.parametrize(("program", "seconds"), OUTAGES)
def test_a_running_job_outlives_an_outage(
    bench: Bench, namespace: Namespace, cluster: TestCluster, program: str, seconds: float
) -> None:
    before = namespace.objects()
    run = bench.engine.submit(bench.plan(SLOW))
    bench.until(run, lambda report: "ready" in bench.log(run))
    with away(cluster, program):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert bench.report(run).state in (RunState.RUNNING, RunState.SUCCEEDED)
            time.sleep(1.0)
    report = bench.end(run, 180)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    said = [line.text for line in bench.engine.logs(run) if line.source]
    assert said == ["ready", "done"]
    bench.engine.forget(run)
    bench.until_gone(namespace, before)


@long
def test_a_running_job_outlives_a_kubelet_that_is_stopped(
    bench: Bench, namespace: Namespace, cluster: TestCluster
) -> None:
    before = namespace.objects()
    run = bench.engine.submit(bench.plan(SLOW))
    bench.until(run, lambda report: "ready" in bench.log(run))
    with away(cluster, "kubelet"):
        until = time.monotonic() + 30.0
        while time.monotonic() < until:
            assert bench.report(run).state is RunState.RUNNING
            time.sleep(1.0)
    began = time.monotonic()
    report = bench.end(run, 300)
    print(f"kubelet away for 30 s: the job ended {time.monotonic() - began:.1f} s after it was back")
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    assert [line.text for line in bench.engine.logs(run) if line.source] == ["ready", "done"]
    bench.engine.forget(run)
    bench.until_gone(namespace, before, 180)


def test_a_job_that_is_submitted_meanwhile_waits(bench: Bench, cluster: TestCluster) -> None:
    plan = bench.plan(shell("true"))
    with away(cluster, "kube-apiserver"), pytest.raises(EngineUnavailable, match="the cluster cannot be reached"):
        bench.engine.submit(plan)
    cluster.until_ready()
    run = bench.engine.submit(plan)
    assert bench.end(run, 180).state is RunState.SUCCEEDED
    bench.engine.forget(run)
