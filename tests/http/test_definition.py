"""The API definition against the server: routes, references, status codes, examples, and the values it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip import errors
from pygeoapi_oapip.engines.builtin.echo_description import DESCRIPTION
from pygeoapi_oapip.model.process import Input
from pygeoapi_oapip.ogcapi.definition.document import LIVE_PATHS
from pygeoapi_oapip.ogcapi.definition.schemas30 import strict
from pygeoapi_oapip.ogcapi.definition.schemas31 import upgraded_schema
from pygeoapi_oapip.ogcapi.definition.values import input_schema
from pygeoapi_oapip.testing.operations import FakeOperations
from pygeoapi_oapip.validate import validate

METHODS = ("get", "post", "put", "patch", "delete")
FAULTS: dict[str, type[errors.OapipError]] = {
    "400": errors.BadRequest,
    "403": errors.Forbidden,
    "404": errors.NotFound,
    "409": errors.Conflict,
    "413": errors.TooLarge,
    "415": errors.UnsupportedMediaType,
    "500": errors.Internal,
    "503": errors.StoreUnavailable,
}
STILL = {"/", "/conformance", "/swagger-ui/oapip/", "/health"}
"""These ask no operation, or tell its fault themselves."""


def definition(client: FlaskClient) -> dict[str, Any]:
    document = client.get("/openapi").json
    assert document is not None
    return dict(document)


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    for name in node.get("$ref", "").removeprefix("#/").split("/") if "$ref" in node else ():
        document = document[name]
    return document if "$ref" in node else node


@pytest.mark.requirement("part1/oas30/completeness", "part1-2.0/oas/completeness", "part1/oas30/oas-impl")
def test_every_route_is_documented_and_everything_documented_has_a_route(client: FlaskClient) -> None:
    served = {
        (re.sub(r"<[^>]+>", "{}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods or ()
        if not rule.rule.startswith("/oapip-static")
    }
    documented = {(re.sub(r"{\w+}", "{}", path), method) for path, method, _ in operations_of(definition(client))}
    live = {row for row in documented if re.fullmatch(r"/processes/(?!{})[^/]+/execution", row[0])}
    assert {row for row in served if row[1] in METHODS} - documented == set()
    assert documented - live - served == set()
    assert {method for _, method in live} <= {method for path, method in served if path == "/processes/{}/execution"}


@pytest.mark.requirement("part1/oas30/completeness", "part1-2.0/oas/completeness")
def test_every_operation_tells_its_answers(client: FlaskClient) -> None:
    document = definition(client)
    for path, method, operation in operations_of(document):
        codes = set(operation["responses"])
        assert any(code.startswith(("2", "3")) for code in codes), (path, method)
        assert operation["operationId"] and operation["summary"] and operation["tags"]
        for code, answer in operation["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d", code) and resolved(document, answer)["description"]
        if operation.get("requestBody"):
            assert "413" in codes, (path, method)
        if "{" in path or "/execution" in path:
            assert "404" in codes, (path, method)


@pytest.mark.requirement("part1/oas30/exceptions-codes", "part1-2.0/oas/exceptions-codes")
def test_every_documented_fault_is_answered_as_documented(client: FlaskClient, operations: FakeOperations) -> None:
    document = definition(client)
    tried, wrong = 0, []
    for path, method, operation in operations_of(document):
        for code in [code for code in operation["responses"] if code in FAULTS and path not in STILL]:
            operations.error = FAULTS[code]("as it was asked to")
            address = re.sub(r"{processID}", "echo", re.sub(r"{(?!processID)\w+}", "x", path))
            response = client.open(address, method=method.upper(), **_body(path, operation))
            if str(response.status_code) != code:
                wrong.append((method, path, code, response.text[:200]))
                continue
            answer = resolved(document, operation["responses"][code])
            problem = resolved(document, answer["content"]["application/json"]["schema"])
            jsonschema.Draft4Validator(problem).validate(response.json)
            for name in answer.get("headers", {}):
                assert name in response.headers, (method, path, code, name)
            tried += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 60


CWL: dict[str, Any] = {"cwlVersion": "v1.2", "class": "CommandLineTool", "inputs": {}, "outputs": {}}
BODIES = {"/processes/CWL/execution": {"executionUnit": {"value": CWL}, "inputs": {}}, "/jobs": {"process": "echo"}}


def _body(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {"json": BODIES.get(path, {})} if "requestBody" in operation else {}


def test_references_lead_somewhere_and_ids_are_unique(client: FlaskClient) -> None:
    document = definition(client)

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            for item in node.values():
                yield from references(item)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    assert all(resolved(document, {"$ref": reference}) is not None for reference in set(references(document)))
    names = [operation["operationId"] for *_, operation in operations_of(document)]
    assert len(names) == len(set(names))
    known = set(names)
    assert {link["operationId"] for link in document["components"]["links"].values()} <= known


def test_every_process_has_a_path_of_its_own_up_to_a_limit(client: FlaskClient, operations: FakeOperations) -> None:
    plain = operations.processes_by_id["echo"]
    operations.processes_by_id = {f"p{n:05}": replace(plain, id=f"p{n:05}") for n in range(LIVE_PATHS + 2)}
    operations.changes += 1
    document = definition(client)
    own = [path for path in document["paths"] if re.fullmatch(r"/processes/p\d+/execution", path)]
    assert len(own) == LIVE_PATHS
    assert "2 more processes are executed at `/processes/{processID}/execution`" in document["info"]["description"]


def test_ids_that_are_no_plain_text_are_escaped_in_paths(client: FlaskClient, operations: FakeOperations) -> None:
    plain = operations.processes_by_id["echo"]
    operations.processes_by_id["a/b {c}"] = replace(plain, id="a/b {c}")
    operations.changes += 1
    assert "/processes/a%2Fb%20%7Bc%7D/execution" in definition(client)["paths"]


def test_the_example_of_a_process_fits_its_schema(client: FlaskClient, operations: FakeOperations) -> None:
    operations.processes_by_id["echo"] = DESCRIPTION
    operations.changes += 1
    document = definition(client)
    content = document["paths"]["/processes/echo/execution"]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"]["inputs"]
    _validator(content["schema"], document).validate(content["example"])
    validate(content["example"], DESCRIPTION)


def _validator(schema: dict[str, Any], document: dict[str, Any]) -> jsonschema.Draft202012Validator:
    components = {name: upgraded_schema(item) for name, item in document["components"]["schemas"].items()}
    return jsonschema.Draft202012Validator({**upgraded_schema(schema), "components": {"schemas": components}})


LINK = {"href": "https://example.org/a"}
QUALIFIED = {"value": "YQ==", "encoding": "base64"}
QUALIFIED_TEXT = {"value": "a", "mediaType": "text/plain", "encoding": "utf-8"}
TEXT: dict[str, Any] = {"type": "string", "contentMediaType": "text/plain"}
IMAGE: dict[str, Any] = {"type": "string", "format": "binary", "contentMediaType": "image/tiff"}
FILE: dict[str, Any] = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}


@pytest.mark.requirement("part1/oas30/oas-impl", "part1-2.0/oas/oas-impl")
@pytest.mark.parametrize(
    ("item", "values"),
    [
        (Input("i", "", {"type": "integer", "minimum": 0}), [1, -1, "a", None, [1], {"value": 1}, {"value": "a"}]),
        (Input("i", "", {"type": "integer"}, min_occurs=0), [None, 1, LINK, {}, {"href": 5}, {"href": "a b"}]),
        (Input("i", "", {"type": "number"}, max_occurs=None), [1, [1, 2], [], ["a"], [1, LINK], [{"value": 2}]]),
        (Input("i", "", {"type": "number"}, min_occurs=2, max_occurs=3), [[1, 2], [1, 2, 3], [1, 2, 3, 4]]),
        (Input("i", "", {"type": "string", "enum": ["a", "b"]}), ["a", "c", {"value": "b"}, {"value": "c"}]),
        (Input("i", "", {"type": "string", "nullable": True}), ["a", None, 1]),
        (Input("i", "", {"type": "object", "properties": {"value": {"type": "string"}}}), [{}, {"value": "a"}, 1]),
        (Input("i", "", {"oneOf": [{"type": "integer"}, {"type": "boolean"}]}), [1, True, "a"]),
        (Input("i", "", {"description": "Any JSON value."}), [1, "a", [1], {"a": 1}]),
        (Input("i", "", TEXT), ["a", LINK, {**LINK, "type": "text/plain"}, 5, ["a"], QUALIFIED_TEXT]),
        (Input("i", "", FILE), ["a", LINK, {"a": 1}, 5, QUALIFIED, {**QUALIFIED, "encoding": "x"}]),
        (Input("i", "", IMAGE), [LINK, {"a": 1}, 5, QUALIFIED, {**QUALIFIED, "mediaType": "image/tiff"}]),
        (Input("i", "", FILE, max_occurs=None), [[LINK, "a"], LINK, [], [5]]),
        (Input("i", "", {"type": "array", "items": {"type": "integer"}}), [[1], [], ["a"], {"value": [1]}, 1]),
    ],
)
def test_the_definition_accepts_what_validation_accepts(client: FlaskClient, item: Input, values: list[Any]) -> None:
    validator = _validator(strict(input_schema(item)), definition(client))
    process = replace(DESCRIPTION, inputs={"i": item})
    for value in values:
        fits = validator.is_valid(value)
        try:
            validate({"inputs": {"i": value}}, process)
            accepted = True
        except errors.BadRequest:
            accepted = False
        assert fits == accepted, (value, fits, accepted)
