"""The tests that every engine passes.

Subclass EngineContract in a test module and give it the fixtures `engine`, `restarted` and `make_plan`:

    class TestMyEngine(EngineContract):
        @pytest.fixture
        def engine(self): ...
        @pytest.fixture
        def restarted(self, engine): ...      # another engine object over the same back end
        @pytest.fixture
        def make_plan(self): ...              # (job_id, behaviour) -> Plan

`behaviour` is one of BEHAVIOURS: `echo` says "hello" and ends well with the output `said`; `fail` ends with exit code
3 after saying "broken"; `long` says "hello" and goes on for a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from ..engines.base import Engine, Eventful
from ..model.execution import Plan
from ..model.json import JSON
from ..model.run import RunRef, RunReport, RunState

BEHAVIOURS = ("echo", "fail", "long")
PlanMaker = Callable[[str, str], Plan]

PATIENCE = 240.0
"""Seconds until a run that does not get there is a failure."""


def new_id() -> str:
    """A job id that no other test has."""
    return str(uuid4())


def report_of(engine: Engine, run: RunRef) -> RunReport | None:
    """What the engine says of one run; None where it does not know it."""
    return engine.poll([run]).get(run.job_id)


def until(engine: Engine, run: RunRef, wanted: Callable[[RunReport], bool], timeout: float = PATIENCE) -> RunReport:
    """Poll until a report fits. Fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        report = report_of(engine, run)
        if report is not None and wanted(report):
            return report
        time.sleep(0.01)
    pytest.fail(f"the run did not get there: {report_of(engine, run)}")


def end_of(engine: Engine, run: RunRef, timeout: float = PATIENCE) -> RunReport:
    """The final report of a run."""
    return until(engine, run, lambda report: report.ended, timeout)


def said(engine: Engine, run: RunRef) -> str:
    """The text of the log so far."""
    return "\n".join(line.text for line in engine.logs(run))


class EngineContract:
    """See the head of the module."""

    def test_a_run_succeeds_and_has_its_outputs(self, engine: Engine, make_plan: PlanMaker) -> None:
        """From submit to outputs."""
        run = engine.submit(make_plan(new_id(), "echo"))
        report = end_of(engine, run)
        assert report.state is RunState.SUCCEEDED, report.message
        assert report.progress == 100
        assert report.started is not None and report.finished is not None
        assert report.started <= report.finished
        assert "said" in engine.outputs(run)
        assert engine.outputs(run) == engine.outputs(run)

    def test_the_reference_survives_storage(self, engine: Engine, make_plan: PlanMaker) -> None:
        """A RunRef that went through JSON is as good as the first one."""
        run = engine.submit(make_plan(new_id(), "echo"))
        again = RunRef.from_json(run.to_json())
        assert again == run
        assert end_of(engine, again).state is RunState.SUCCEEDED

    def test_submit_is_idempotent(self, engine: Engine, make_plan: PlanMaker) -> None:
        """A second submit adopts the run, also after its end."""
        if not engine.traits.idempotent_submit:
            pytest.skip("the engine says that its submit is not idempotent")
        plan = make_plan(new_id(), "echo")
        first = engine.submit(plan)
        assert engine.submit(plan) == first
        before = end_of(engine, first)
        assert engine.submit(plan) == first
        assert end_of(engine, first) == before

    def test_an_unknown_run_is_missing_from_the_reports(self, engine: Engine, make_plan: PlanMaker) -> None:
        """It is how the reconciler learns of a lost run."""
        run = engine.submit(make_plan(new_id(), "echo"))
        end_of(engine, run)
        stranger = RunRef(run.engine, new_id(), new_id(), _elsewhere(run))
        assert set(engine.poll([run, stranger])) == {run.job_id}
        assert engine.poll([]) == {}

    def test_a_failing_tool_is_reported_with_its_cause(self, engine: Engine, make_plan: PlanMaker) -> None:
        """FAILED, and a message for people."""
        run = engine.submit(make_plan(new_id(), "fail"))
        report = end_of(engine, run)
        assert report.state is RunState.FAILED
        assert "3" in report.message and "broken" in report.message

    def test_a_running_run_can_be_cancelled_more_than_once(self, engine: Engine, make_plan: PlanMaker) -> None:
        """CANCELLED, soon, and it stays so."""
        run = engine.submit(make_plan(new_id(), "long"))
        until(engine, run, lambda report: report.state is RunState.RUNNING)
        engine.cancel(run)
        engine.cancel(run)
        assert end_of(engine, run).state is RunState.CANCELLED
        engine.cancel(run)
        assert end_of(engine, run).state is RunState.CANCELLED

    def test_cancel_of_an_ended_or_unknown_run_does_nothing(self, engine: Engine, make_plan: PlanMaker) -> None:
        """An end is final."""
        run = engine.submit(make_plan(new_id(), "echo"))
        before = end_of(engine, run)
        engine.cancel(run)
        engine.cancel(RunRef(run.engine, new_id(), new_id(), _elsewhere(run)))
        assert end_of(engine, run) == before

    def test_the_log_can_be_read_while_the_run_goes_on(self, engine: Engine, make_plan: PlanMaker) -> None:
        """And after its end, and after forget."""
        run = engine.submit(make_plan(new_id(), "long"))
        until(engine, run, lambda report: report.state is RunState.RUNNING)
        until(engine, run, lambda _: "hello" in said(engine, run))
        engine.cancel(run)
        end_of(engine, run)
        engine.forget(run)
        assert "hello" in said(engine, run)

    def test_forget_is_idempotent(self, engine: Engine, make_plan: PlanMaker) -> None:
        """Also for a run that the engine never knew."""
        run = engine.submit(make_plan(new_id(), "echo"))
        end_of(engine, run)
        engine.forget(run)
        engine.forget(run)
        engine.forget(RunRef(run.engine, new_id(), new_id(), _elsewhere(run)))

    def test_another_engine_object_adopts_the_runs(
        self, engine: Engine, restarted: Engine, make_plan: PlanMaker
    ) -> None:
        """A restart of the server in the middle of a run."""
        plan = make_plan(new_id(), "long")
        run = engine.submit(plan)
        until(engine, run, lambda report: report.state is RunState.RUNNING)
        assert restarted.submit(plan) == run
        report = report_of(restarted, run)
        assert report is not None and report.state is RunState.RUNNING
        restarted.cancel(run)
        assert end_of(restarted, run).state is RunState.CANCELLED

    def test_waiting_ends_with_the_run(self, engine: Engine, make_plan: PlanMaker) -> None:
        """For engines that tell of changes."""
        if not isinstance(engine, Eventful):
            pytest.skip("the engine has no events")
        run = engine.submit(make_plan(new_id(), "echo"))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            engine.wait([run], deadline - time.monotonic())
            report = report_of(engine, run)
            if report is not None and report.ended:
                return
        pytest.fail("no end was told")

    def test_waiting_has_a_limit(self, engine: Engine, make_plan: PlanMaker) -> None:
        """A run that goes on does not hold its waiter."""
        if not isinstance(engine, Eventful):
            pytest.skip("the engine has no events")
        run = engine.submit(make_plan(new_id(), "long"))
        until(engine, run, lambda _: "hello" in said(engine, run))
        began = time.monotonic()
        engine.wait([run], 0.2)
        assert time.monotonic() - began < 30
        engine.cancel(run)


def _elsewhere(run: RunRef) -> dict[str, JSON]:
    """The state of a run that never was: texts that hold the job's id hold another one."""
    other = new_id()
    return {
        key: value.replace(run.job_id, other) if isinstance(value, str) else value for key, value in run.state.items()
    }
