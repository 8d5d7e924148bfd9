"""packages.describe: every CWL type as a process description."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from pygeoapi_oapip.errors import InvalidPackage
from pygeoapi_oapip.model.process import Input, JobControl, Output, Package
from pygeoapi_oapip.packages.describe import derive_id, describe
from pygeoapi_oapip.packages.load import load_local_package

Make = Callable[..., Package]


def schema_of(package: Make, cwl: Any, **members: Any) -> Any:
    return describe(package({"x": {"type": cwl, **members}})).inputs["x"].schema


BINARY = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}


@pytest.mark.parametrize(
    ("cwl", "schema"),
    [
        ("string", {"type": "string"}),
        ("boolean", {"type": "boolean"}),
        ("int", {"type": "integer", "format": "int32"}),
        ("long", {"type": "integer", "format": "int64"}),
        ("float", {"type": "number", "format": "float"}),
        ("double?", {"type": "number", "format": "double", "nullable": True}),
        (["null", "string"], {"type": "string", "nullable": True}),
        (["int", "string"], {"oneOf": [{"type": "integer", "format": "int32"}, {"type": "string"}]}),
        ({"type": "enum", "symbols": ["a", "#x/b"]}, {"type": "string", "enum": ["a", "b"]}),
        ("Directory", {"type": "string", "format": "uri", "contentMediaType": "inode/directory"}),
        ("File", BINARY),
        (
            {"type": "array", "items": {"type": "array", "items": "string"}},
            {"type": "array", "items": {"type": "string"}},
        ),
        ("string[]", {"type": "string"}),
        ("null", {"type": "string", "enum": [None], "nullable": True}),
        (
            {"type": "record", "fields": {"a": "string", "b": {"type": "int?", "label": "B"}}},
            {
                "type": "object",
                "properties": {
                    "a": {"type": "string"},
                    "b": {"type": "integer", "format": "int32", "nullable": True, "title": "B"},
                },
                "required": ["a"],
            },
        ),
    ],
)
def test_types(package: Make, cwl: Any, schema: Any) -> None:
    assert schema_of(package, cwl) == schema


def test_any_accepts_anything(package: Make) -> None:
    schema = schema_of(package, "Any")
    assert all(Draft4Validator(schema).is_valid(value) for value in (None, 1, "a", [1], {"a": True}))


@pytest.mark.parametrize(
    ("uri", "media_type"),
    [
        ("iana:image/tiff", "image/tiff"),
        ("http://edamontology.org/format_3591", "image/tiff"),
        ("edam:format_3464", "application/json"),
        ("http://www.opengis.net/def/media-type/ogc/1.0/geotiff", "image/tiff; application=geotiff"),
        ("https://www.iana.org/assignments/media-types/application/geo+json", "application/geo+json"),
        ("http://example.com/unknown", "application/octet-stream"),
    ],
)
def test_formats_become_media_types(package: Make, uri: str, media_type: str) -> None:
    spaces = {"iana": "https://www.iana.org/assignments/media-types/", "edam": "http://edamontology.org/"}
    made = package({"x": {"type": "File", "format": uri}}, **{"$namespaces": spaces})
    assert describe(made).inputs["x"].schema["contentMediaType"] == media_type


def test_several_formats_are_alternatives_with_the_first_as_default(package: Make) -> None:
    schema = schema_of(package, "File", format=["edam:1", "http://edamontology.org/format_3752", "text/plain"])
    assert [member["contentMediaType"] for member in schema["oneOf"]] == ["text/csv", "text/plain"]


@pytest.mark.parametrize("default", [0, False, "", 1.5, "a"])
def test_falsy_defaults_stay(package: Make, default: Any) -> None:
    kinds = {int: "int", bool: "boolean", str: "string", float: "double"}
    found = describe(package({"x": {"type": kinds[type(default)], "default": default}})).inputs["x"]
    assert found.schema["default"] == default
    assert type(found.schema["default"]) is type(default)
    assert found.min_occurs == 0


@pytest.mark.parametrize(
    ("cwl", "default"), [("string[]", []), ("string[]", ["a"]), ("File", {"class": "File", "contents": "x"})]
)
def test_defaults_that_do_not_fit_the_schema_are_metadata(package: Make, cwl: str, default: Any) -> None:
    found = describe(package({"x": {"type": cwl, "default": default}})).inputs["x"]
    assert "default" not in found.schema
    assert found.min_occurs == 0
    assert [item["title"] for item in found.metadata] == ["CWL type", "Default"]


@pytest.mark.parametrize(
    ("cwl", "occurs"),
    [("string", (1, 1)), ("string?", (0, 1)), ("File[]", (1, None)), ("File[]?", (0, None)), (["null", "int"], (0, 1))],
)
def test_occurrence(package: Make, cwl: Any, occurs: tuple[int, int | None]) -> None:
    found = describe(package({"x": cwl if isinstance(cwl, str) else {"type": cwl}})).inputs["x"]
    assert (found.min_occurs, found.max_occurs) == occurs


def test_outputs(package: Make) -> None:
    outputs = {
        "log": "stdout",
        "many": {"type": "File[]", "format": "text/csv", "secondaryFiles": [".idx", {"pattern": "^.txt"}]},
        "n": {"type": "int", "label": "N", "doc": ["one", "two"]},
    }
    found = describe(package(outputs=outputs)).outputs
    assert found["log"].schema == BINARY
    assert found["many"].schema == {"type": "array", "items": {**BINARY, "contentMediaType": "text/csv"}}
    assert {item["title"]: item["value"] for item in found["many"].metadata} == {
        "CWL type": "File[]",
        "Secondary files": ".idx, ^.txt",
    }
    assert (found["n"].title, found["n"].description) == ("N", "one\ntwo")


def test_schema_org_metadata(package: Make) -> None:
    made = package(
        **{
            "$namespaces": {"s": "https://schema.org/"},
            "s:name": "The name",
            "s:description": "What it does",
            "s:softwareVersion": "0.3",
            "s:keywords": "water, sentinel-2",
            "s:license": "https://spdx.org/licenses/MIT",
            "s:author": [{"class": "s:Person", "s:name": "Jane", "s:email": "jane@example.com"}],
        }
    )
    found = describe(made)
    assert (found.title, found.description, found.version) == ("The name", "What it does", "0.3")
    assert found.keywords == ("water", "sentinel-2")
    assert found.metadata == (
        {"title": "License", "role": "https://schema.org/license", "href": "https://spdx.org/licenses/MIT"},
        {
            "title": "Jane",
            "role": "https://schema.org/author",
            "value": {"name": "Jane", "email": "jane@example.com"},
        },
    )


def test_members_that_clients_need_are_always_there(package: Make) -> None:
    found = describe(package({"x": "string"}, {"y": "int"}))
    assert (found.id, found.version, found.title, found.description) == ("echo", "1.0.0", "echo", "echo")
    assert (found.inputs["x"].title, found.outputs["y"].title) == ("x", "y")


@pytest.mark.parametrize(
    ("given", "made"), [("a b/c", "a-b-c"), ("#main", "main"), ("x.cwl#tool_1", "tool_1"), ("é", "")]
)
def test_ids_are_made_fit(package: Make, given: str, made: str) -> None:
    assert derive_id(package(id=given)) == made


def test_a_process_without_id_is_refused_with_advice(package: Make) -> None:
    with pytest.raises(InvalidPackage, match="Give the CWL process an `id`"):
        describe(package(id=None))
    assert describe(package(id=None), "given").id == "given"


@pytest.mark.parametrize(
    ("members", "short"),
    [
        ({}, False),
        ({"class": "ExpressionTool"}, True),
        ({"requirements": {"ToolTimeLimit": {"timelimit": 60}}}, True),
        ({"hints": [{"class": "ToolTimeLimit", "timelimit": 10}]}, True),
        ({"requirements": {"ToolTimeLimit": {"timelimit": 61}}}, False),
        ({"requirements": {"ToolTimeLimit": {"timelimit": 0}}}, False),
        ({"requirements": {"ToolTimeLimit": {"timelimit": "$(inputs.t)"}}}, False),
    ],
)
def test_short_processes_may_run_synchronously(package: Make, members: Mapping[str, Any], short: bool) -> None:
    found = describe(package(**members)).job_control
    assert (JobControl.SYNC in found) == short
    assert {JobControl.ASYNC, JobControl.DISMISS} <= set(found)


def schemas_below(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for word in ("oneOf", "anyOf"):
            for member in value.get(word, []):
                yield from schemas_below(member)
        yield from schemas_below(value.get("items"))
        for member in (value.get("properties") or {}).values():
            yield from schemas_below(member)


def is_in_the_subset(schema: Mapping[str, Any]) -> bool:
    allowed = {"type", "format", "enum", "items", "properties", "required", "oneOf", "anyOf", "nullable", "default"}
    allowed |= {"title", "description", "contentMediaType"}
    return (
        set(schema) <= allowed
        and bool(schema)
        and isinstance(schema.get("type", "string"), str)
        and schema.get("type") != "null"
        and schema.get("required") != []
        and (schema.get("type") != "array" or isinstance(schema.get("items"), dict))
    )


def test_the_whole_suite_is_described_in_the_subset_and_agrees_with_cwl_utils(suite: Path) -> None:
    from cwl_utils.inputs_schema_gen import cwl_to_jsonschema
    from cwl_utils.parser import load_document_by_uri

    paths = [path for path in sorted(suite.glob("*.cwl")) if path.name not in ("conflict-wf.cwl",)][::6]
    slowest, compared = 0.0, 0
    for path in paths:
        package = load_local_package(path, "wf" if path.name == "js-expr-req-wf.cwl" else None)
        start = time.process_time()
        found = describe(package, "x")
        slowest = max(slowest, time.process_time() - start)
        described: list[Input | Output] = [*found.inputs.values(), *found.outputs.values()]
        for item in described:
            assert all(map(is_in_the_subset, schemas_below(item.schema))), (path.name, item.schema)
            json.dumps(item.schema, allow_nan=False)
        if "$graph" in package.document:
            continue
        loaded: Any = load_document_by_uri(path.resolve().as_uri())
        oracle = cwl_to_jsonschema(loaded)
        required = {name for name, item in found.inputs.items() if item.min_occurs > 0}
        assert required == set(oracle.get("required", [])), path.name
        compared += 1
    assert compared > 20
    assert slowest < 20
