"""What the contract suite does not ask of an engine whose runs follow from the clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pygeoapi_oapip.engines.builtin.echo import Echo
from pygeoapi_oapip.engines.builtin.engine import BuiltinEngine
from pygeoapi_oapip.errors import EngineUnavailable, InvalidInputs, PlanRejected, RunLost
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.json import JSON, JSONObject
from pygeoapi_oapip.model.process import NO_PACKAGE
from pygeoapi_oapip.model.run import RunReport, RunState
from pygeoapi_oapip.model.value import Inline, Literal
from pygeoapi_oapip.packages.plainorder import unstaged_job_order

START = datetime(2024, 6, 21, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> BuiltinEngine:
    return BuiltinEngine("builtin", {"echo": Echo()}, clock)


def order(**values: JSON) -> JSONObject:
    return unstaged_job_order({name: Inline(value) for name, value in values.items()})


def plan(workspace: Path, **values: JSON) -> Plan:
    return Plan("job", "echo", NO_PACKAGE, order(**values), workspace, "anonymous")


def only(reports: Mapping[str, RunReport]) -> RunReport:
    assert list(reports) == ["job"]
    return reports["job"]


def test_progress_grows_with_the_pause_and_the_end_is_its_end(
    engine: BuiltinEngine, clock: Clock, tmp_path: Path
) -> None:
    run = engine.submit(plan(tmp_path, message="hello", pause=10))
    seen = []
    for _ in range(4):
        seen.append(only(engine.poll([run])))
        clock.forward(3)
    assert [report.progress for report in seen] == [0, 30, 60, 90]
    assert {report.state for report in seen} == {RunState.RUNNING}
    clock.forward(1000)
    end = only(engine.poll([run]))
    assert (end.state, end.progress) == (RunState.SUCCEEDED, 100)
    assert (end.started, end.finished) == (START, START + timedelta(seconds=10))
    assert end.usage == {"wall_seconds": 10.0}


def test_without_a_pause_a_run_has_ended_when_it_begins(engine: BuiltinEngine, tmp_path: Path) -> None:
    run = engine.submit(plan(tmp_path, message="hello"))
    assert only(engine.poll([run])).state is RunState.SUCCEEDED
    assert engine.outputs(run) == {"message": Literal("hello")}


def test_failure_is_told_at_the_end_of_the_pause(engine: BuiltinEngine, clock: Clock, tmp_path: Path) -> None:
    run = engine.submit(plan(tmp_path, message="hello", pause=5, fail=True))
    assert only(engine.poll([run])).state is RunState.RUNNING
    clock.forward(5)
    report = only(engine.poll([run]))
    assert report.state is RunState.FAILED and "`fail`" in report.message
    assert engine.outputs(run) == {}
    assert "`fail`" in [line.text for line in engine.logs(run)][-1]


def test_cancelled_run_keeps_the_moment_and_the_progress(engine: BuiltinEngine, clock: Clock, tmp_path: Path) -> None:
    run = engine.submit(plan(tmp_path, message="hello", pause=10))
    clock.forward(4)
    engine.cancel(run)
    clock.forward(60)
    report = only(engine.poll([run]))
    assert (report.state, report.progress) == (RunState.CANCELLED, 40)
    assert report.finished == START + timedelta(seconds=4)


def test_another_engine_object_knows_a_run_after_a_crash(clock: Clock, tmp_path: Path) -> None:
    first, second = (BuiltinEngine("builtin", {"echo": Echo()}, clock) for _ in range(2))
    run = first.submit(plan(tmp_path, message="hello", pause=10))
    clock.forward(5)
    assert second.submit(plan(tmp_path, message="hello", pause=10)) == run
    assert only(second.poll([run])).progress == 50


def test_wait_ends_with_the_pause_and_not_before(tmp_path: Path) -> None:
    engine = BuiltinEngine("builtin", {"echo": Echo()})
    run = engine.submit(plan(tmp_path, message="hello", pause=0.3))
    began = time.monotonic()
    engine.wait([run], 300)
    assert time.monotonic() - began < 200
    assert only(engine.poll([run])).state is RunState.SUCCEEDED


def test_truncated_state_counts_as_a_lost_run(engine: BuiltinEngine, tmp_path: Path) -> None:
    run = engine.submit(plan(tmp_path, message="hello"))
    (tmp_path / "run.json").write_text('{"process": "ec')
    (tmp_path / "outputs.json").write_text("")
    assert engine.poll([run]) == {}
    assert list(engine.logs(run)) == []
    with pytest.raises(RunLost):
        engine.outputs(run)


def test_unwritable_folder_is_a_temporary_fault(engine: BuiltinEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as fault:
        engine.submit(plan(tmp_path / "gone", message="hello"))
    assert str(tmp_path) not in fault.value.detail


def test_unknown_process_is_refused(engine: BuiltinEngine, tmp_path: Path) -> None:
    for call in (engine.check, engine.submit):
        with pytest.raises(PlanRejected, match="no built-in process other"):
            call(replace(plan(tmp_path, message="x"), process_id="other"))


@pytest.mark.parametrize("values", [{}, {"pause": 1}, {"fail": True, "pause": 2}])
def test_order_with_nothing_to_echo_is_refused(engine: BuiltinEngine, tmp_path: Path, values: dict[str, JSON]) -> None:
    with pytest.raises(InvalidInputs, match="nothing to echo; give at least one of message"):
        engine.check(plan(tmp_path, **values))
