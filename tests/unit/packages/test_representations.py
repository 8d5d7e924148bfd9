"""packages.representations and packages.enclosed: a package in other forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.model.process import Package, Process
from pygeoapi_oapip.ogcapi import documents
from pygeoapi_oapip.ogcapi.links import Links
from pygeoapi_oapip.packages.deployment import read_deployment
from pygeoapi_oapip.packages.enclosed import enclose, enclosed_package
from pygeoapi_oapip.packages.representations import application_package, cwl_document, cwl_json, cwl_yaml

TOOL = {"class": "CommandLineTool", "baseCommand": "echo", "inputs": {"a": "int?", "b": "File[]"}, "outputs": {}}
GRAPH: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "$graph": [
        {**TOOL, "id": "other"},
        {
            "class": "Workflow",
            "id": "flow",
            "inputs": {"b": "File[]"},
            "outputs": {},
            "steps": {"one": {"run": "#tool", "in": {"b": "b"}, "out": []}},
        },
        {**TOOL, "id": "tool", "doc": "naïve\nlines"},
    ],
}


def deploy(body: Any, kind: str = "application/cwl", workflow: str | None = None) -> Process:
    source = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_deployment(source, kind, workflow=workflow, fetch=lambda url: b"", max_bytes=100_000)


def package(process: Process) -> Package:
    assert process.package is not None
    return process.package


def test_the_cwl_is_the_entry_point_and_what_it_runs() -> None:
    found = cwl_document(package(deploy(GRAPH, workflow="flow")))
    assert [item["id"] for item in found["$graph"]] == ["flow", "tool"]  # type: ignore[union-attr,index,call-overload]
    tool = {"cwlVersion": "v1.2", **TOOL, "id": "x"}
    assert cwl_document(package(deploy(tool))) == tool


@pytest.mark.parametrize("entry", ["flow", "tool"])
def test_every_form_deploys_the_same_process_again(entry: str) -> None:
    first = deploy(GRAPH, workflow=entry)
    again = [deploy(cwl_json(package(first))), deploy(cwl_yaml(package(first)), "application/cwl+yaml")]
    described = documents.description(first, Links("http://example.com"))
    again.append(deploy(application_package(package(first), described), "application/ogcapppkg+json"))
    for second in again:
        assert (second.id, second.title, second.description) == (first.id, first.title, first.description)
        assert (second.inputs, second.outputs, second.job_control) == (first.inputs, first.outputs, first.job_control)
        assert second.mutable


def test_yaml_keeps_the_order_and_the_text() -> None:
    text = cwl_yaml(package(deploy({"cwlVersion": "v1.2", **TOOL, "id": "x", "doc": "naïve"})))
    assert list(yaml.safe_load(text))[:2] == ["cwlVersion", "class"] and "naïve" in text.decode()


@pytest.mark.parametrize("source", [b"", b"\x00\xff", b"cwlVersion: v1.2\n" * 1000])
def test_a_package_in_a_request_comes_out_as_it_went_in(source: bytes) -> None:
    whole = Package({"class": "X", "n": [1, 2.5, None, "\ud800"]}, "#m", source, "text/x", True, True, "v1.1")
    request = enclose({"inputs": {}}, whole)
    assert enclosed_package(json.loads(json.dumps(request))) == whole
    assert enclosed_package({"inputs": {}}) is None
    assert len(json.dumps(request)) < len(source) + 1000
