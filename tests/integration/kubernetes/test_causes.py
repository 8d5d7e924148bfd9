"""The true cause of a failure is in the message soon, long before the job is given up; nothing is left behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian.names import COMPONENT, LEADER
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState

from .bench import CLASS, Bench, provisioner
from .cluster import CannotStart
from .namespace import Namespace
from .test_faults import make, start, wanting


@pytest.fixture(scope="module")
def jobs(namespace: Namespace) -> Path:
    return namespace.volume("jobs")


@pytest.fixture
def empty(namespace: Namespace, jobs: Path) -> Iterator[None]:
    before = namespace.objects()
    yield
    try:
        make(namespace, jobs).until_gone(namespace, before)
    finally:  # a failure must not spoil the next test
        namespace.cluster.kubectl("delete", "jobs", "--all", "-n", namespace.name, "--wait=false")


WARNINGS = ("Failed", "FailedScheduling", "Evicted", "FailedCreate")


def soon(bench: Bench, run: RunRef, what: str, true: Callable[[RunReport], bool], namespace: Namespace) -> RunReport:
    """Wait for a report; prints how long it took, and how long the cluster has known it (to the second)."""
    began, now = time.monotonic(), time.time()
    report = bench.until(run, lambda report: report.ended or true(report))
    took, events = time.monotonic() - began, namespace.cluster.items("events", namespace.name)
    known = [knows_since(row) for row in events if row.get("reason") in WARNINGS]
    first = min((since for since in known if since > now - 2), default=now + took)
    lag = f"{now + took - first:.0f} s"
    print(f"{what}: told after {took:.1f} s, {lag} after the cluster knew: {report.message[:200]}")
    assert true(report), report
    return report


def knows_since(event: Any) -> float:
    """The time of an event of the cluster, as seconds."""
    return datetime.fromisoformat(event.get("firstTimestamp") or event["eventTime"]).timestamp()


def dismissed(bench: Bench, run: RunRef) -> None:
    bench.engine.cancel(run)
    assert bench.end(run).state is RunState.CANCELLED
    bench.engine.forget(run)


CAUSES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "image of Calrissian": ({"image": "no/such:calrissian"}, wanting(), "no/such:calrissian"),
    "image of a step": ({}, wanting(DockerRequirement={"dockerPull": "no/such:image"}), "no/such:image"),
    "no node for Calrissian": ({"node_selector": {"disk": "golden"}}, wanting(), "Unschedulable"),
    "no node for a step": ({}, wanting(ResourceRequirement={"coresMin": 7}), "Insufficient cpu"),
    "claim that is not bound": (
        {"volumes": {"claim": "jobs", "storage_class": "nobody-serves", "size": "1MiB"}},
        wanting(),
        "unbound immediate PersistentVolumeClaims",
    ),
}


@pytest.mark.parametrize("what", CAUSES)
def test_the_cause_is_told_while_the_job_waits(namespace: Namespace, jobs: Path, empty: None, what: str) -> None:
    more, tool, words = CAUSES[what]
    bench = make(namespace, jobs, pod_grace=600, **more)
    run = bench.engine.submit(bench.plan(tool))
    soon(bench, run, what, lambda report: words in report.message, namespace)
    dismissed(bench, run)


@contextmanager
def quota(namespace: Namespace, **hard: str) -> Iterator[None]:
    namespace.quota("tight", hard)
    try:
        yield
    finally:
        namespace.cluster.kubectl("delete", "resourcequota", "tight", "-n", namespace.name, "--ignore-not-found")


def over_quota(report: RunReport) -> bool:
    return "exceeded quota: tight" in report.message


def test_a_step_waits_for_its_quota_and_says_so(namespace: Namespace, jobs: Path, empty: None) -> None:
    bench = make(namespace, jobs, pod_grace=600)
    with quota(namespace, pods="1"):
        run = bench.engine.submit(bench.plan(wanting("echo done >&2")))
        soon(bench, run, "quota of a step", over_quota, namespace)
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report}\n{bench.log(run)}"
    bench.engine.forget(run)


def test_the_pod_of_calrissian_waits_for_its_quota(namespace: Namespace, jobs: Path, empty: None) -> None:
    bench = make(namespace, jobs, pod_grace=600)
    with quota(namespace, pods="0"):
        run = bench.engine.submit(bench.plan(wanting()))
        told = soon(bench, run, "quota of Calrissian's pod", over_quota, namespace)
        assert told.state is RunState.QUEUED
    assert bench.end(run).state is RunState.SUCCEEDED
    bench.engine.forget(run)


@contextmanager
def small(folder: Path, size: str) -> Iterator[None]:
    """A file system of its own on a folder."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_volume_is_the_cause(namespace: Namespace, empty: None) -> None:
    folder = namespace.provide("tiny", "1Gi")
    with small(folder, "3m"):  # the volume of a job, as far as the pods see
        namespace.volume("tiny")
        bench = make(namespace, folder, pod_grace=600, volumes={"claim": "tiny"})
        tool = wanting("echo filling >&2; dd if=/dev/zero of=big bs=1M count=20")
        run = bench.engine.submit(bench.plan(tool))
        report = bench.end(run)
        print(f"full volume: {report.message}")
        assert report.state is RunState.FAILED and "No space left on device" in report.message, report
        bench.engine.forget(run)
        namespace.cluster.kubectl("delete", "pvc", "tiny", "-n", namespace.name, "--wait=true", "--timeout=280s")
        namespace.drop(["tiny"])


def evicted_steps() -> dict[str, Any]:
    return {"spec": {"containers": [{"resources": {"limits": {"ephemeral-storage": "1Mi"}}}]}}


def test_an_eviction_is_the_cause(namespace: Namespace, jobs: Path, empty: None) -> None:
    bench = make(namespace, jobs, pod_grace=600, steps=evicted_steps())
    tool = wanting("echo ready >&2; dd if=/dev/zero of=/tmp/big bs=1M count=30; sleep 300")
    run = start(bench, tool)
    report = soon(bench, run, "eviction", lambda report: report.ended, namespace)
    bench.engine.forget(run)
    assert report.state is RunState.FAILED and "Evicted" in report.message and "ephemeral" in report.message, report


def test_an_eviction_of_calrissians_pod_is_told(namespace: Namespace, jobs: Path, empty: None) -> None:
    leader = namespace.settings(volumes={"claim": "jobs"}).leader
    container = leader["spec"]["containers"][0]
    container["resources"] = {"limits": {"ephemeral-storage": "1Mi"}}
    bench = make(namespace, jobs, pod_grace=600, leader=leader)
    run = start(bench, wanting("echo ready >&2; sleep 300"))
    [pod] = [
        row["metadata"]["name"]
        for row in namespace.cluster.items("pods", namespace.name)
        if row["metadata"]["labels"].get(COMPONENT) == LEADER
    ]
    fill = ["dd", "if=/dev/zero", "of=/tmp/big", "bs=1M", "count=30"]
    with suppress(CannotStart):  # it may be evicted before the command has ended
        namespace.cluster.kubectl("exec", pod, "-n", namespace.name, "--", *fill)
    report = soon(bench, run, "eviction of Calrissian's pod", lambda report: report.ended, namespace)
    bench.engine.forget(run)
    assert report.state in (RunState.FAILED, RunState.LOST) and "Evicted" in report.message, report


def test_calrissian_that_runs_out_of_memory_is_told(namespace: Namespace, jobs: Path, empty: None) -> None:
    leader = namespace.settings(volumes={"claim": "jobs"}).leader
    leader["spec"]["containers"][0]["resources"] = {"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}}
    bench = make(namespace, jobs, pod_grace=600, leader=leader)
    run = bench.engine.submit(bench.plan(wanting()))
    report = soon(bench, run, "memory of Calrissian's pod", lambda report: report.ended, namespace)
    bench.engine.forget(run)
    assert report.state is not RunState.SUCCEEDED and "memory" in report.message, report


def test_dismissal_leaves_nothing(namespace: Namespace, jobs: Path, empty: None) -> None:
    bench = make(
        namespace, jobs, pod_grace=600, stop_grace=2, volumes={"claim": "jobs", "storage_class": CLASS, "size": "16MiB"}
    )
    before = namespace.objects()
    with provisioner(namespace):
        run = start(bench, wanting("echo ready >&2; trap '' TERM; sleep 300"))
        during = namespace.objects()
        bench.engine.cancel(run)
        began = time.monotonic()
        gone: dict[str, float] = {}
        while left := set(namespace.objects()) - set(before):
            for row in set(during) - set(before) - left:
                gone.setdefault(row.partition("-")[0], round(time.monotonic() - began, 1))
            assert time.monotonic() - began < 120, f"left: {left}"
            time.sleep(0.3)
        print(f"gone after: {gone}")
        assert bench.end(run).state is RunState.CANCELLED
        print(
            f"dismissal: {len(before)} objects before, {len(during)} while it ran, {len(namespace.objects())} after "
            f"{time.monotonic() - began:.1f} s (grace 2 s, of Calrissian's pod 7 s)"
        )
        bench.engine.forget(run)
