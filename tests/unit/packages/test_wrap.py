from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pygeoapi_oapip.errors import InvalidInputs
from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.model.value import Inline, InputValue, Many, Reference
from pygeoapi_oapip.packages import eoap_types
from pygeoapi_oapip.packages.document import find_process
from pygeoapi_oapip.packages.load import load_package
from pygeoapi_oapip.packages.wrap import Tools, Wrapped, wrap
from pygeoapi_oapip.packages.wrap_order import local_inputs, wrapped_order
from pygeoapi_oapip.packages.wrap_tools import Role, read_tool

from .test_wrap_tools import SCHEMAS, tool

PLACE = "https://data.example/"


def fetching(kind: str) -> dict[str, Any]:
    return tool(
        id="fetch",
        requirements=SCHEMAS,
        inputs={"reference": eoap_types.URI},
        outputs={"staged": {"type": kind, "outputBinding": {"glob": "."}}},
    )


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    folder = tmp_path_factory.mktemp("tools")
    documents = {
        Role.STAGE_IN: fetching("Directory"),
        Role.STAGE_IN_FILE: fetching("File"),
        Role.STAGE_OUT: tool(),
        Role.STAGE_OUT_FILE: tool(cwlVersion="v1.2", inputs={"file": "File", "process": "string"}),
    }
    found = {}
    for role, document in documents.items():
        (folder / f"{role}.yaml").write_text(yaml.safe_dump(document))
        found[role] = read_tool(folder / f"{role}.yaml", role)
    return found


def package(inputs: Mapping[str, Any], outputs: Mapping[str, Any], **more: Any) -> Package:
    bound = {key: {"type": kind, "outputBinding": {"glob": "x"}} for key, kind in outputs.items()}
    document = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": "work",
        "baseCommand": "true",
        "inputs": inputs,
        "outputs": bound,
        **more,
    }
    return load_package(json.dumps(document).encode(), "application/cwl+json")


def steps_of(wrapped: Wrapped) -> Mapping[str, Any]:
    main = find_process(wrapped.package.document, wrapped.package.entry)
    steps: Any = main["steps"]
    return {step["id"].rpartition("/")[2]: step for step in steps}


def made(given: Package, tools: Tools, **options: Any) -> Wrapped:
    found = wrap(given, tools, **options)
    assert found is not None
    return found


class _Files:
    """Tells what it was asked for."""

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        return {"class": "File", "location": f"staged:{href}"}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        return {"class": "File", "contents": content.decode()}


def test_one_step_for_each_directory_and_file(tools: Tools) -> None:
    found = made(package({"a": "Directory", "b": "File", "n": "int"}, {"x": "Directory", "y": "File"}), tools)
    assert list(steps_of(found)) == ["stage_in_a", "stage_in_b", "app", "stage_out_x", "stage_out_y"]
    assert found.staged_in == {"a": "uri", "b": "uri"}
    assert found.staged_out == {"x": "Directory", "y": "File"}
    assert {name: row[0] for name, row in found.hoisted.items()} == {"process": "process", "depth": "depth"}
    assert found.package.cwl_version == "v1.2"


def test_arrays_scatter_and_optional_values_have_a_condition(tools: Tools) -> None:
    inputs = {"a": "Directory[]", "b": "Directory?", "c": "Directory[]?"}
    steps = steps_of(made(package(inputs, {"x": "Directory?", "y": "File[]"}), tools))
    assert "scatter" in steps["stage_in_a"] and "when" not in steps["stage_in_a"]
    assert "when" in steps["stage_in_b"] and "scatter" not in steps["stage_in_b"]
    assert "when" in steps["stage_in_c"] and "items" in steps["stage_in_c"]["run"]
    assert "when" in steps["stage_out_x"] and "scatter" in steps["stage_out_y"]


def test_names_that_meet_are_kept_apart(tools: Tools) -> None:
    given = package({"process": "string", "app": "string", "depth": "float", "main": "Directory"}, {"x": "Directory"})
    found = made(given, tools)
    assert {name: row[0] for name, row in found.hoisted.items()} == {"process_2": "process", "depth_2": "depth"}
    [step] = [step for name, step in steps_of(found).items() if name == "stage_out_x"]
    sources = {row["id"].rpartition("/")[2]: row["source"].rpartition("/")[2] for row in step["in"] if "source" in row}
    assert sources["process"] == "process_2"
    order = wrapped_order(
        given, found, {"process": Inline("mine"), **_all("app", "main"), "depth": Inline(1.5)}, _Files()
    )
    assert order["process"] == "mine"


def _all(text: str, folder: str) -> Mapping[str, InputValue]:
    return {text: Inline("text"), folder: Reference(f"{PLACE}1")}


def test_package_without_data_is_left_alone(tools: Tools) -> None:
    assert wrap(package({"n": "int"}, {"s": "string?"}), tools) is None


def test_only_what_has_a_tool_is_staged(tools: Tools) -> None:
    given = package({"a": "Directory", "b": "File"}, {"x": "Directory", "y": "File"})
    found = made(given, {Role.STAGE_OUT: tools[Role.STAGE_OUT]})
    assert (dict(found.staged_in), dict(found.staged_out)) == ({}, {"x": "Directory"})


def test_files_with_others_beside_them_are_not_staged_by_address(tools: Tools) -> None:
    given = package({"a": {"type": "File", "secondaryFiles": [".idx"]}, "b": "Directory"}, {"x": "Directory"})
    assert set(made(given, tools).staged_in) == {"b"}


def test_older_and_newer_versions_meet(tools: Tools) -> None:
    for version in ("v1.0", "v1.1", "v1.2"):
        given = package({"a": "Directory"}, {"x": "Directory", "y": "File"}, cwlVersion=version)
        assert made(given, tools).package.cwl_version == "v1.2"


def test_package_may_be_a_graph_with_records(tools: Tools) -> None:
    kind = {"type": {"type": "record", "fields": [{"name": "box", "type": "float[]"}]}}
    document = {
        "cwlVersion": "v1.0",
        "$graph": [
            {
                "class": "Workflow",
                "id": "main",
                "inputs": {"item": "Directory", "area": kind},
                "outputs": {"x": {"type": "Directory", "outputSource": "run/x"}},
                "steps": {"run": {"run": "#tool", "in": {"item": "item", "area": "area"}, "out": ["x"]}},
            },
            {
                "class": "CommandLineTool",
                "id": "tool",
                "baseCommand": "true",
                "inputs": {"item": "Directory", "area": kind},
                "outputs": {"x": {"type": "Directory", "outputBinding": {"glob": "."}}},
            },
        ],
    }
    given = load_package(json.dumps(document).encode(), "", entry="main")
    assert set(made(given, tools).staged_in) == {"item"}


def test_addresses_take_the_form_of_the_tool(tools: Tools) -> None:
    given = package({"a": "Directory[]", "b": "File?", "n": "int", "off": "boolean"}, {"x": "Directory"})
    inputs: Mapping[str, InputValue] = {
        "a": Many((Reference(f"{PLACE}1"), Inline(f"{PLACE}2"))),
        "n": Inline(3),
        "off": Inline(False),
    }
    assert local_inputs(given, tools, inputs) == frozenset()
    order = wrapped_order(given, made(given, tools), inputs, _Files())
    assert order == {"a": [{"value": f"{PLACE}1"}, {"value": f"{PLACE}2"}], "n": 3, "off": False}


@pytest.mark.parametrize(
    "value", [Inline("text"), Reference("file:///data/a.txt"), Inline({"class": "File", "contents": "x"})]
)
def test_what_is_here_is_not_fetched(tools: Tools, value: InputValue) -> None:
    given = package({"b": "File"}, {"x": "Directory"})
    local = local_inputs(given, tools, {"b": value})
    assert local == {"b"}
    found = made(given, tools, local=local)
    order: Any = wrapped_order(given, found, {"b": value}, _Files())
    assert not found.staged_in and order["b"]["class"] == "File"


def test_values_of_two_kinds_are_refused(tools: Tools) -> None:
    given = package({"b": "File[]"}, {})
    with pytest.raises(InvalidInputs, match=r"inputs\.b: give all values by addresses"):
        local_inputs(given, tools, {"b": Many((Inline("text"), Reference(f"{PLACE}1")))})


def test_secrets_may_come_from_a_file_of_the_engine(tools: Tools) -> None:
    found = made(package({"a": "Directory"}, {"x": "Directory"}), tools, from_file=frozenset({"process"}))
    assert found.secrets_file == "secrets_file" and "process" not in found.hoisted
    steps = steps_of(found)
    row = next(row for row in steps["stage_out_x"]["in"] if row["id"].endswith("/process"))
    assert row["source"].endswith("/read_secrets/process") and "read_secrets" in steps
    assert "JSON.parse(inputs.file.contents)" in json.dumps(found.package.document)


def test_secret_inputs_of_the_application_are_told_outside(tools: Tools, tmp_path: Path) -> None:
    given = package(
        {"a": "Directory", "key": "string"},
        {"x": "Directory"},
        hints={"cwltool:Secrets": {"secrets": ["key"]}},
        **{"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}},
    )
    found = made(given, tools)
    main = find_process(found.package.document, found.package.entry)
    assert "key" in json.dumps(main["hints"])
