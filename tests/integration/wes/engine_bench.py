"""Runs packages in an engine, without a server, and shows its results as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from pygeoapi_oapip.engines.base import Engine
from pygeoapi_oapip.engines.registry import make_engine
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.run import RunRef
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal, OutputValue, RecordOutput
from pygeoapi_oapip.packages.load import load_package
from pygeoapi_oapip.settings import Engine as Settings

from ...engine_runs import PATIENCE as PATIENCE
from ...engine_runs import Runs
from .packages import Document, Sample
from .toil import ToilServer


def wes_settings(toil: ToilServer, **more: Any) -> dict[str, Any]:
    """The block of an engine for this server, which shares its file system."""
    block = {"type": "wes", "url": toil.url, "batch_system": "single_machine", "poll_interval": 1}
    return {**block, "outputs": {str(toil.work): str(toil.work)}, **more}


def packed(document: Document, entry: str = "") -> Package:
    """A package as a deployment makes it."""
    return load_package(json.dumps(document).encode(), "application/cwl+json", entry=entry or None)


class EngineBench(Runs[Engine]):
    """An engine and a folder for its jobs.

    Args:
        folder: made here.
        block: its block of the configuration.
    """

    def __init__(self, folder: Path, block: Mapping[str, Any]) -> None:
        self._settings: Settings = TypeAdapter(Settings).validate_python(dict(block))
        self.folder = folder
        (folder / "jobs").mkdir(parents=True)
        super().__init__(self.another())

    def another(self) -> Engine:
        """Another engine object over the same back end, as after a restart."""
        return make_engine("hpc", self._settings, self.folder / "home")

    def plan(self, sample: Sample) -> Plan:
        """A plan with a workspace of its own, that holds the inputs."""
        job = str(uuid4())
        workspace = self.folder / "jobs" / job
        for name in ("inputs", "work", "outputs", "logs"):
            (workspace / name).mkdir(parents=True)
        order = dict(sample.order(workspace / "inputs"))
        return Plan(job, "sample", packed(sample.document, sample.entry), order, workspace, "anonymous")

    def results(self, plan: Plan, run: RunRef) -> Mapping[str, Any]:
        """The outputs as plain values, files with their contents."""
        outputs = self.engine.outputs(run)
        return {name: plain(value, plan.workspace) for name, value in outputs.items()}


def plain(value: OutputValue, workspace: Path) -> Any:
    """A value that can be compared with that of another engine: no paths, but names and contents."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, ListOutput):
        return [plain(item, workspace) for item in value.items]
    if isinstance(value, RecordOutput):
        return {name: plain(item, workspace) for name, item in value.fields.items()}
    if isinstance(value, DirectoryOutput):
        return {"directory": value.name, "tree": tree(workspace / value.href)}
    assert isinstance(value, FileOutput)
    path = workspace / value.href
    if not path.is_file():
        pytest.fail(f"no such file: {value}")
    about = {"file": value.name, "type": value.media_type, "size": value.size}
    about |= {"format": value.format, "text": path.read_text(encoding="utf-8")}
    return about | {"secondary": [plain(part, workspace) for part in value.secondary]}


def tree(folder: Path) -> Mapping[str, str]:
    """The files below a folder with their contents."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}
