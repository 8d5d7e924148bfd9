"""A package of two megabytes that reads and makes files, folders and lists, its inputs, and what has to come out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal

from .bench import Bench, large, shell

_COMMAND = """
cat "$0" "$1" > both.txt; cat both.txt >&2; mkdir tree; cp -r "$2"/. tree
echo a > a.out; echo '$$(HOME) $(HOME)' > b.out
"""
_TOOL = shell(
    _COMMAND,
    arguments=["$(inputs.text.path)", "$(inputs.more[0].path)", "$(inputs.folder.path)"],
    inputs={"text": "File", "more": "File[]", "folder": "Directory", "name": "string"},
    outputs={
        "both": {"type": "File", "outputBinding": {"glob": "both.txt"}},
        "tree": {"type": "Directory", "outputBinding": {"glob": "tree"}},
        "parts": {"type": "File[]", "outputBinding": {"glob": "*.out"}},
        "name": {"type": "string", "outputBinding": {"outputEval": "$(inputs.name)"}},
    },
)
_NAME = "é😀 \\u00e9 'x' : # y\u007f"


def files_go_in_and_out(bench: Bench, folder: Path) -> RunReport:
    """Run the package to its end, and require what it has to give, also after the run is forgotten.

    Args:
        bench: with the engine.
        folder: of this machine, for an input that is not in the job's folder.
    """
    plan = bench.plan(large(_TOOL, 2_000_000))
    run = bench.engine.submit(replace(plan, job_order=_order(plan, folder)))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}"
    both = _required(bench, plan, run)
    bench.engine.forget(run)
    bench.engine.forget(run)
    assert "inner" in bench.log(run) and both.read_text() == "inner\ngiven\n"
    return report


def _order(plan: Plan, folder: Path) -> dict[str, Any]:
    given = folder / "given+file.txt"
    given.write_text("given\n", encoding="utf-8")
    inside = plan.workspace / "inputs" / "1-text"
    (inside / "deep").mkdir(parents=True)
    (inside / "empty").mkdir()
    (inside / "inner é.txt").write_text("inner\n", encoding="utf-8")
    (inside / "deep" / "deeper.txt").write_text("deeper\n", encoding="utf-8")
    return {
        "text": {"class": "File", "location": (inside / "inner é.txt").as_uri()},
        "more": [{"class": "File", "location": given.as_uri()}],
        "folder": {"class": "Directory", "location": inside.as_uri()},
        "name": _NAME,
    }


def _required(bench: Bench, plan: Plan, run: RunRef) -> Path:
    outputs = bench.engine.outputs(run)
    both, tree, parts = outputs["both"], outputs["tree"], outputs["parts"]
    assert isinstance(both, FileOutput) and isinstance(tree, DirectoryOutput) and isinstance(parts, ListOutput)
    assert (plan.workspace / tree.href / "deep" / "deeper.txt").read_text() == "deeper\n"
    assert (plan.workspace / tree.href / "empty").is_dir()
    assert (plan.workspace / "outputs" / "b.out").read_text() == "$$(HOME) $(HOME)\n"
    assert len(parts.items) == 2 and outputs["name"] == Literal(_NAME)
    return plan.workspace / both.href
