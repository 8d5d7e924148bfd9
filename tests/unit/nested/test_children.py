"""Jobs that wait for nested processes, on the real reconciler with everything else in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, Job, JobStatus, Phase
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import Input, Package, Process
from pygeoapi_oapip.model.run import RunRef, RunState
from pygeoapi_oapip.model.value import (
    DirectoryOutput,
    FileOutput,
    Inline,
    InputValue,
    ListOutput,
    Literal,
    Many,
    Nested,
    OutputValue,
    RecordOutput,
)
from pygeoapi_oapip.nested.children import Children, children_of
from pygeoapi_oapip.phases import ORDER_FILE, Parts
from pygeoapi_oapip.reconciler import Reconciler
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.testing.fake_engine import FakeBackEnd, FakeEngine, Script
from pygeoapi_oapip.upkeep import Upkeep

PATIENCE = 30.0
TAKES: Mapping[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "true",
    "inputs": {"n": "int?", "word": "string?", "f": "File?", "d": "Directory?", "list": "File[]?", "any": "Any?"},
    "outputs": {},
}


class WritingEngine(FakeEngine):
    """Writes the files of its outputs into the job's folder when their run is over."""

    folder = Path()

    def outputs(self, run: RunRef) -> Mapping[str, OutputValue]:
        found = super().outputs(run)
        outputs = self.folder / run.job_id / "outputs"
        (outputs / "dir" / "below").mkdir(parents=True, exist_ok=True)
        for name in ("a.txt", "a.txt.idx", "b.txt", "dir/c.txt", "dir/below/d.txt"):
            (outputs / name).write_text(f"content of {name}")
        if not (outputs / "dir" / "leak").is_symlink():
            (outputs / "dir" / "leak").symlink_to("/etc/passwd")
        return found


class Bench:
    def __init__(self, folder: Path, scripts: Mapping[str, Script], jobs: MemoryJobStore | None = None) -> None:
        self.folder = folder
        self.back_end = FakeBackEnd()
        self.scripts = dict(scripts)
        self.engine = WritingEngine("fake", self.scripts, self.back_end)
        self.engine.folder = folder
        self.jobs = jobs or MemoryJobStore()
        self.processes = MemoryProcessStore()
        definitions = {"n": Input("n", "N", {"type": "integer", "maximum": 100}, min_occurs=0)}
        for name in ("parent", "child", "other"):
            package = Package(TAKES, "", b"", "application/cwl")
            self.processes.add(Process(name, "1", name, "", definitions, {}, package))
        self.workspaces = LocalWorkspaces(folder, SchemeRouter([]))
        self.reconciler = self.restart()

    def restart(self) -> Reconciler:
        children = Children(self.jobs, self.processes, self.workspaces)
        parts = Parts(self.jobs, self.processes, {"fake": self.engine}, self.workspaces, children)
        self.reconciler = Reconciler(parts, f"owner-{time.monotonic_ns()}", capacity=2)
        return self.reconciler

    def job(self, inputs: Mapping[str, InputValue], process_id: str = "parent", owner: str = "eve") -> Job:
        return Job.new(process_id, 1, owner, "fake", ExecutionRequest(inputs).to_json())

    def added(self, inputs: Mapping[str, InputValue]) -> Job:
        return self.jobs.add(self.job(inputs))

    def now(self, job_id: str) -> Job:
        return self.jobs.get(job_id, EVERYTHING)

    def order(self, job: Job) -> Mapping[str, Any]:
        return self.workspaces.load(job.id, ORDER_FILE) or {}

    @contextmanager
    def loop(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self.restart().run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def ended(self, job: Job) -> Job:
        deadline = time.monotonic() + PATIENCE
        while not self.now(job.id).ended:
            assert time.monotonic() < deadline, self.now(job.id)
            time.sleep(0.01)
        return self.now(job.id)

    def run(self, inputs: Mapping[str, InputValue]) -> Job:
        job = self.added(inputs)
        with self.loop():
            return self.ended(job)


def nested(
    output: str = "out", inputs: Mapping[str, InputValue] | None = None, process_id: str = "child", spread: bool = False
) -> Nested:
    request = ExecutionRequest(inputs or {}).to_json()
    return Nested(process_id, process_id, 1, "fake", output, request, spread)


def literal(value: JSON, **more: Any) -> Script:
    return Script(outputs={"out": Literal(value)}, **more)


A = FileOutput("outputs/a.txt", "a.txt", "text/plain", 16)
B = FileOutput("outputs/b.txt", "b.txt", "text/plain", 16)


def child_of(bench: Bench, job: Job) -> Job:
    return bench.now(children_of(job)[0].job_id)


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


def files(order: Any) -> str:
    return Path(str(order["location"]).removeprefix("file://")).read_text()


def test_a_file_is_handed_over_and_outlives_the_nested_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": Script(outputs={"out": A})})
    bench.scripts["parent"] = bench.engine.scripts["parent"] = Script(starts=0.0, ends=60.0)
    job = bench.added({"f": nested()})
    with bench.loop():
        deadline = time.monotonic() + PATIENCE
        while bench.now(job.id).phase is not Phase.RUNNING:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        child = child_of(bench, job)
        bench.jobs.delete(child.id, EVERYTHING)
        bench.workspaces.remove(child.id)
        entry = bench.order(job)["f"]
        assert entry["location"].startswith((tmp_path / job.id / "inputs").as_uri())
        assert (entry["basename"], files(entry)) == ("a.txt", "content of a.txt")
        bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        bench.ended(job)


def read_inputs(bench: Bench, inputs: Mapping[str, InputValue]) -> Mapping[str, Any]:
    """The order of a parent that is held in its run, with the texts of the files in place of their locations."""
    bench.engine.scripts["parent"] = Script(ends=60.0)
    job = bench.added(inputs)
    with bench.loop():
        deadline = time.monotonic() + PATIENCE
        while bench.now(job.id).phase is not Phase.RUNNING:
            assert time.monotonic() < deadline and not bench.now(job.id).ended, bench.now(job.id)
            time.sleep(0.01)
        shown: Mapping[str, Any] = _shown(bench.order(job))
        bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
        bench.ended(job)
    return shown


def _shown(node: Any) -> Any:
    if isinstance(node, list):
        return [_shown(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("class") == "File":
        return {"text": files(node), **({"with": _shown(node["secondaryFiles"])} if "secondaryFiles" in node else {})}
    if node.get("class") == "Directory":
        root = Path(str(node["location"]).removeprefix("file://"))
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
    return {key: _shown(item) for key, item in node.items()}


@pytest.mark.parametrize(
    ("output", "input_id", "expected"),
    [
        (A, "f", {"text": "content of a.txt"}),
        (
            replace(A, secondary=(FileOutput("outputs/a.txt.idx", "a.txt.idx", "", 1),)),
            "f",
            {"text": "content of a.txt", "with": [{"text": "content of a.txt.idx"}]},
        ),
        (DirectoryOutput("outputs/dir", "dir"), "d", ["below", "below/d.txt", "c.txt"]),
        (ListOutput((A, B)), "list", [{"text": "content of a.txt"}, {"text": "content of b.txt"}]),
        (RecordOutput({"x": A, "y": Literal(3)}), "any", {"x": {"text": "content of a.txt"}, "y": 3}),
        (Literal([1, {"a": None}]), "any", [1, {"a": None}]),
        (Literal("as text"), "f", {"text": "as text"}),
    ],
)
def test_every_kind_of_output_arrives(tmp_path: Path, output: OutputValue, input_id: str, expected: Any) -> None:
    bench = Bench(tmp_path, {"child": Script(outputs={"out": output})})
    assert read_inputs(bench, {input_id: nested()})[input_id] == expected


def test_an_array_joins_the_array_around_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": Script(outputs={"out": ListOutput((A, B))}), "other": Script(outputs={"out": B})})
    made = read_inputs(bench, {"list": Many((nested(process_id="other"), nested(spread=True)))})
    assert [item["text"] for item in made["list"]] == ["content of b.txt", "content of a.txt", "content of b.txt"]


def test_a_file_outside_of_the_nested_job_is_not_handed_over(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    bench = Bench(tmp_path, {"child": Script(outputs={"out": FileOutput("../secret", "secret", "", 1)})})
    done = bench.run({"f": nested()})
    assert (done.phase, done.message) == (Phase.FAILED, "inputs.f: secret is not there any more")


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
    bench = Bench(tmp_path, {"child": literal(1, ends=60), "other": literal(2, ends=60)})
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
    bench = Bench(tmp_path, {"child": literal(1, ends=0.5)})
    done = bench.run({"n": nested(), "any": nested()})
    first, second = (bench.now(child.job_id) for child in children_of(done))
    assert first.started is not None and second.started is not None
    assert first.finished is not None and second.finished is not None
    assert max(first.started, second.started) < min(first.finished, second.finished)


@pytest.mark.requirement("part3/nested-processes/process-execution")
def test_a_failed_nested_process_fails_the_job_with_its_cause(tmp_path: Path) -> None:
    failing = Script(outcome=RunState.FAILED, message="exit code 3: no data")
    bench = Bench(tmp_path, {"child": failing, "other": literal(1, ends=60)})
    done = bench.run({"n": nested(), "any": nested(process_id="other")})
    child, other = children_of(done)
    assert done.message == f"inputs.n: the nested process child, job {child.job_id}, failed: exit code 3: no data"
    assert done.problem is not None
    assert done.problem["nested"]["cause"]["detail"] == "exit code 3: no data"  # type: ignore[index,call-overload]
    with bench.loop():
        assert bench.ended(bench.now(other.job_id)).phase is Phase.DISMISSED
    assert not bench.engine.submits[done.id]


def test_a_dismissed_nested_process_fails_the_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": literal(1, ends=60)})
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
    bench = Bench(tmp_path, {"child": literal(1), "other": literal(2, ends=60)})
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
    bench = Bench(tmp_path, {"child": literal(1), "other": literal(2, ends=60)})
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


class Crash(BaseException):
    """The process ends here."""


class CrashingStore(MemoryJobStore):
    """Ends the process before or after its n-th write."""

    def __init__(self, crash_at: int, after: bool) -> None:
        super().__init__()
        self.left = crash_at
        self.after = after
        self.armed = False

    def save(self, job: Job, *, durable: bool = True) -> Job:
        return self._crashing(lambda: super(CrashingStore, self).save(job))

    def add(self, job: Job, *, durable: bool = True) -> Job:
        return self._crashing(lambda: super(CrashingStore, self).add(job))

    def _crashing(self, write: Any) -> Job:
        self.left -= self.armed
        if self.armed and self.left == 0 and not self.after:
            raise Crash
        saved: Job = write()
        if self.armed and self.left == 0:
            raise Crash
        return saved


def run_until_crash(bench: Bench, job: Job) -> bool:
    """A worker in this thread, until the store ends it or the job has ended."""
    worker, stop = bench.restart(), threading.Event()

    def watch() -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not bench.now(job.id).ended and not stop.is_set():
            time.sleep(0.01)
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        worker.run(stop)
    except Crash:
        return True
    finally:
        stop.set()
        watcher.join()
        bench.jobs.extend(worker.leases.owner, datetime(1970, 1, 1, tzinfo=UTC))
    return False


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", range(1, 13))
def test_crash_at_any_write_loses_nothing_and_runs_nothing_twice(tmp_path: Path, crash_at: int, after: bool) -> None:
    store = CrashingStore(crash_at, after)
    bench = Bench(tmp_path, {"child": literal(42, ends=0.02), "other": literal(5)}, store)
    job = store.add(bench.job({"n": nested(inputs={"n": nested(process_id="other")}), "any": nested()}))
    store.armed = True
    assert run_until_crash(bench, job)
    store.armed = False
    with bench.loop():
        done = bench.ended(job)
    assert (done.phase, bench.order(done)) == (Phase.SUCCESSFUL, {"n": 42, "any": 42})
    assert len(bench.engine.submits) == 4
    assert set(bench.engine.submits.values()) == {1}
