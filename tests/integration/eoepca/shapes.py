"""The shapes that packages have, for stage-in and stage-out tools on any engine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pygeoapi_oapip.testing.live_server import LiveServer

PLACE = "https://data.example/"
LIMIT = 900.0
_OLD = ("one", "array", "both")
"""Names of those in CWL v1.0."""


def small(version: str) -> Mapping[str, Any]:
    """What a tool of a test asks for, so that a small cluster has room for it; CWL v1.0 knows whole cores only."""
    return {"ramMin": 64, **({} if version == "v1.0" else {"coresMin": 0.1})}


@dataclass(frozen=True)
class Shape:
    """A package, what it is given, and what comes of it."""

    script: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, str]
    given: Mapping[str, Any]
    expected: Mapping[str, str | None]
    """Output -> content of what was stored; None: all that was given, in any order."""


def app(name: str, script: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], version: str = "v1.2") -> str:
    """A package whose script gets its inputs on its command line."""
    return yaml.safe_dump(
        {
            "cwlVersion": version,
            "class": "CommandLineTool",
            "id": name,
            "requirements": {"ResourceRequirement": small(version)},
            "baseCommand": ["sh", "-c", script, "sh"],
            "inputs": inputs,
            "outputs": {
                key: {"type": kind, "outputBinding": {"glob": "d*" if kind == "Directory[]" else key}}
                for key, kind in outputs.items()
            },
        }
    )


def arg(kind: Any, **more: Any) -> Mapping[str, Any]:
    return {"type": kind, "inputBinding": {"position": 1}, **more}


def at(name: str) -> Mapping[str, str]:
    return {"href": PLACE + name}


def run(live: LiveServer, package: str, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The job, and its results."""
    name = yaml.safe_load(package)["id"]
    deployed = live.post("/processes", data=package, headers={"Content-Type": "application/cwl"})
    assert deployed.status_code in (201, 409), deployed.text
    answer = live.post(
        f"/processes/{name}/execution",
        json={"inputs": inputs, "response": "document"},
        headers={"Prefer": "respond-async"},
    )
    assert answer.status_code == 201, answer.text
    job = str(answer.json()["jobID"])
    deadline = time.monotonic() + LIMIT
    while (status := live.get(f"/jobs/{job}").json())["status"] in ("accepted", "running"):
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    assert status["status"] == "successful", status
    found: Mapping[str, Any] = live.get(f"/jobs/{job}/results", headers={"Accept": "application/json"}).json()
    return job, found


def package(name: str) -> str:
    """The package of a shape."""
    shape = SHAPES[name]
    return app(name, shape.script, shape.inputs, shape.outputs, "v1.0" if name in _OLD else "v1.2")


def expect(name: str, results: Mapping[str, Any]) -> None:
    """Fails unless the results are those of a shape."""
    shape = SHAPES[name]
    assert set(results) == set(shape.expected)
    for key, text in shape.expected.items():
        if text is None:
            assert sorted(stored(results[key]).split()) == sorted(shape.given.values())
        else:
            assert stored(results[key]) == text


def stored(value: Any) -> str:
    """What a stage-out tool has kept: the content of a file, or of all files of a folder."""
    if isinstance(value, list):
        return "".join(map(stored, value))
    value = value.get("value", value)
    if value.get("type") == "Feature":
        [asset] = value["assets"].values()
        value = asset
    path = Path(urlsplit(value["href"]).path)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return "".join(file.read_text() for file in files)


_COPY = 'mkdir out; find -L "$@" -type f -exec cat {} + > out/all.txt'
SHAPES: Mapping[str, Shape] = {
    "one": Shape(_COPY, {"a": arg("Directory")}, {"out": "Directory"}, {"a": at("1")}, {"out": f"{PLACE}1\n"}),
    "two": Shape(
        _COPY,
        {"a": arg("Directory"), "b": arg("Directory")},
        {"out": "Directory"},
        {"a": at("1"), "b": at("2")},
        {"out": f"{PLACE}1\n{PLACE}2\n"},
    ),
    "array": Shape(
        _COPY,
        {"a": arg("Directory[]")},
        {"out": "Directory"},
        {"a": [at("1"), at("2")]},
        {"out": f"{PLACE}1\n{PLACE}2\n"},
    ),
    "nested": Shape(
        _COPY,
        {
            "a": {
                "type": {"type": "array", "items": {"type": "array", "items": "Directory", "inputBinding": {}}},
                "inputBinding": {},
            }
        },
        {"out": "Directory"},
        {"a": [[at("1")], [at("2"), at("3")]]},
        {"out": f"{PLACE}1\n{PLACE}2\n{PLACE}3\n"},
    ),
    "outputs": Shape(
        'mkdir x y; cat "$1"/* > x/t; echo y > y/t',
        {"a": arg("Directory")},
        {"x": "Directory", "y": "Directory"},
        {"a": at("1")},
        {"x": f"{PLACE}1\n", "y": "y\n"},
    ),
    "many": Shape(
        "for i in 1 2 3; do mkdir d$i; echo $i > d$i/t; done",
        {"a": arg("Directory")},
        {"ds": "Directory[]"},
        {"a": at("1")},
        {"ds": "1\n2\n3\n"},
    ),
    "optional": Shape(
        'mkdir out; echo "got $# $*" > out/t',
        {"a": arg("Directory?"), "b": arg("Directory[]?"), "c": arg("File?")},
        {"out": "Directory"},
        {},
        {"out": "got 0 \n"},
    ),
    "given": Shape(
        _COPY,
        {"a": arg("Directory?"), "b": arg("Directory[]?"), "c": arg("File?")},
        {"out": "Directory"},
        {"a": at("1"), "b": [at("2")], "c": at("3")},
        {"out": f"{PLACE}1\n{PLACE}2\n{PLACE}3\n"},
    ),
    "missing": Shape(
        "true",
        {"a": arg("Directory")},
        {"x": "Directory?", "y": "File?"},
        {"a": at("1")},
        {},
    ),
    "file": Shape(
        'cat "$1" > copy.txt',
        {"a": arg("File", format="http://edamontology.org/format_2330")},
        {"copy.txt": "File"},
        {"a": at("1")},
        {"copy.txt": f"{PLACE}1\n"},
    ),
    "both": Shape(
        'mkdir x; cat "$1"/* > x/t; cat "$2" > y',
        {"a": arg("Directory"), "b": arg("File")},
        {"x": "Directory", "y": "File"},
        {"a": at("1"), "b": at("2")},
        {"x": f"{PLACE}1\n", "y": f"{PLACE}2\n"},
    ),
    "values": Shape(
        'mkdir out; echo "$@" > out/t',
        {
            "number": arg("float"),
            "flag": arg("boolean", default=True),
            "text": arg("string", default="by default"),
            "kind": arg({"type": "enum", "symbols": ["red", "blue"]}),
            "list": arg("int[]"),
        },
        {"out": "Directory"},
        {"number": 0.25, "flag": False, "kind": "blue", "list": [1, 2]},
        {"out": "blue 1 2 0.25 by default\n"},
    ),
    "colliding": Shape(
        'mkdir out; echo "$@" > out/t',
        {"process": arg("string"), "STAGEOUT_OUTPUT": arg("string"), "app": arg("string"), "main": arg("string")},
        {"out": "Directory"},
        {"process": "mine", "STAGEOUT_OUTPUT": "too", "app": "and", "main": "all"},
        {"out": None},  # the order of arguments is that of their names
    ),
}
