"""The real reconciler and nested processes, with everything else in memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pygeoapi_oapip.model.execution import ExecutionRequest
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.model.json import JSON
from pygeoapi_oapip.model.process import Input, Package, Process
from pygeoapi_oapip.model.run import RunRef
from pygeoapi_oapip.model.value import (
    FileOutput,
    InputValue,
    Literal,
    Nested,
    OutputValue,
)
from pygeoapi_oapip.nested.children import Children, children_of
from pygeoapi_oapip.parts import Parts
from pygeoapi_oapip.phases import ORDER_FILE
from pygeoapi_oapip.reconciler import Reconciler
from pygeoapi_oapip.staging.router import SchemeRouter
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.testing.fake_engine import FakeBackEnd, FakeEngine, Script

from ..reconciling import running, until

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

    def loop(self) -> AbstractContextManager[None]:
        return running(self.restart())

    def ended(self, job: Job) -> Job:
        return until(self.jobs, job, lambda seen: seen.ended)

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
