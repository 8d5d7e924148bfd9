"""The engine over a cluster in memory, which runs nothing: what it asks of the cluster, and when."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.calrissian import engine as module
from pygeoapi_oapip.engines.calrissian import watching
from pygeoapi_oapip.engines.calrissian.client import Refused
from pygeoapi_oapip.engines.calrissian.engine import CalrissianEngine
from pygeoapi_oapip.engines.calrissian.names import COMPONENT, LEADER, labels
from pygeoapi_oapip.errors import EngineUnavailable, PlanRejected, RunLost
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import NO_PACKAGE, Package
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.model.value import Literal

from .conftest import settings

DOCUMENT: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "true",
    "inputs": {},
    "outputs": {"n": "int"},
}


class MemoryCluster:
    """Keeps objects by path. `faults` are raised, one each, by the next requests."""

    def __init__(self, _: Any) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.faults: list[Exception] = []
        self.asked: list[tuple[str, str]] = []

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        self._ask("get", path)
        if path.endswith(("/jobs", "/pods")):
            rows = [row for place, row in self.objects.items() if place.startswith(f"{path}/")]
            return {"items": rows, "metadata": {"resourceVersion": "1"}}
        if path not in self.objects:
            raise Refused(404, "not found")
        return self.objects[path]

    def create(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._ask("create", path)
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            raise Refused(409, "exists")
        meta = {**body["metadata"], "uid": "u", "creationTimestamp": "2026-11-22T14:00:00Z"}
        self.objects[place] = {**body, "metadata": meta}
        return self.objects[place]

    def delete(self, path: str, policy: str = "Background") -> bool:
        self._ask("delete", path)
        return self.objects.pop(path, None) is not None

    def watch(self, path: str, seconds: int, **query: str) -> Iterator[Mapping[str, Any]]:
        time.sleep(0.05)
        raise Refused(410, "a new list is needed")
        yield {}

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self, verb: str, path: str) -> None:
        self.asked.append((verb, path.rpartition("/")[2]))
        if self.faults and verb != "get":
            raise self.faults.pop(0)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., CalrissianEngine]]:
    monkeypatch.setattr(module, "Cluster", MemoryCluster)
    made: list[CalrissianEngine] = []

    def one(**more: Any) -> CalrissianEngine:
        made.append(CalrissianEngine("cluster", settings(**more), tmp_path))
        return made[-1]

    yield one
    for engine in made:
        engine.close()


@pytest.fixture
def engine(make: Callable[..., CalrissianEngine]) -> CalrissianEngine:
    return make()


def cluster_of(engine: CalrissianEngine) -> MemoryCluster:
    assert isinstance(engine.cluster, MemoryCluster)
    return engine.cluster


def plan_of(tmp_path: Path, name: str = "job-1", document: dict[str, Any] | None = None) -> Plan:
    workspace = tmp_path / name
    workspace.mkdir(exist_ok=True)
    return Plan(name, "p", Package(document or DOCUMENT, "", b"", ""), {}, workspace, "anonymous")


def tell(run: RunRef, name: str, document: dict[str, Any]) -> None:
    path = Path(str(run.state["workspace"])) / "run" / f"{name}.json"
    path.write_text(json.dumps(document), encoding="utf-8")


def until(engine: CalrissianEngine, run: RunRef, state: RunState) -> RunReport:
    deadline = time.monotonic() + 120
    while (report := engine.poll([run])[run.job_id]).state is not state:
        assert time.monotonic() < deadline, report
        time.sleep(0.05)
    return report


def test_a_second_submit_makes_nothing(engine: CalrissianEngine, tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert engine.submit(plan) == engine.submit(plan)
    assert [verb for verb, _ in cluster_of(engine).asked] == ["create"]


def test_a_submit_after_a_lost_answer_adopts_the_job(engine: CalrissianEngine, tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    run = engine.submit(plan)
    (plan.workspace / "run" / "submitted.json").unlink()
    assert engine.submit(plan) == run and len(cluster_of(engine).objects) == 1


def test_a_job_of_that_name_that_is_not_ours_is_left_alone(engine: CalrissianEngine, tmp_path: Path) -> None:
    place = "/apis/batch/v1/namespaces/default/jobs/oapip-job-1"
    cluster_of(engine).objects[place] = {"metadata": {"name": "oapip-job-1", "labels": {}}}
    with pytest.raises(EngineUnavailable, match="belongs to something else"):
        engine.submit(plan_of(tmp_path))


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_job_that_is_not_valid_is_refused(engine: CalrissianEngine, tmp_path: Path, status: int) -> None:
    cluster_of(engine).faults = [Refused(status, "spec is wrong")]
    with pytest.raises(PlanRejected, match="spec is wrong"):
        engine.submit(plan_of(tmp_path))


@pytest.mark.parametrize("fault", [Refused(403, "exceeded quota"), EngineUnavailable("away")])
def test_a_quota_and_an_outage_are_waited_for(engine: CalrissianEngine, tmp_path: Path, fault: Exception) -> None:
    cluster_of(engine).faults = [fault]
    plan = plan_of(tmp_path)
    with pytest.raises(EngineUnavailable):
        engine.submit(plan)
    assert engine.submit(plan).external_id == "oapip-job-1"


def test_no_more_jobs_than_the_settings_allow_run_at_once(
    make: Callable[..., CalrissianEngine], tmp_path: Path
) -> None:
    engine = make(max_running=1)
    first = engine.submit(plan_of(tmp_path))
    with pytest.raises(EngineUnavailable, match="one of 1 jobs"):
        engine.submit(plan_of(tmp_path, "job-2"))
    engine.forget(first)
    deadline = time.monotonic() + 120
    while True:
        try:
            engine.submit(plan_of(tmp_path, "job-2"))
        except EngineUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            break


def test_the_report_in_the_volume_ends_a_run_whatever_the_cluster_says(
    engine: CalrissianEngine, tmp_path: Path
) -> None:
    run = engine.submit(plan_of(tmp_path))
    cluster_of(engine).objects.clear()
    tell(run, "exit", {"exit_code": 0, "outputs": {"n": 3}})
    assert until(engine, run, RunState.SUCCEEDED).progress == 100
    assert engine.outputs(run) == {"n": Literal(3)}


def test_a_job_that_is_gone_without_a_report_is_lost_for_good(engine: CalrissianEngine, tmp_path: Path) -> None:
    run = engine.submit(plan_of(tmp_path))
    cluster_of(engine).objects.clear()
    report = until(engine, run, RunState.LOST)
    tell(run, "exit", {"exit_code": 0, "outputs": {"n": 3}})
    assert engine.poll([run]) == {run.job_id: report}


def condition(kind: str, age: float, reason: str = "") -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "lastTransitionTime": at}]}


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        (condition("Failed", 60, "BackoffLimitExceeded"), RunState.LOST, "left no report: BackoffLimitExceeded"),
        (condition("Complete", 60), RunState.LOST, "its report is not in the volume"),
        (condition("Failed", 0, "DeadlineExceeded"), RunState.FAILED, "exceeded the time limit of 5 seconds"),
    ],
)
def test_a_job_that_ended_without_a_report_is_given_up(
    make: Callable[..., CalrissianEngine], tmp_path: Path, status: dict[str, Any], state: RunState, message: str
) -> None:
    engine = make(deadline=5)
    run = engine.submit(plan_of(tmp_path))
    [job] = cluster_of(engine).objects.values()
    job["status"] = status
    assert message in until(engine, run, state).message


def test_a_report_may_come_some_seconds_after_the_end(engine: CalrissianEngine, tmp_path: Path) -> None:
    run = engine.submit(plan_of(tmp_path))
    [job] = cluster_of(engine).objects.values()
    job["status"] = condition("Complete", -3600)  # however long the next lines take
    assert not engine.poll([run])[run.job_id].ended
    tell(run, "exit", {"exit_code": 0, "outputs": {"n": 3}})
    until(engine, run, RunState.SUCCEEDED)


def test_a_cancelled_run_stays_cancelled(engine: CalrissianEngine, tmp_path: Path) -> None:
    run = engine.submit(plan_of(tmp_path))
    engine.cancel(run)
    tell(run, "exit", {"exit_code": 0, "outputs": {"n": 3}})
    until(engine, run, RunState.CANCELLED)
    assert cluster_of(engine).objects == {}


def test_a_dismissed_run_is_over_when_its_pod_is(engine: CalrissianEngine, tmp_path: Path) -> None:
    run = engine.submit(plan_of(tmp_path))
    pod = {"name": "leader", "labels": {**labels("job-1", "p", "oapip"), COMPONENT: LEADER}}
    path = "/api/v1/namespaces/default/pods"
    made = {"metadata": {**pod, "creationTimestamp": "2026-11-22T14:00:00Z"}, "status": {"phase": "Running"}}
    cluster_of(engine).objects[f"{path}/leader"] = made
    deadline = time.monotonic() + 120
    while not engine._follower.pods.rows("job-1", 5.0):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.cancel(run)
    assert not engine.poll([run])[run.job_id].ended
    del cluster_of(engine).objects[f"{path}/leader"]
    until(engine, run, RunState.CANCELLED)


def test_a_dismissed_run_whose_pod_never_ends_is_over_after_a_while(
    engine: CalrissianEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LEAVING", -3600.0)
    run = engine.submit(plan_of(tmp_path))
    meta = {"name": "leader", "labels": {**labels("job-1", "p", "oapip"), COMPONENT: LEADER}}
    cluster_of(engine).objects["/api/v1/namespaces/default/pods/leader"] = {"metadata": meta, "status": {}}
    engine.cancel(run)
    until(engine, run, RunState.CANCELLED)


def test_outputs_of_a_run_without_a_report_are_lost(engine: CalrissianEngine, tmp_path: Path) -> None:
    run = engine.submit(plan_of(tmp_path))
    with pytest.raises(RunLost):
        engine.outputs(run)


def test_files_are_not_looked_at_at_each_poll(
    engine: CalrissianEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 3600.0)
    run = engine.submit(plan_of(tmp_path))
    first = engine.poll([run])
    tell(run, "exit", {"exit_code": 0, "outputs": {"n": 3}})
    assert engine.poll([run]) == first


@pytest.mark.parametrize("wanted", [{"coresMin": 5}, {"ramMin": 9000}])
def test_what_is_too_large_is_refused_before_there_is_a_job(
    engine: CalrissianEngine, tmp_path: Path, wanted: dict[str, int]
) -> None:
    document = {**DOCUMENT, "requirements": {"ResourceRequirement": wanted}}
    with pytest.raises(PlanRejected, match="a job may have 4 cores and 8192 MiB here"):
        engine.check(plan_of(tmp_path, document=document))
    assert cluster_of(engine).asked == []


def test_a_process_with_a_larger_limit_is_not_refused(make: Callable[..., CalrissianEngine], tmp_path: Path) -> None:
    document = {**DOCUMENT, "requirements": {"ResourceRequirement": {"coresMin": 5}}}
    make(processes={"p": {"max_cores": 8}}).check(plan_of(tmp_path, document=document))


def test_only_packages_run_here(engine: CalrissianEngine, tmp_path: Path) -> None:
    with pytest.raises(PlanRejected, match="only CWL packages"):
        engine.check(Plan("", "p", NO_PACKAGE, {}, tmp_path, "anonymous"))


def test_the_constructor_has_no_effects(engine: CalrissianEngine, tmp_path: Path) -> None:
    assert cluster_of(engine).asked == [] and list(tmp_path.iterdir()) == []


def test_what_ended_jobs_have_left_is_removed_and_nothing_else(engine: CalrissianEngine, tmp_path: Path) -> None:
    for name in ("ended", "living", "of another server"):
        engine.submit(plan_of(tmp_path, name))
    assert engine.reap(lambda job_id: job_id == "ended") == 1
    left = {row["metadata"]["annotations"]["pygeoapi-oapip/job"] for row in cluster_of(engine).objects.values()}
    assert left == {"living", "of another server"}


def test_a_refusal_to_list_is_told(engine: CalrissianEngine, tmp_path: Path) -> None:
    engine.submit(plan_of(tmp_path))
    cluster_of(engine).faults = [Refused(403, "no delete")]
    with pytest.raises(EngineUnavailable, match="no delete"):
        engine.reap(lambda _: True)
