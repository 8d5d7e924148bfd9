from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.errors import BadRequest, InvalidInputs, Locked, NoSuchJob, NoSuchProcess
from pygeoapi_oapip.job_management import DefinitionRules, Definitions, definition_of
from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.identity import EVERYTHING, Principal
from pygeoapi_oapip.model.job import Goal, Job, JobStatus, Phase
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import Input, Process
from pygeoapi_oapip.nested.addresses import OwnAddresses
from pygeoapi_oapip.sealing import Sealing
from pygeoapi_oapip.store.base import JobQuery
from pygeoapi_oapip.store.memory import MemoryJobStore
from pygeoapi_oapip.upkeep import Upkeep
from pygeoapi_oapip.validate import validate

ALICE, MALLORY = Principal("alice"), Principal("mallory")


class Bench:
    """Definitions over a store in memory and two processes."""

    def __init__(self, folder: Path) -> None:
        self.jobs = MemoryJobStore()
        needed = Input("size", "Size", {"type": "integer", "maximum": 100})
        self.processes = {
            name: Process(name, "1", name, "", {"size": needed}, {}, None, revision=revision, engine="local")
            for name, revision in (("p", 1), ("q", 5))
        }
        own = OwnAddresses("https://server.test/api")
        self.definitions = Definitions(
            self.jobs,
            DefinitionRules(
                own,
                self.find,
                self.read,
                self.request,
                lambda process: process.engine,
                Policy(),
                Sealing(folder),
            ),
        )

    def find(self, principal: Principal, process_id: str) -> Process:
        if process_id not in self.processes:
            raise NoSuchProcess(process_id)
        return self.processes[process_id]

    def read(self, principal: Principal, process: Process, body: JSON) -> ExecutionRequest:
        return validate(body, process)

    def request(self, principal: Principal, process: Process, body: JSON) -> JSONObject:
        return validate(body, process).to_json()

    def create(self, **definition: Any) -> Job:
        return self.definitions.create(ALICE, {"process": "p", **definition})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "sealed")


@pytest.mark.parametrize(
    "reference",
    [
        "p",
        "https://server.test/api/processes/p",
        "https://server.test:443/api/processes/p/",
        "https://server.test/api/alice/ogc-api/processes/p",
        "https://server.test/api/processes/p/execution",
        "processes/p",
        "/api/processes/p",
    ],
)
def test_a_process_is_named_by_id_or_by_any_of_its_addresses(bench: Bench, reference: str) -> None:
    assert bench.definitions.process_id({"process": reference}) == "p"


@pytest.mark.parametrize(
    "reference",
    [
        None,
        "",
        7,
        [],
        "https://elsewhere.test/api/processes/p",
        "https://server.test/processes/p/x",
        "ftp://x/y",
        "a /b",
    ],
)
def test_any_other_process_is_refused(bench: Bench, reference: Any) -> None:
    with pytest.raises(BadRequest, match="^process: "):
        bench.definitions.process_id({"process": reference})


def test_a_created_job_keeps_its_definition_as_it_is(bench: Bench) -> None:
    definition: JSONObject = {"process": "p", "inputs": {"size": 3}, "x-own": {"any": [1]}}
    job = bench.definitions.create(ALICE, definition)
    assert (job.status, job.owner, job.process_id, job.process_revision) == (JobStatus.CREATED, "alice", "p", 1)
    assert definition_of(bench.jobs.get(job.id, EVERYTHING)) == definition


def test_values_are_checked_at_creation_and_missing_ones_at_the_start(bench: Bench) -> None:
    with pytest.raises(InvalidInputs, match="must be at most 100"):
        bench.create(inputs={"size": 101})
    job = bench.create()
    with pytest.raises(InvalidInputs, match=r"inputs\.size: is required"):
        bench.definitions.startable(ALICE, job.id)
    assert bench.jobs.get(job.id, EVERYTHING) == job


def test_a_start_uses_the_process_as_it_is_then(bench: Bench) -> None:
    job = bench.create(inputs={"size": 3})
    bench.processes["p"] = replace(bench.processes["p"], revision=2)
    started = bench.jobs.define(bench.definitions.startable(ALICE, job.id))
    assert (started.phase, started.process_revision) == (Phase.ACCEPTED, 2)
    assert set(ExecutionRequest.from_json(started.request).inputs) == {"size"}
    assert definition_of(started) == {"process": "p", "inputs": {"size": 3}}
    del bench.processes["p"]
    other = bench.definitions.create(ALICE, {"process": "q"})
    del bench.processes["q"]
    with pytest.raises(NoSuchProcess):
        bench.definitions.startable(ALICE, other.id)


def test_a_change_may_name_another_process(bench: Bench) -> None:
    job = bench.create(inputs={"size": 3}, response="raw")
    changed = bench.definitions.update(ALICE, job.id, {"process": "q", "response": None})
    assert (changed.process_id, changed.process_revision) == ("q", 5)
    assert definition_of(changed) == {"process": "q", "inputs": {"size": 3}}


@pytest.mark.parametrize("changes", [{"process": "unknown"}, {"process": None}, {"inputs": {"size": "x"}}])
def test_a_wrong_change_changes_nothing(bench: Bench, changes: JSONObject) -> None:
    job = bench.create(inputs={"size": 3})
    with pytest.raises((NoSuchProcess, BadRequest)):
        bench.definitions.update(ALICE, job.id, changes)
    assert bench.jobs.get(job.id, EVERYTHING) == job


def test_a_change_at_the_same_moment_is_not_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job = bench.create(inputs={"size": 3})
    define = bench.jobs.define
    others: list[JSONObject] = [{"response": "raw"}, {"x": 1}]

    def contended(changed: Job) -> Job:
        if others:
            present = bench.jobs.get(job.id, EVERYTHING)
            definition = {**definition_of(present), **others.pop()}
            define(replace(present, request={**present.request, "definition": definition}))
        return define(changed)

    monkeypatch.setattr(bench.jobs, "define", contended)
    changed = bench.definitions.update(ALICE, job.id, {"inputs": {"size": 4}})
    assert definition_of(changed) == {"process": "p", "inputs": {"size": 4}, "response": "raw", "x": 1}


def _start(bench: Bench, job: Job) -> None:
    bench.jobs.define(bench.definitions.startable(ALICE, job.id))


def _dismiss(bench: Bench, job: Job) -> None:
    bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)


@pytest.mark.parametrize(("act", "word"), [(_start, "accepted"), (_dismiss, "dismissed")])
def test_a_job_that_is_not_created_any_more_is_locked(
    bench: Bench, act: Callable[[Bench, Job], None], word: str
) -> None:
    job = bench.create(inputs={"size": 3})
    act(bench, job)
    with pytest.raises(Locked, match=word):
        bench.definitions.update(ALICE, job.id, {})
    with pytest.raises(Locked, match=word):
        bench.definitions.startable(ALICE, job.id)


def test_a_strangers_job_is_not_there(bench: Bench) -> None:
    job = bench.create(inputs={"size": 3})
    with pytest.raises(NoSuchJob):
        bench.definitions.update(MALLORY, job.id, {})
    with pytest.raises(NoSuchJob):
        bench.definitions.startable(MALLORY, job.id)


def test_created_jobs_that_nobody_starts_are_removed_in_time(bench: Bench) -> None:
    month = timedelta(days=30)
    now = datetime.now(UTC)
    fresh, long_ago = bench.create(), now - 2 * month
    blank = replace(Job.new("p", 1, "alice", "local", fresh.request), phase=Phase.CREATED, created=long_ago)
    old, touched = (bench.jobs.add(replace(blank, id=str(at), updated=at)) for at in (long_ago, now))
    upkeep = Upkeep(bench.jobs, None, None, month.total_seconds(), lambda owner: False)  # type: ignore[arg-type]
    assert upkeep.expire() == 1
    with pytest.raises(NoSuchJob):
        bench.jobs.get(old.id, EVERYTHING)
    assert (
        bench.jobs.get(touched.id, EVERYTHING).status
        is bench.jobs.get(fresh.id, EVERYTHING).status
        is JobStatus.CREATED
    )


def test_created_jobs_behind_a_page_of_touched_ones_are_removed_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pygeoapi_oapip.upkeep.BATCH", 2)
    now = datetime.now(UTC)
    for days in (*range(100, 106), 200, 201, 202):
        made = now - timedelta(days=days)
        job = Job.new("p", 1, "alice", "local", {})
        touched = now if days < 200 else made
        bench.jobs.add(replace(job, id=f"j{days}", phase=Phase.CREATED, created=made, updated=touched))
    upkeep = Upkeep(bench.jobs, None, None, timedelta(days=30).total_seconds(), lambda owner: False)  # type: ignore[arg-type]
    assert [upkeep.expire(), upkeep.expire(), upkeep.expire()] == [2, 1, 0]
    assert {job.id for job in bench.jobs.list(JobQuery(100), EVERYTHING).jobs} == {
        f"j{days}" for days in range(100, 106)
    }
