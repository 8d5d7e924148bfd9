"""Results of nested processes as inputs of the job that waited."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, Phase
from pygeoapi_oapip.model.value import (
    DirectoryOutput,
    FileOutput,
    InputValue,
    ListOutput,
    Literal,
    Many,
    OutputValue,
    RecordOutput,
)
from pygeoapi_oapip.testing.fake_engine import Script

from ..reconciling import PATIENCE
from .bench import A, B, Bench, child_of, nested


def files(order: Any) -> str:
    return Path(str(order["location"]).removeprefix("file://")).read_text()


def test_a_file_is_handed_over_and_outlives_the_nested_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"child": Script(outputs={"out": A})})
    bench.scripts["parent"] = bench.engine.scripts["parent"] = Script(starts=0.0, ends=600)
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
    bench.engine.scripts["parent"] = Script(ends=600)
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
