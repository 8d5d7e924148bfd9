"""Folders among the results are whole, and apart from each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pygeoapi_oapip.model.run import RunState

from .conftest import Bench, shell


def contents(bench: Bench, document: dict[str, Any], order: dict[str, Any] | None = None) -> dict[str, str]:
    run = bench.submit(document, order or {})
    report = bench.end(run)
    assert report.state is RunState.SUCCEEDED, report.message
    bench.engine.forget(run)
    outputs = bench.workspace(run) / "outputs"
    return {path.relative_to(outputs).as_posix(): path.read_text() for path in outputs.rglob("*") if path.is_file()}


def found(kind: str, pattern: str) -> dict[str, Any]:
    return {"type": kind, "outputBinding": {"glob": pattern}}


def putting_together(expression: str, outputs: dict[str, str]) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": {"files": "File[]"},
        "outputs": outputs,
        "expression": expression,
    }


def given(bench: Bench, *names: str) -> dict[str, Any]:
    files: list[Path] = [bench.folder / name for name in names]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.parent.name)
    return {"files": [{"class": "File", "location": path.as_uri(), "basename": path.name} for path in files]}


def test_folders_of_one_name_are_apart(bench: Bench) -> None:
    tool = shell(
        "for n in 1 2; do mkdir -p $n/d; echo $n > $n/d/a; done", outputs={"made": found("Directory[]", "*/d")}
    )
    assert contents(bench, tool) == {"d/a": "1\n", "d_2/a": "2\n"}


def test_a_folder_that_has_the_name_of_a_file_is_apart(bench: Bench) -> None:
    outputs = {"folder": found("Directory", "1/d"), "file": found("File", "2/d")}
    tool = shell("mkdir -p 1/d 2; echo a > 1/d/a; echo b > 2/d", outputs=outputs)
    assert contents(bench, tool) == {"d_2/a": "a\n", "d": "b\n"}


def test_a_folder_that_is_two_results_is_one(bench: Bench) -> None:
    outputs = {"one": found("Directory", "d"), "two": found("Directory", "d")}
    assert contents(bench, shell("mkdir d; echo a > d/a", outputs=outputs)) == {"d/a": "a\n"}


def test_the_whole_working_folder_is_named_by_its_output(bench: Bench) -> None:
    tool = shell("echo a > a; mkdir d; echo b > d/b", outputs={"everything": found("Directory", ".")})
    assert contents(bench, tool) == {"everything/a": "a\n", "everything/d/b": "b\n"}


def test_a_folder_has_files_that_are_results_too(bench: Bench) -> None:
    expression = """${
      function folder(name, list) { return {"class": "Directory", "basename": name, "listing": list}; }
      var text = {"class": "File", "basename": "t", "contents": "T"};
      return {files: inputs.files, all: folder("all", inputs.files),
              deep: [folder("deep", [folder("in", inputs.files), text])]};
    }"""
    package = putting_together(expression, {"files": "File[]", "all": "Directory", "deep": "Directory[]"})
    assert contents(bench, package, given(bench, "1/a", "2/a")) == {
        "a": "1", "a_2": "2", "all/a": "1", "all/a_2": "2", "deep/in/a": "1", "deep/in/a_2": "2", "deep/t": "T",
    }  # fmt: skip
