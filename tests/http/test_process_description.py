"""The class OGC Process Description, on the process that has every kind of input and output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft4Validator

from pygeoapi_oapip.engines.builtin.echo_description import DESCRIPTION
from pygeoapi_oapip.model.value import Inline, Reference
from pygeoapi_oapip.testing.operations import FakeOperations
from pygeoapi_oapip.validate import validate

KEYWORDS = {
    "title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength",
    "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "type",
    "not", "allOf", "oneOf", "anyOf", "items", "properties", "additionalProperties", "description", "format",
    "default", "nullable", "readOnly", "writeOnly", "example", "deprecated", "contentMediaType", "contentEncoding",
    "contentSchema",
}  # fmt: skip
"""The members that Part 1 schema.yaml allows."""


@pytest.fixture
def document(client: FlaskClient, operations: FakeOperations) -> dict[str, Any]:
    operations.processes_by_id[DESCRIPTION.id] = DESCRIPTION
    found = client.get(f"/processes/{DESCRIPTION.id}").json
    assert isinstance(found, dict)
    return found


def schemas_below(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for word in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(word, []):
            yield from schemas_below(part)
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from schemas_below(part)


@pytest.mark.requirement("part1/ogc-process-description/json-encoding")
def test_the_description_is_valid_by_the_definition(client: FlaskClient, document: dict[str, Any]) -> None:
    definition = client.get("/openapi?f=json").json
    assert definition is not None
    schema = {"$ref": "#/components/schemas/process", "components": definition["components"]}
    assert list(Draft4Validator(schema).iter_errors(document)) == []
    broken = {key: value for key, value in document.items() if key != "version"}
    assert list(Draft4Validator(schema).iter_errors(broken)) != []


@pytest.mark.requirement("part1/ogc-process-description/inputs-def", "part1/ogc-process-description/outputs-def")
def test_inputs_and_outputs_are_objects_by_id(document: dict[str, Any]) -> None:
    assert list(document["inputs"]) == list(DESCRIPTION.inputs)
    assert list(document["outputs"]) == list(DESCRIPTION.outputs)


@pytest.mark.requirement("part1/ogc-process-description/input-def", "part1/ogc-process-description/output-def")
@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_every_schema_has_the_members_of_the_standard_only(document: dict[str, Any], kind: str) -> None:
    schemas = [part for item in document[kind].values() for part in schemas_below(item["schema"])]
    assert len(schemas) > len(document[kind])
    for schema in schemas:
        assert set(schema) <= KEYWORDS
        assert isinstance(schema.get("type", ""), str)
        assert schema.get("required", ["x"]) != []
        for word in ("exclusiveMinimum", "exclusiveMaximum"):
            assert isinstance(schema.get(word, False), bool)


@pytest.mark.requirement(
    "part1/ogc-process-description/input-mixed-type", "part1/ogc-process-description/output-mixed-type"
)
@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_several_types_are_alternatives(document: dict[str, Any], kind: str) -> None:
    mixed = [item["schema"]["oneOf"] for item in document[kind].values() if "oneOf" in item["schema"]]
    assert mixed
    assert all(len(forms) > 1 for forms in mixed)


@pytest.mark.requirement("part1/ogc-process-description/input-binary")
def test_binary_content_is_a_string_in_base64(document: dict[str, Any]) -> None:
    binary = [
        part
        for item in document["inputs"].values()
        for part in schemas_below(item["schema"])
        if part.get("contentMediaType", "").startswith("image/")
    ]
    assert binary
    assert all(part["type"] == "string" for part in binary)
    assert {part.get("contentEncoding") for part in binary} <= {"base64", "binary"}


@pytest.mark.requirement("part1-2.0/ogc-process-description/links")
def test_the_description_links_itself_and_its_other_forms(document: dict[str, Any]) -> None:
    rels = [link["rel"] for link in document["links"]]
    assert rels.count("self") == 1
    assert "alternate" in rels
    assert "http://www.opengis.net/def/rel/ogc/1.0/execute" in rels


@pytest.mark.requirement("part1-2.0/ogc-process-description/value-passing")
def test_without_the_member_values_are_passed_both_ways(document: dict[str, Any]) -> None:
    assert "valuePassing" not in document["inputs"]["text"]
    by_value = validate({"inputs": {"text": "a"}}, DESCRIPTION)
    by_reference = validate({"inputs": {"text": {"href": "https://example.org/a.txt"}}}, DESCRIPTION)
    assert by_value.inputs == {"text": Inline("a")}
    assert by_reference.inputs == {"text": Reference("https://example.org/a.txt")}
