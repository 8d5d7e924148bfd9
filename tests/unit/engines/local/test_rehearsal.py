"""A spare runner loads the package of the last job ahead: the next job of that package finds it, others do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.local import runner
from pygeoapi_oapip.engines.local.record import JobFolder

TOOL: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "echo",
    "inputs": [],
    "outputs": [],
}


@pytest.fixture(autouse=True)
def _nothing_rehearsed() -> Iterator[None]:
    yield
    runner._rehearsed.clear()


def job(folder: Path, document: dict[str, Any]) -> JobFolder:
    found = JobFolder(folder)
    found.make()
    found.write("plan", {"document": document, "entry": ""})
    return found


def test_the_package_of_the_last_job_is_loaded_once(tmp_path: Path) -> None:
    runner.rehearse(job(tmp_path, TOOL))
    assert runner._tool_of(dict(TOOL), "") is runner._tool_of(dict(TOOL), "")


@pytest.mark.parametrize("change", [{"baseCommand": "cat"}, {"id": "other"}])
def test_another_package_is_loaded_for_itself(tmp_path: Path, change: dict[str, Any]) -> None:
    runner.rehearse(job(tmp_path, TOOL))
    tool = runner._tool_of(TOOL | change, "")
    assert tool is not runner._tool_of(TOOL, "")
    assert tool.tool.get("baseCommand") == (TOOL | change)["baseCommand"]


@pytest.mark.parametrize("document", [{"class": "Nothing"}, TOOL | {"doc": "x" * 200_000}])
def test_a_broken_or_large_example_is_no_example(tmp_path: Path, document: dict[str, Any]) -> None:
    runner.rehearse(job(tmp_path, document))
    assert not runner._rehearsed


def test_a_job_that_is_gone_is_no_example(tmp_path: Path) -> None:
    runner.rehearse(JobFolder(tmp_path / "gone"))
    runner.rehearse(None)
    assert not runner._rehearsed
