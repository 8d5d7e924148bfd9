"""Execution units that are container images (Part 2 class `docker`), deployed and run in real containers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, Literal, OutputValue
from pygeoapi_oapip.packages.deployment import read_deployment

from ...unit.engines.local.conftest import Bench
from .daemon import IMAGE, Daemon

TEXT = {"type": "string", "contentMediaType": "text/plain"}
PLAIN = "https://www.iana.org/assignments/media-types/text/plain"
SCRIPT = """
echo "$@" > said
while [ $# -gt 0 ]; do
  case $1 in
    --text) cat "$2" >> out.txt; shift;;
    --out) echo "$2" >> out.txt; shift;;
  esac
  shift
done
mkdir folder; echo inside > folder/a
echo 42 > number
echo one > many.1.txt; echo two > many.2.txt
"""

INPUTS: dict[str, Any] = {
    "text": {"schema": TEXT},
    "out": {"schema": {"type": "string", "default": "float"}},
    "count": {"schema": {"type": "integer"}},
    "share": {"schema": {"type": "number"}},
    "fast": {"schema": {"type": "boolean"}},
    "words": {"schema": {"type": "string"}, "maxOccurs": "unbounded"},
    "gone": {"schema": {"type": "string"}, "minOccurs": 0},
}
OUTPUTS: dict[str, Any] = {
    "said": {"schema": {"type": "string"}},
    "number": {"schema": {"type": "integer"}},
    "out": {"schema": TEXT},
    "folder": {"schema": {"type": "string", "format": "directory"}},
    "many": {"schema": {"type": "array", "items": TEXT}},
    "none": {"schema": {"type": "string", "nullable": True}},
}


def deployed(unit: dict[str, Any], inputs: dict[str, Any], outputs: dict[str, Any]) -> Package:
    description = {"id": "boxed", "inputs": inputs, "outputs": outputs}
    body = json.dumps({"processDescription": description, "executionUnit": {"type": "docker", **unit}}).encode()
    kind = "application/ogcapppkg+json"
    package = read_deployment(body, kind, workflow=None, fetch=lambda url: b"", max_bytes=100_000).package
    assert package is not None
    return package


def run(bench: Bench, package: Package, order: dict[str, Any]) -> tuple[dict[str, OutputValue], Any]:
    plan = bench.plan(dict(package.document), order, requires_container=True)
    bench.engine.check(plan)
    submitted = bench.engine.submit(plan)
    report = bench.end(submitted)
    assert report.state is RunState.SUCCEEDED, f"{report.message}\n{bench.log(submitted)}"
    return dict(bench.engine.outputs(submitted)), bench.workspace(submitted)


@pytest.mark.requirement("part2/docker/execution-unit", "part2/docker/schema")
def test_an_image_gets_its_inputs_as_options_and_leaves_its_outputs_by_id(bench: Bench, daemon: Daemon) -> None:
    given = bench.folder / "given.txt"
    given.write_text("given\n")
    package = deployed({"image": f"docker://{IMAGE}", "command": ["sh", "-c", SCRIPT, "boxed"]}, INPUTS, OUTPUTS)
    order = {
        "text": {"class": "File", "location": given.as_uri(), "format": PLAIN},
        "count": 3,
        "share": 0.5,
        "fast": True,
        "words": ["a b", "c"],
    }
    outputs, workspace = run(bench, package, order)
    said = outputs["said"]
    assert isinstance(said, Literal) and isinstance(said.value, str)
    for option in ("--count 3", "--share 0.5", "--fast", "--words a b c", "--out float"):
        assert option in said.value
    assert "--gone" not in said.value
    assert outputs["number"] == Literal(42)
    assert outputs["none"] == Literal(None)
    out, folder = outputs["out"], outputs["folder"]
    assert isinstance(out, FileOutput) and isinstance(folder, DirectoryOutput)
    assert sorted((workspace / out.href).read_text().split()) == ["float", "given"]
    assert (workspace / folder.href / "a").read_text() == "inside\n"
    assert daemon.containers() == []


def test_the_entry_point_of_the_image_is_what_runs(bench: Bench, daemon: Daemon) -> None:
    made = daemon.docker("create", "--net=none", IMAGE, "true").strip()
    entry = 'ENTRYPOINT ["/bin/sh", "-c", "echo $0 $@ > result.txt"]'
    daemon.docker("commit", "--change", entry, "--change", 'CMD ["nothing"]', made, "entry:1")
    daemon.docker("rm", made)
    package = deployed({"image": "entry:1"}, {"word": {}}, {"found": {"schema": TEXT}})
    outputs, workspace = run(bench, package, {"word": "hello"})
    found = outputs["found"]
    assert isinstance(found, FileOutput)
    assert (workspace / found.href).read_text() == "--word hello\n"


@pytest.mark.requirement("part2/docker/bindings", "part2/docker/input-binding", "part2/docker/output-binding")
def test_bindings_change_how_inputs_are_given_and_outputs_found(bench: Bench) -> None:
    package = deployed(
        {
            "image": IMAGE,
            "command": ["sh", "-c", 'mkdir x; echo "$@" > x/y.txt', "boxed"],
            "bindings": {
                "inputBindings": {
                    "b": {"position": 1, "prefix": "-b", "valueFrom": "<$(self)>"},
                    "a": {"position": 2, "itemSeparator": ","},
                },
                "outputBindings": {"found": {"glob": "x/*.txt"}},
            },
        },
        {"a": {"maxOccurs": 5}, "b": {}},
        {"found": {"schema": TEXT}},
    )
    outputs, workspace = run(bench, package, {"a": ["1", "2"], "b": "word"})
    found = outputs["found"]
    assert isinstance(found, FileOutput)
    assert (workspace / found.href).read_text() == "-b <word> 1,2\n"
