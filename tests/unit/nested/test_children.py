"""Jobs that wait for nested processes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, JobStatus, Phase
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import (
    Inline,
)
from pygeoapi_oapip.nested.children import Children, children_of
from pygeoapi_oapip.testing.fake_engine import Script
from pygeoapi_oapip.upkeep import Upkeep

from ..reconciling import PATIENCE
from .bench import Bench, child_of, literal, nested


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_a_literal_becomes_the_input(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(42)})
    done = bench.run({"n": nested(), "word": Inline("x")})
    assert done.phase is Phase.SUCCESSFUL
    assert bench.order(done) == {"n": 42, "word": "x"}


def test_the_nested_job_is_a_job_of_the_same_owner(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(42)})
    done = bench.run({"n": nested(inputs={"word": Inline("y")})})
    child = child_of(bench, done)
    assert (child.owner, child.process_id, child.phase) == ("eve", "child", Phase.SUCCESSFUL)
    assert bench.order(child) == {"word": "y"}
    assert child.finished is not None and done.finished is not None and child.finished <= done.finished


def test_processes_nest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(3), "other": literal(4)})
    done = bench.run({"n": nested(inputs={"n": nested(process_id="other")})})
    assert bench.order(done) == {"n": 3}
    assert bench.order(child_of(bench, done)) == {"n": 4}


@pytest.mark.parametrize("value", ["result-of-a-job:x", "result-of-a-job:00000000-0000-4000-8000-000000000000"])
def test_a_user_cannot_make_the_references_of_the_server(tmp_path: Path, value: str) -> None:
    bench = Bench(tmp_path, {"child": literal(1)})
    done = bench.run({"n": nested(), "any": Inline({"class": "File", "location": value})})
    assert done.phase is Phase.FAILED
    assert "cannot be read here" in done.message


def test_a_value_that_breaks_a_rule_of_the_input_fails_with_that_rule(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(101)})
    done = bench.run({"n": nested()})
    assert done.phase is Phase.FAILED
    assert done.message.startswith(
        "inputs.n: must be at most 100 (is 101); it comes from the nested process child, job "
    )
    assert not bench.engine.submits[done.id]


def test_while_it_waits_it_tells_for_what(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1, ends=600), "other": literal(2, ends=600)})
    job = bench.added({"n": nested(), "any": nested(process_id="other")})
    with bench.loop():
        deadline = time.monotonic() + PATIENCE
        while len(bench.now(job.id).steps) < 2 or bench.now(job.id).steps[1].state is not RunState.RUNNING:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        waiting = bench.now(job.id)
        first, second = children_of(job)
        assert waiting.status is JobStatus.ACCEPTED
        assert waiting.message == f"waiting for nested process child, job {first.job_id} and 1 more"
        assert [step.name for step in waiting.steps] == [f"inputs.n: {first}", f"inputs.any: {second}"]
        bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        assert bench.ended(job).phase is Phase.DISMISSED
        for child in (first, second):
            assert bench.ended(bench.now(child.job_id)).phase is Phase.DISMISSED
            assert bench.back_end.runs[child.job_id].cancelled


def test_many_jobs_that_wait_leave_room_for_what_they_wait_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1), "other": literal(2)})
    inner = {"n": nested(process_id="other")}
    jobs = [bench.added({"n": nested(inputs=inner), "any": nested()}) for _ in range(6)]
    with bench.loop():
        assert {bench.ended(job).phase for job in jobs} == {Phase.SUCCESSFUL}


def test_nested_processes_run_at_the_same_time(tmp_path: Path) -> None:
    script = literal(1, ends=600)
    bench = Bench(tmp_path, {"child": script})
    job = bench.added({"n": nested(), "any": nested()})
    with bench.loop():
        deadline = time.monotonic() + PATIENCE
        while len(bench.back_end.runs) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not any(bench.now(child.job_id).ended for child in children_of(job))
        script.ends = 0
        assert bench.ended(job).phase is Phase.SUCCESSFUL


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_a_failed_nested_process_fails_the_job_with_its_cause(tmp_path: Path) -> None:
    failing = Script(outcome=RunState.FAILED, message="exit code 3: no data")
    bench = Bench(tmp_path, {"child": failing, "other": literal(1, ends=600)})
    done = bench.run({"n": nested(), "any": nested(process_id="other")})
    child, other = children_of(done)
    assert done.message == f"inputs.n: the nested process child, job {child.job_id}, failed: exit code 3: no data"
    assert done.problem is not None
    assert done.problem["nested"]["cause"]["detail"] == "exit code 3: no data"  # type: ignore[index,call-overload]
    with bench.loop():
        assert bench.ended(bench.now(other.job_id)).phase is Phase.DISMISSED
    assert not bench.engine.submits[done.id]


def test_a_dismissed_nested_process_fails_the_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1, ends=600)})
    job = bench.added({"n": nested()})
    with bench.loop():
        deadline = time.monotonic() + PATIENCE
        while not bench.now(job.id).steps:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child = children_of(job)[0]
        bench.jobs.set_goal(child.job_id, Goal.DISMISS, EVERYTHING)
        assert bench.ended(job).message == f"inputs.n: the nested process child, job {child.job_id}, was dismissed"


def test_a_removed_nested_job_fails_the_job_and_is_not_run_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1), "other": literal(2, ends=600)})
    job = bench.added({"n": nested(), "any": nested(process_id="other")})
    with bench.loop():
        child = children_of(job)[0]
        deadline = time.monotonic() + PATIENCE
        while (
            bench.engine.submits[child.job_id] == 0 or not bench.now(child.job_id).ended or not bench.now(job.id).steps
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        bench.jobs.delete(child.job_id, EVERYTHING)
        assert "was removed before its result was read" in bench.ended(job).message
    assert bench.engine.submits[child.job_id] == 1


def test_a_nested_job_without_a_parent_does_not_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1)})
    job = bench.added({"n": nested()})
    bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
    with bench.loop():
        bench.ended(job)
        # a process that was stopped for a while makes its jobs after the dismissal
        Children(bench.jobs, bench.processes, bench.workspaces)._start(job, children_of(job))
        assert bench.ended(child_of(bench, job)).phase is Phase.DISMISSED
    assert not bench.back_end.runs


def test_a_synchronous_request_waits_for_nested_processes_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(7)})
    web = bench.restart()
    held = bench.jobs.add(
        replace(bench.job({"n": nested()}), lease_owner=web.leases.owner, lease_until=web.leases.until())
    )
    with bench.loop():
        done = web.drive(held, PATIENCE)
    assert (done.phase, bench.order(done)) == (Phase.SUCCESSFUL, {"n": 7})


def test_retention_leaves_what_a_job_still_has_to_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1), "other": literal(2, ends=600)})
    job = bench.added({"n": nested(), "any": nested(process_id="other")})
    upkeep = Upkeep(bench.jobs, bench.workspaces, None, 1e-6, lambda owner: False)  # type: ignore[arg-type]
    with bench.loop():
        child = children_of(job)[0]
        deadline = time.monotonic() + PATIENCE
        while bench.engine.submits[child.job_id] == 0 or not bench.now(child.job_id).ended:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert upkeep.expire() == 0
        bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        bench.ended(job)
        bench.ended(bench.now(children_of(job)[1].job_id))
    time.sleep(0.01)
    assert upkeep.expire() == 3
