"""openapi-spec-validator accepts what the server says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from pygeoapi_oapip.testing.live_server import LiveServer

EVERY_TYPE = """
cwlVersion: v1.2
class: CommandLineTool
id: every-type
baseCommand: echo
requirements: {SchemaDefRequirement: {types: [{name: place, type: record, fields: {x: float, note: "string?"}}]}}
inputs:
  text: string?
  count: {type: [int, string, 'null']}
  raster: {type: File, format: 'https://www.iana.org/assignments/media-types/image/tiff'}
  rasters: File[]
  folder: Directory?
  grid: {type: {type: array, items: {type: array, items: double}}}
  point: '#every-type/place'
  choice: {type: {type: enum, symbols: [a, b]}, default: a}
  anything: Any
outputs: {all: {type: {type: array, items: [File, Directory]}, outputBinding: {glob: '*'}}}
"""


def definition(server: LiveServer, form: str) -> dict[str, Any]:
    answer = server.get("/openapi", params={"f": form})
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(scope="module")
def described(server: LiveServer) -> LiveServer:
    server.deploy(EVERY_TYPE)
    return server


@pytest.mark.requirement("part1/oas30/oas-definition-2", "part1-2.0/oas30/oas-definition")
def test_the_definition_is_valid_openapi_3_0(described: LiveServer) -> None:
    document = definition(described, "oas30")
    assert document["openapi"].startswith("3.0") and "/processes/every-type/execution" in document["paths"]
    assert [str(error) for error in OpenAPIV30SpecValidator(document).iter_errors()] == []


@pytest.mark.requirement("part1-2.0/oas31/oas-definition")
def test_the_newer_definition_is_valid_openapi_3_1(described: LiveServer) -> None:
    document = definition(described, "oas31")
    assert document["openapi"].startswith("3.1") and "/processes/every-type/execution" in document["paths"]
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert '"nullable"' not in described.get("/openapi", params={"f": "oas31"}).text
