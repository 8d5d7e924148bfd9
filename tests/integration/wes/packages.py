"""Packages of all shapes, with their inputs: each must have the same results from every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A package and its input object."""

    document: Document
    order: Callable[[Path], Mapping[str, Any]] = lambda folder: {}
    """Gets a folder in which input files may be made."""
    entry: str = ""
    container: bool = False


def tool(*command: str, **more: Any) -> Document:
    """A command line tool."""
    fields = {"inputs": {}, "outputs": {}, **more}
    return {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": list(command), **fields}


def shell(command: str, **more: Any) -> Document:
    """A tool that runs a shell command; its inputs follow as $0, $1, ..."""
    return tool("sh", "-c", command, **more)


def step(run: Document, out: list[str], **sources: Any) -> Document:
    """A step of a workflow."""
    return {"run": {key: value for key, value in run.items() if key != "cwlVersion"}, "in": sources, "out": out}


def workflow(steps: Document, outputs: Document, **more: Any) -> Document:
    """A workflow."""
    fields = {"inputs": {}, **more}
    return {"cwlVersion": "v1.2", "class": "Workflow", "steps": steps, "outputs": outputs, **fields}


def bound(kind: Any, position: int = 1, **more: Any) -> Document:
    """An input on the command line."""
    return {"type": kind, "inputBinding": {"position": position, **more}}


def found(kind: Any, glob: Any, **more: Any) -> Document:
    """An output that is looked for."""
    return {"type": kind, "outputBinding": {"glob": glob, **more}}


def file(folder: Path, name: str, text: str) -> dict[str, Any]:
    """A CWL File that is made now."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {"class": "File", "location": path.as_uri(), "basename": path.name}


def _directory(folder: Path) -> Mapping[str, Any]:
    file(folder, "tree/a.txt", "a\n")
    file(folder, "tree/deep/b.txt", "b\n")
    return {"tree": {"class": "Directory", "location": (folder / "tree").as_uri()}}


def _indexed(folder: Path) -> Mapping[str, Any]:
    return {"data": {**file(folder, "x.dat", "data\n"), "secondaryFiles": [file(folder, "x.dat.idx", "index\n")]}}


_JS: Document = {"InlineJavascriptRequirement": {}}
_COUNT = shell(
    "wc -c < $0 | tr -d ' \n' > n",
    inputs={"file": bound("File")},
    requirements=_JS,
    outputs={"size": found("int", "n", loadContents=True, outputEval="$(parseInt(self[0].contents))")},
)
_SAY = shell("echo $0", inputs={"word": bound("string")}, stdout="said.txt", outputs={"said": "stdout"})
_UPPER = shell(
    "tr a-z A-Z < $0", inputs={"file": bound("File")}, stdout="upper.txt", outputs={"upper": {"type": "stdout"}}
)
_RECORD = {"type": "record", "name": "pair", "fields": {"name": {"type": "string"}, "count": {"type": "int"}}}
_CATALOGUE = """mkdir -p results/assets
echo '{"type": "Catalog", "id": "c", "stac_version": "1.0.0", "links": [{"rel": "item", "href": "item.json"}]}' \
 > results/catalog.json
echo '{"type": "Feature", "id": "i", "stac_version": "1.0.0", "assets": {"image": {"href": "assets/image.txt"}}}' \
 > results/item.json
echo "$0" > results/assets/image.txt"""

SAMPLES: Mapping[str, Sample] = {
    "stdout": Sample(_SAY, lambda folder: {"word": "hello"}),
    "stderr": Sample(shell("echo wrong >&2", stderr="e.txt", outputs={"errors": "stderr"})),
    "literals from cwl.output.json": Sample(
        shell(
            """echo '{"int": 3, "float": 0.25, "yes": true, "none": null, "text": "käse", "list": [[1, 2], [3]]}'""",
            stdout="cwl.output.json",
            outputs={
                "int": "int",
                "float": "double",
                "yes": "boolean",
                "none": "string?",
                "text": "string",
                "list": {"type": {"type": "array", "items": {"type": "array", "items": "int"}}},
            },
        )
    ),
    "file in, file out": Sample(_UPPER, lambda folder: {"file": file(folder, "in.txt", "given\n")}),
    "files by glob": Sample(
        shell("for n in 3 1 2; do echo $n > part-$n.txt; done", outputs={"parts": found("File[]", "*.txt")})
    ),
    "several inputs": Sample(
        shell(
            'echo "$0 $@"',
            inputs={
                "list": bound("string[]", 1, prefix="-l", itemSeparator=","),
                "flag": bound("boolean", 2, prefix="--flag"),
                "number": bound("double", 3),
                "nothing": bound("string?", 4),
                "usual": {"default": 7, **bound("int", 5)},
            },
            stdout="said.txt",
            outputs={"said": "stdout"},
        ),
        lambda folder: {"list": ["a", "b c"], "flag": True, "number": 2.5},
    ),
    "array of files in": Sample(
        tool("cat", inputs={"files": bound("File[]")}, stdout="all.txt", outputs={"all": "stdout"}),
        lambda folder: {"files": [file(folder, f"{n}.txt", f"{n}\n") for n in range(3)]},
    ),
    "directory in": Sample(
        shell(
            "cd $0; find -L . -type f | sort",
            inputs={"tree": bound("Directory")},
            stdout="tree.txt",
            outputs={"list": "stdout"},
        ),
        _directory,
    ),
    "directory out": Sample(
        shell("mkdir -p d/deep; echo a > d/a.txt; echo b > d/deep/b.txt", outputs={"made": found("Directory", "d")})
    ),
    "directory of everything": Sample(
        shell("echo a > a.txt; mkdir d; echo b > d/b.txt", outputs={"all": found("Directory", ".")})
    ),
    "directories of one name": Sample(
        shell(
            "for n in 1 2 3; do mkdir -p $n/d; echo $n > $n/d/a.txt; done",
            outputs={"made": found("Directory[]", "*/d")},
        ),
    ),
    "secondary files": Sample(
        shell(
            "cp $0 out.dat; cp $0.idx out.dat.idx",
            inputs={"data": {**bound("File"), "secondaryFiles": [".idx"]}},
            outputs={"out": {**found("File", "out.dat"), "secondaryFiles": [".idx"]}},
        ),
        _indexed,
    ),
    "record in": Sample(
        shell(
            "echo $0 $1",
            inputs={"pair": {"type": _RECORD}},
            arguments=["$(inputs.pair.name)", "$(inputs.pair.count)"],
            stdout="said.txt",
            outputs={"said": "stdout"},
        ),
        lambda folder: {"pair": {"name": "one", "count": 1}},
    ),
    "record out": Sample(
        {
            "cwlVersion": "v1.2",
            "class": "ExpressionTool",
            "requirements": _JS,
            "inputs": {"count": "int"},
            "outputs": {"pair": {"type": _RECORD}},
            "expression": '$({"pair": {"name": "many", "count": inputs.count + 1}})',
        },
        lambda folder: {"count": 41},
    ),
    "enum": Sample(
        shell(
            "echo $0",
            inputs={"mode": bound({"type": "enum", "name": "mode", "symbols": ["fast", "slow"]})},
            stdout="said.txt",
            outputs={"said": "stdout"},
        ),
        lambda folder: {"mode": "slow"},
    ),
    "expressions": Sample(_COUNT, lambda folder: {"file": file(folder, "twelve.txt", "twelve bytes")}),
    "initial work folder": Sample(
        shell(
            "cat config.ini given.txt; echo more >> given.txt",
            requirements={
                "InitialWorkDirRequirement": {
                    "listing": [
                        {"entryname": "config.ini", "entry": "name=$(inputs.name)\n"},
                        {"entryname": "given.txt", "entry": "$(inputs.file)", "writable": True},
                    ]
                }
            },
            inputs={"name": "string", "file": "File"},
            stdout="out.txt",
            outputs={"said": "stdout", "changed": found("File", "given.txt")},
        ),
        lambda folder: {"name": "n1", "file": file(folder, "other.txt", "given\n")},
    ),
    "environment": Sample(
        shell(
            "echo $GREETING",
            requirements={"EnvVarRequirement": {"envDef": {"GREETING": "$(inputs.word)"}}},
            inputs={"word": "string"},
            stdout="said.txt",
            outputs={"said": "stdout"},
        ),
        lambda folder: {"word": "hi"},
    ),
    "format": Sample(
        shell(
            "echo '{}' > x.json",
            **{"$namespaces": {"iana": "https://www.iana.org/assignments/media-types/"}},
            outputs={"doc": {**found("File", "x.json"), "format": "iana:application/json"}},
        )
    ),
    "workflow of two steps": Sample(
        workflow(
            {
                "say": step(_SAY, ["said"], word="word"),
                "shout": step(_UPPER, ["upper"], file="say/said"),
            },
            {"loud": {"type": "File", "outputSource": "shout/upper"}},
            inputs={"word": "string"},
        ),
        lambda folder: {"word": "quiet"},
    ),
    "scatter": Sample(
        workflow(
            {"count": {**step(_COUNT, ["size"], file="files"), "scatter": "file"}},
            {"sizes": {"type": "int[]", "outputSource": "count/size"}},
            inputs={"files": "File[]"},
            requirements={"ScatterFeatureRequirement": {}},
        ),
        lambda folder: {"files": [file(folder, f"s{n}.txt", "x" * n) for n in (5, 3, 9)]},
    ),
    "nested workflow": Sample(
        workflow(
            {
                "inner": step(
                    workflow(
                        {"say": step(_SAY, ["said"], word="word")},
                        {"said": {"type": "File", "outputSource": "say/said"}},
                        inputs={"word": "string"},
                    ),
                    ["said"],
                    word="word",
                )
            },
            {"said": {"type": "File", "outputSource": "inner/said"}},
            inputs={"word": "string"},
            requirements={"SubworkflowFeatureRequirement": {}},
        ),
        lambda folder: {"word": "deep"},
    ),
    "when": Sample(
        workflow(
            {"say": {**step(_SAY, ["said"], word="word", wanted={"default": False}), "when": "$(inputs.wanted)"}},
            {"said": {"type": "File?", "outputSource": "say/said"}},
            inputs={"word": "string"},
            requirements=_JS,
        ),
        lambda folder: {"word": "never"},
    ),
    "application package with a graph": Sample(
        {
            "cwlVersion": "v1.0",
            "$graph": [
                {
                    "class": "Workflow",
                    "id": "convert-url",
                    "requirements": {"ResourceRequirement": {"coresMax": 1, "ramMax": 256}},
                    "inputs": {"fn": {"type": "string", "default": "resize"}, "size": {"type": "string"}},
                    "outputs": [{"id": "converted", "type": "Directory", "outputSource": ["convert/results"]}],
                    "steps": {"convert": {"run": "#convert", "in": {"fn": "fn", "size": "size"}, "out": ["results"]}},
                },
                {
                    "class": "CommandLineTool",
                    "id": "convert",
                    "baseCommand": ["sh", "-c", _CATALOGUE],
                    "inputs": {"fn": bound("string", 1), "size": bound("string", 2)},
                    "outputs": {"results": found("Directory", "results")},
                },
            ],
        },
        lambda folder: {"size": "50%"},
        entry="convert-url",
    ),
}

NOT_ON_TOIL: Mapping[str, Sample] = {
    "directory of files that are results too": Sample(
        {
            "cwlVersion": "v1.2",
            "class": "ExpressionTool",
            "requirements": _JS,
            "inputs": {"files": "File[]"},
            "outputs": {"files": "File[]", "all": "Directory", "each": "Directory[]"},
            "expression": """${
              function folder(name, list) { return {"class": "Directory", "basename": name, "listing": list}; }
              return {files: inputs.files, all: folder("all", inputs.files),
                      each: inputs.files.map(function (one) { return folder("each", [one]); })};
            }""",
        },
        lambda folder: {"files": [file(folder, f"{n}/same.txt", f"{n}\n") for n in range(3)]},
    ),
    "directory with links": Sample(
        shell(
            "mkdir -p d/real; echo a > d/real/a.txt; ln -s real d/again; ln -s again/a.txt d/b.txt; ln -s $0 d/given",
            inputs={"tree": bound("Directory")},
            outputs={"made": found("Directory", "d")},
        ),
        _directory,
    ),
}
"""Toil loses files of such folders, or fails (docs/engines/toil-wes.md)."""
