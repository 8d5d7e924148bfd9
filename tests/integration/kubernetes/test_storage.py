"""Inputs reach the jobs and results leave them, in each way of storage; nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal

from .bench import CLASS, Bench, large, provisioner, shell
from .namespace import Namespace

COMMAND = """
cat "$0" "$1" > both.txt; cat both.txt >&2; mkdir tree; cp -r "$2"/. tree
echo a > a.out; echo '$$(HOME) $(HOME)' > b.out
"""
TOOL = shell(
    COMMAND,
    arguments=["$(inputs.text.path)", "$(inputs.more[0].path)", "$(inputs.folder.path)"],
    inputs={"text": "File", "more": "File[]", "folder": "Directory", "name": "string"},
    outputs={
        "both": {"type": "File", "outputBinding": {"glob": "both.txt"}},
        "tree": {"type": "Directory", "outputBinding": {"glob": "tree"}},
        "parts": {"type": "File[]", "outputBinding": {"glob": "*.out"}},
        "name": {"type": "string", "outputBinding": {"outputEval": "$(inputs.name)"}},
    },
)


def folders(namespace: Namespace) -> dict[str, Path]:
    return {name: namespace.volume(name) for name in ("jobs", "input-data", "output-data", "tmpout")}


@pytest.fixture(scope="module")
def claims(namespace: Namespace) -> dict[str, Path]:
    return folders(namespace)


@pytest.fixture(scope="module")
def classes(namespace: Namespace) -> Iterator[Path]:
    with provisioner(namespace) as folder:
        yield folder


@pytest.fixture(params=["shared", "shared with tmp", "three claims", "volume per job", "RWO volume per job"])
def bench(
    request: pytest.FixtureRequest, namespace: Namespace, claims: dict[str, Path], classes: Path, tmp_path: Path
) -> Bench:
    three = {
        "input_claim": "input-data",
        "input_folder": claims["input-data"],
        "output_claim": "output-data",
        "output_folder": claims["output-data"],
        "tmp_claim": "tmpout",
    }
    own = {"claim": "jobs", "storage_class": CLASS, "size": "64MiB"}
    volumes: dict[str, dict[str, Any]] = {
        "shared": {"claim": "jobs"},
        "shared with tmp": {"claim": "jobs", "tmp_claim": "tmpout"},
        "three claims": three,
        "volume per job": own,
        "RWO volume per job": {**own, "access_mode": "ReadWriteOnce"},
    }
    jobs = tmp_path / "jobs" if request.param == "three claims" else claims["jobs"]
    return Bench(namespace.settings(volumes=volumes[request.param]), jobs)


def test_files_go_in_and_out(bench: Bench, namespace: Namespace, claims: dict[str, Path], tmp_path: Path) -> None:
    before = namespace.objects()
    given = tmp_path / "given+file.txt"
    given.write_text("given\n", encoding="utf-8")
    plan = bench.plan(large(TOOL, 2_000_000))
    inside = plan.workspace / "inputs" / "1-text"
    (inside / "deep").mkdir(parents=True)
    (inside / "inner.txt").write_text("inner\n", encoding="utf-8")
    (inside / "deep" / "deeper.txt").write_text("deeper\n", encoding="utf-8")
    order: dict[str, Any] = {
        "text": {"class": "File", "location": (inside / "inner.txt").as_uri()},
        "more": [{"class": "File", "location": given.as_uri()}],
        "folder": {"class": "Directory", "location": inside.as_uri()},
        "name": "é😀 \\u00e9 'x' : # y\u007f",
    }
    run = bench.engine.submit(type(plan)(plan.job_id, "p", plan.package, order, plan.workspace, "anonymous"))
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(run)}"
    outputs = bench.engine.outputs(run)
    both, tree, parts = outputs["both"], outputs["tree"], outputs["parts"]
    assert isinstance(both, FileOutput) and isinstance(tree, DirectoryOutput) and isinstance(parts, ListOutput)
    assert (plan.workspace / both.href).read_text() == "inner\ngiven\n"
    assert (plan.workspace / tree.href / "deep" / "deeper.txt").read_text() == "deeper\n"
    assert (plan.workspace / "outputs" / "b.out").read_text() == "$$(HOME) $(HOME)\n"
    assert len(parts.items) == 2 and outputs["name"] == Literal(order["name"])
    bench.engine.forget(run)
    assert "inner" in bench.log(run) and (plan.workspace / both.href).exists()
    left = [path for claim, folder in claims.items() if claim != "jobs" for path in folder.iterdir()]
    assert left == []
    bench.until_gone(namespace, before)
