"""What is taken over of pygeoapi's document is valid and complete in itself, whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest

from pygeoapi_oapip.ogcapi.definition.beside import Beside, cleaned

OWN: dict[str, Any] = {"schemas": {"link": {}}, "parameters": {"f": {}}}
OUTSIDE = "https://schemas.opengis.net/ogcapi/features/part1/1.0/openapi/ogcapi-features-1.yaml#/components"


def clean(paths: dict[str, Any], components: dict[str, Any] | None = None, **more: Any) -> Beside:
    return cleaned({"paths": paths, "components": components or {}, **more}, OWN, {"/": {}, "/conformance": {}})


def get_of(operation: dict[str, Any], path: str = "/collections") -> dict[str, Any]:
    found: dict[str, Any] = clean({path: {"get": operation}}).paths[path]["get"]
    return found


def test_our_paths_are_left_out() -> None:
    item = {"get": {"responses": {"200": {"description": "ok"}}}}
    paths = {"/": item, "/conformance": item, "/processes/x": item, "/jobs": item, "/collections": item}
    assert list(clean(paths).paths) == ["/collections"]


def test_references_to_other_hosts_are_resolved_without_a_request() -> None:
    found = get_of(
        {
            "parameters": [{"$ref": f"{OUTSIDE}/parameters/featureId"}, {"$ref": "https://example.org/sortby.yaml"}],
            "responses": {
                "200": {"$ref": f"{OUTSIDE}/responses/Features"},
                "default": {
                    "description": "",
                    "content": {"application/json": {"schema": {"$ref": "https://example.org/exception.yaml"}}},
                },
            },
        },
        "/items/{featureId}",
    )
    assert found["parameters"] == [
        {"name": "sortby", "in": "query", "schema": {}},
        {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}},
    ]
    assert found["responses"]["200"] == {"description": "Features"}
    assert found["responses"]["default"] == {"description": "default", "content": {"application/json": {"schema": {}}}}


def test_components_of_our_names_are_renamed_with_the_references_to_them() -> None:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
    components = {
        "schemas": {"link": {"type": "object"}, "links": schema, "a b": {}},
        "parameters": {"f": {"name": "f", "in": "query", "schema": {"type": "string"}}},
    }
    response = {"description": "ok", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/link"}}}}
    operation = {"parameters": [{"$ref": "#/components/parameters/f"}], "responses": {200: response}}
    found = clean({"/a": {"get": operation}}, components)
    assert set(found.components["schemas"]) == {"pygeoapi.link", "links", "a_b"}
    assert found.components["schemas"]["links"]["items"] == {"$ref": "#/components/schemas/pygeoapi.link"}
    assert found.paths["/a"]["get"]["parameters"] == [{"$ref": "#/components/parameters/pygeoapi.f"}]
    content = found.paths["/a"]["get"]["responses"]["200"]["content"]
    assert content["a/b"]["schema"] == {"$ref": "#/components/schemas/pygeoapi.link"}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"responses": None},
        {"responses": {"600": {"description": "no status"}, "abc": {}, "200": "text"}},
        {"parameters": "text", "responses": {}},
        {"parameters": [{}, {"name": "a"}, {"name": "a", "in": "body"}, "text", {"name": "x", "in": "path"}]},
        {"parameters": [{"$ref": "#/components/parameters/absent"}] * 2},
        {"requestBody": {}, "operationId": 5, "summary": ["text"]},
        {"requestBody": {"content": {"a/b": "text"}}},
    ],
)
def test_what_is_broken_is_put_right_or_left_out(broken: dict[str, Any]) -> None:
    found = get_of(broken)
    assert found["responses"] and all(answer["description"] for answer in found["responses"].values())
    names = [(item["name"], item["in"]) for item in found.get("parameters", ())]
    assert len(names) == len(set(names)) and ("x", "path") not in names
    assert "requestBody" not in found or found["requestBody"]["content"]


def test_an_operation_id_is_given_once() -> None:
    operation = {"operationId": "same", "responses": {"200": {"description": "ok"}}}
    found = clean({"/a": {"get": operation, "post": operation}, "/b": "text"}).paths
    assert "/b" not in found
    assert [("operationId" in found["/a"][method]) for method in ("get", "post")] == [True, False]


def test_tags_have_names() -> None:
    found = clean({}, tags=[{"name": "obs", "description": {"en": "D"}}, {"description": "no name"}, "text"])
    assert found.tags == [{"name": "obs"}]


def test_a_path_parameter_of_a_component_is_not_declared_twice() -> None:
    components = {"parameters": {"theId": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}}}
    found = clean({"/a/{id}": {"get": {"parameters": [{"$ref": "#/components/parameters/theId"}]}}}, components)
    assert found.paths["/a/{id}"]["get"]["parameters"] == [{"$ref": "#/components/parameters/theId"}]
