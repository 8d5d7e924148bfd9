"""Landing page, conformance, API definition, health, representations, errors and cross-origin access."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.errors import StoreUnavailable
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import PREFIX_KEY, DoorOptions, Host
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
PAGES = ["/", "/conformance", "/openapi", "/processes", "/processes/echo", "/processes/echo/history", "/jobs"]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_the_landing_page_links_everything(client: FlaskClient) -> None:
    document = client.get("/").json
    assert document and document["title"] == "Test service"
    links = {link["rel"]: link["href"] for link in document["links"]}
    ogc = "http://www.opengis.net/def/rel/ogc/1.0/"
    assert links["conformance"] == links[f"{ogc}conformance"] == f"{BASE}/conformance"
    assert links["processes"] == links[f"{ogc}processes"] == f"{BASE}/processes"
    assert links["job-list"] == links[f"{ogc}job-list"] == f"{BASE}/jobs"
    for rel in ("service-desc", "service-doc"):
        assert client.get(links[rel].removeprefix(BASE)).status_code == 200


def test_conformance_has_the_classes(client: FlaskClient) -> None:
    document = client.get("/conformance").json
    assert document is not None
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in document["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/deploy-replace-undeploy" in document["conformsTo"]


def test_documents_of_the_host_are_merged(operations: FakeOperations) -> None:
    host = Host(
        lambda: {"links": [{"rel": "data", "href": "d"}, {"rel": "self", "href": "theirs"}]},
        lambda: ["http://example.org/features", "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/x"],
        lambda: {"paths": {"/collections": {}, "/jobs": {}}, "components": {"schemas": {"theirs": {}}}},
    )
    client = create_app(operations, DoorOptions(BASE, host=host)).test_client()
    landing, conformance, openapi = (client.get(path).json for path in ("/", "/conformance", "/openapi"))
    assert landing and conformance and openapi
    assert "d" in [link["href"] for link in landing["links"]]
    assert "theirs" not in [link["href"] for link in landing["links"]]
    assert "http://example.org/features" in conformance["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/x" not in conformance["conformsTo"]
    assert "/collections" in openapi["paths"] and openapi["paths"]["/jobs"]
    assert "theirs" in openapi["components"]["schemas"]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_api_definition_holds_together(client: FlaskClient) -> None:
    response = client.get("/openapi")
    assert response.content_type == "application/vnd.oai.openapi+json;version=3.0"
    document = response.json
    assert document and document["openapi"].startswith("3.0")
    assert document["servers"] == [{"url": BASE}]
    for reference in set(references(document)):
        node: Any = document
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    names = [
        item["operationId"] for path in document["paths"].values() for item in path.values() if "operationId" in item
    ]
    assert len(names) == len(set(names))
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft4Validator.check_schema(schema)


def test_the_api_definition_has_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi").json
    assert document is not None
    documented = {re.sub(r"\{\w+\}", "{}", path): set(item) for path, item in document["paths"].items()}
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "{}", rule.rule)
        if path.startswith("/oapip-static"):
            continue
        methods = {method.lower() for method in (rule.methods or ())} - {"head", "options"}
        assert methods <= documented[path], path


def test_the_api_definition_has_the_inputs_of_live_processes(client: FlaskClient) -> None:
    document = client.get("/openapi").json
    assert document is not None
    schema = document["paths"]["/processes/echo/execution"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    inputs = schema["properties"]["inputs"]
    assert inputs["required"] == ["message"] and set(inputs["properties"]) == {"message", "many"}
    client.post("/processes", data="later", content_type="application/cwl")
    assert "/processes/later/execution" in client.get("/openapi").json["paths"]  # type: ignore[index]


def test_health_tells_each_part(client: FlaskClient, operations: FakeOperations) -> None:
    response = client.get("/health")
    assert (response.status_code, response.json) == (
        200,
        {"status": "ok", "parts": {"store": {"ok": True, "detail": ""}}},
    )
    operations.degraded = True
    response = client.get("/health")
    assert response.json is not None
    assert (response.status_code, response.json["status"]) == (200, "degraded")
    operations.healthy = False
    assert client.get("/health").status_code == 503


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_both_representations(client: FlaskClient, path: str) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        assert "json" in client.get(path, headers=headers).content_type
    for response in (client.get(path, headers={"Accept": BROWSER}), client.get(f"{path}?f=html")):
        assert response.status_code == 200
        assert response.content_type == "text/html; charset=utf-8"
    assert "json" in client.get(f"{path}?f=json", headers={"Accept": BROWSER}).content_type


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_other_hosts(client: FlaskClient, path: str) -> None:
    text = client.get(f"{path}?f=html").text
    loaded = re.findall(r"<(?:script|img|iframe)[^>]*\ssrc=\"([^\"]+)\"|<link[^>]*\shref=\"([^\"]+)\"", text)
    assert all(address.startswith(BASE) for pair in loaded for address in pair if address)


@pytest.mark.parametrize("path", PAGES)
def test_head_and_options_are_served(client: FlaskClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    options = client.options(path)
    assert options.status_code == 200 and "GET" in options.headers["Allow"]
    assert "html" not in options.content_type


def test_links_keep_the_prefix_that_a_request_came_by(client: FlaskClient) -> None:
    response = client.get("/processes", environ_overrides={PREFIX_KEY: "/alice/ogc-api"})
    assert response.json and response.json["processes"][0]["links"][0]["href"].startswith(
        f"{BASE}/alice/ogc-api/processes/echo"
    )
    assert b"alice" not in client.get("/processes").data


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "x" * 3000, "\xff"])
def test_links_do_not_come_from_the_host_header(client: FlaskClient, host: str) -> None:
    response = client.get("/processes", environ_overrides={"HTTP_HOST": host, "HTTP_X_FORWARDED_HOST": host})
    assert response.status_code in (200, 400)
    assert b"evil.example" not in response.data


def test_unknown_paths_and_methods_are_json_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    for method, path, status in (("GET", "/none", 404), ("PATCH", "/processes", 405), ("POST", "/jobs/x", 405)):
        response = client.open(path, method=method)
        assert (response.status_code, response.content_type) == (status, "application/json")
        assert response.json and {"type", "title", "status", "detail", "instance", "code", "description"} <= set(
            response.json
        )
        page = client.open(path, method=method, headers={"Accept": BROWSER})
        assert (page.status_code, page.content_type) == (status, "text/html; charset=utf-8")
    assert client.patch("/processes").headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_busy_store_is_503_with_a_time_to_try_again(client: FlaskClient, operations: FakeOperations) -> None:
    operations.error = StoreUnavailable("the database is locked")
    for path in ("/processes", "/processes/echo", "/jobs", "/jobs/x"):
        response = client.get(path)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_a_defect_is_500_with_a_reference_and_no_inside(
    client: FlaskClient, operations: FakeOperations, caplog: pytest.LogCaptureFixture
) -> None:
    operations.error = RuntimeError("secret of /some/where")
    with caplog.at_level(logging.ERROR):
        response = client.get("/jobs")
    assert response.status_code == 500 and response.json
    assert "secret" not in response.text and "Traceback" not in response.text
    assert response.json["reference"] in caplog.text and "secret of" in caplog.text


def test_other_origins_may_read_where_the_configuration_says_so(
    operations: FakeOperations, client: FlaskClient
) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/processes").headers
    open_client = create_app(operations, DoorOptions(BASE, cors=True)).test_client()
    for response in (open_client.get("/processes"), open_client.get("/none"), open_client.options("/processes/echo")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in response.headers["Access-Control-Expose-Headers"]
    assert "DELETE" in open_client.options("/processes/echo").headers["Access-Control-Allow-Methods"]
