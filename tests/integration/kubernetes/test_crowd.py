"""Many jobs at once, and two servers in one namespace: none is lost, doubled or stuck, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian.names import COMPONENT, JOB, LEADER
from pygeoapi_oapip.model.run import RunRef, RunState
from pygeoapi_oapip.model.value import FileOutput

from ..long import long
from .bench import Bench, shell
from .namespace import Namespace

LIMIT = 1500.0
LITTLE = {"spec": {"containers": [{"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]}}
SAY = shell(
    "echo $0 | tee /dev/stderr",
    arguments=["$(inputs.word)"],
    inputs={"word": "string"},
    stdout="said.txt",
    outputs={"said": "stdout"},
    requirements={"ResourceRequirement": {"coresMin": 0.01, "ramMin": 16}},
)


@pytest.fixture(scope="module")
def jobs(namespace: Namespace) -> Path:
    return namespace.volume("jobs")


def little(namespace: Namespace, jobs: Path, **more: Any) -> Bench:
    leader = namespace.settings(volumes={"claim": "jobs"}).leader
    leader["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "10m", "memory": "32Mi"}}
    settings = namespace.settings(volumes={"claim": "jobs"}, steps=LITTLE, leader=leader, max_running=8, **more)
    return Bench(settings, jobs)


@pytest.fixture
def empty(namespace: Namespace, jobs: Path) -> Iterator[list[str]]:
    """The namespace; it has the same objects afterwards."""
    before = namespace.objects()
    yield before
    began = time.monotonic()
    little(namespace, jobs).until_gone(namespace, before)
    print(f"{len(before)} objects before and after; the last one went {time.monotonic() - began:.1f} s after the jobs")


class Crowd:
    """Jobs that are started as there is room for them, each by one of two servers, and looked after by both."""

    def __init__(self, servers: list[Bench]) -> None:
        self.servers = servers
        self.waiting: list[Any] = []
        self.running: dict[str, tuple[str, RunRef]] = {}
        self.leaders: dict[str, set[str]] = {}
        self.ended: dict[str, RunState] = {}

    def add(self, number: int) -> None:
        for index in range(number):
            self.waiting.append(self.servers[0].plan(SAY, {"word": f"word-{index}"}))

    def run(self, namespace: Namespace) -> None:
        deadline = time.monotonic() + LIMIT
        turn = 0
        while self.waiting or self.running:
            assert time.monotonic() < deadline, f"{len(self.waiting)} wait, {self.running} run"
            turn += 1
            server = self.servers[turn % len(self.servers)]
            self._start(server)
            self._look(server)
            self._count(namespace)
            server.engine.wait([run for _, run in self.running.values()], 1.0)

    def _start(self, server: Bench) -> None:
        while self.waiting and len(self.running) < 8:
            plan = self.waiting.pop(0)
            for each in self.servers:  # the second one adopts what the first one made, as after a crash
                run = each.engine.submit(plan)
            self.running[run.job_id] = (str(plan.job_order["word"]), run)
        assert server.engine.traits.idempotent_submit

    def _look(self, server: Bench) -> None:
        reports = server.engine.poll([run for _, run in self.running.values()])
        for job_id, report in reports.items():
            if report.ended:
                word, run = self.running.pop(job_id)
                assert report.state is RunState.SUCCEEDED, f"{report}\n{server.log(run)}"
                said = server.engine.outputs(run)["said"]
                assert isinstance(said, FileOutput)
                assert (server.jobs / job_id / said.href).read_text().strip() == word
                assert server.log(run).count(f": {word}") == 1
                self.ended[job_id] = report.state
                for each in self.servers:
                    each.engine.forget(run)

    def _count(self, namespace: Namespace) -> None:
        for pod in namespace.cluster.items("pods", namespace.name):
            labels = pod["metadata"]["labels"]
            if labels.get(COMPONENT) == LEADER:
                self.leaders.setdefault(labels[JOB], set()).add(pod["metadata"]["name"])


@pytest.mark.parametrize("number", [10, pytest.param(50, marks=long)])
def test_many_jobs_of_two_servers_run_once_each(
    namespace: Namespace, jobs: Path, empty: list[str], number: int
) -> None:
    crowd = Crowd([little(namespace, jobs), little(namespace, jobs)])
    crowd.add(number)
    began = time.monotonic()
    crowd.run(namespace)
    print(f"{number} jobs, 8 at once: {time.monotonic() - began:.1f} s")
    assert len(crowd.ended) == number
    assert {len(pods) for pods in crowd.leaders.values()} <= {1}


def test_a_server_leaves_the_jobs_of_another_one_alone(namespace: Namespace, jobs: Path, empty: list[str]) -> None:
    one, other = little(namespace, jobs, instance="one"), little(namespace, jobs, instance="other")
    ready = shell("echo ready >&2; sleep 300")
    runs = [server.engine.submit(server.plan(ready)) for server in (one, other)]
    for server, run in zip((one, other), runs, strict=True):
        server.until(run, lambda report, server=server, run=run: report.ended or "ready" in server.log(run))  # type: ignore[misc]
    assert one.engine.reap(lambda job_id: True) == 1
    assert other.report(runs[1]).state is RunState.RUNNING
    assert one.end(runs[0]).state is RunState.LOST
    other.engine.cancel(runs[1])
    assert other.end(runs[1]).state is RunState.CANCELLED
    one.engine.forget(runs[0])
    other.engine.forget(runs[1])
