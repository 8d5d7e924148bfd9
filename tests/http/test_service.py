"""Landing page, conformance and API definition, by the requirements of Part 1."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pygeoapi_oapip.errors import Internal, StoreUnavailable
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import PREFIX_KEY, DoorOptions
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
OPENAPI = "application/vnd.oai.openapi+json;version="
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def links(client: FlaskClient, path: str = "/") -> list[dict[str, Any]]:
    document = client.get(path).json
    assert document is not None
    return list(document["links"])


def follow(client: FlaskClient, href: str) -> TestResponse:
    return client.get(href.removeprefix(BASE))


@pytest.mark.requirement("part1/core/landingpage-op", "part1/core/landingpage-success")
def test_the_landing_page_has_the_links_of_part_1(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200
    relations = {link["rel"] for link in links(client)}
    assert {"service-desc", "service-doc", f"{OGC}conformance", f"{OGC}processes", f"{OGC}job-list"} <= relations


@pytest.mark.requirement(
    "part1/core/api-definition-op", "part1/core/api-definition-success", "part1-2.0/oas/definition"
)
def test_every_definition_that_the_landing_page_links_is_there(client: FlaskClient) -> None:
    found = [link for link in links(client) if link["rel"] in ("service-desc", "service-doc")]
    assert [link["type"] for link in found] == [f"{OPENAPI}3.0", f"{OPENAPI}3.1", "text/html"]
    for link in found:
        response = follow(client, link["href"])
        assert (response.status_code, response.content_type.partition("; ")[0]) == (200, link["type"])


@pytest.mark.requirement("part1/oas30/oas-definition-1", "part1-2.0/oas30/oas-definition")
def test_the_first_definition_is_openapi_3_0_as_programs_expect(client: FlaskClient) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": f"{OPENAPI}3.0"}):
        response = client.get("/openapi", headers=headers)
        assert response.content_type == f"{OPENAPI}3.0"
        assert response.json is not None and response.json["openapi"].startswith("3.0.")


@pytest.mark.requirement("part1-2.0/oas31/oas-definition")
@pytest.mark.parametrize(
    "accept", [f"{OPENAPI}3.1", f'{OPENAPI}"3.1"', f"text/html;q=0.1, {OPENAPI}3.0;q=0.4, {OPENAPI}3.1.0;q=0.8"]
)
def test_openapi_3_1_is_had_by_accept_and_by_f(client: FlaskClient, accept: str) -> None:
    for response in (client.get("/openapi", headers={"Accept": accept}), client.get("/openapi?f=oas31")):
        assert response.content_type == f"{OPENAPI}3.1"
        assert response.json is not None and response.json["openapi"].startswith("3.1.")
        assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize(
    "accept", [f"{OPENAPI}2.0", f"{OPENAPI}", "application/vnd.oai.openapi+json;=;", "a/b;version=3.1"]
)
def test_versions_that_do_not_exist_get_3_0(client: FlaskClient, accept: str) -> None:
    assert client.get("/openapi", headers={"Accept": accept}).content_type == f"{OPENAPI}3.0"


def test_each_version_has_its_own_validator(client: FlaskClient) -> None:
    tags = [client.get(f"/openapi?f={form}").headers["ETag"] for form in ("oas30", "oas31")]
    assert len(set(tags)) == 2
    for form, tag in zip(("oas30", "oas31"), tags, strict=True):
        assert client.get(f"/openapi?f={form}", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/openapi?f=yaml").status_code == 400


@pytest.mark.requirement("part1/core/conformance-op", "part1/core/conformance-success")
def test_conformance_lists_the_classes_of_what_is_served(client: FlaskClient) -> None:
    response = client.get("/conformance")
    assert response.status_code == 200 and response.json is not None
    classes = response.json["conformsTo"]
    part1 = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
    wanted = ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss")
    assert {part1 + name for name in wanted} <= set(classes)
    assert "http://www.opengis.net/spec/ogcapi-processes-1/2.0/conf/oas31" in classes
    assert len(classes) == len(set(classes))


@pytest.mark.requirement("part1/json/definition")
@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/echo", "/jobs", "/health"])
def test_resources_are_json(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "application/json"})
    assert (response.status_code, response.content_type) == (200, "application/json")


@pytest.mark.requirement("part1/html/definition", "part1/html/content")
@pytest.mark.parametrize("path", ["/", "/conformance"])
def test_pages_hold_what_the_json_says_with_its_links_as_anchors(client: FlaskClient, path: str) -> None:
    document, page = client.get(path).json, client.get(path, headers=BROWSER)
    assert page.content_type == "text/html; charset=utf-8" and document is not None
    assert all(uri in page.text for uri in document.get("conformsTo", ()))
    anchors = set(re.findall(r'<a[^>]*href="([^"]+)"', page.text))
    linked = {link["href"].partition("?")[0] for link in document.get("links", ()) if link["rel"] != "self"}
    missing = linked - {anchor.partition("?")[0] for anchor in anchors}
    assert missing <= {f"{BASE}/"}


def test_a_fault_of_the_store_does_not_take_the_landing_page_away(
    client: FlaskClient, operations: FakeOperations
) -> None:
    operations.error = StoreUnavailable("the database is locked")
    assert [client.get(path).status_code for path in ("/", "/conformance", "/openapi?f=html")] == [200, 200, 200]
    assert client.get("/openapi").status_code == 503


@pytest.mark.parametrize("path", ["/openapi?f=html", "/swagger-ui/oapip/", "/swagger-ui/oapip"])
def test_the_page_of_the_definition_loads_from_here_alone(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, page.content_type) == (200, "text/html; charset=utf-8")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe-eval" not in policy and "script-src" not in policy
    assert f"img-src {BASE}/oapip-static/ data:;" in policy, "descriptions of users are shown, and name pictures"
    policy = policy.replace(f"{BASE}/oapip-static/", "")
    assert "http:" not in policy and "https:" not in policy and "*" not in policy
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page.text)
    assert any("swagger-ui-bundle.js" in address for address in loaded)
    for address in loaded:
        assert address.startswith(BASE)
        assert follow(client, address).status_code == 200
    assert not re.findall(r"<script>|style=|onload=", page.text)


def test_the_page_keeps_the_prefix_that_it_was_asked_by(client: FlaskClient) -> None:
    environ = {PREFIX_KEY: "/alice/ogc-api"}
    page = client.get("/swagger-ui/oapip/", environ_overrides=environ).text
    assert f'data-document="{BASE}/alice/ogc-api/openapi?f=json"' in page
    document = client.get("/openapi", environ_overrides=environ).json
    assert document is not None and document["servers"] == [{"url": f"{BASE}/alice/ogc-api"}]


@pytest.mark.requirement("part1/oas30/security", "part1-2.0/oas/security")
def test_the_definition_says_how_to_sign_in_where_that_is_needed(operations: FakeOperations) -> None:
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    document = create_app(operations, DoorOptions(BASE, security=schemes)).test_client().get("/openapi").json
    assert document is not None
    assert document["components"]["securitySchemes"] == schemes and document["security"] == [{"bearer": []}]
    assert "401" in document["paths"]["/jobs"]["get"]["responses"]
    open_document = create_app(operations, DoorOptions(BASE)).test_client().get("/openapi").json
    assert open_document is not None
    assert "security" not in open_document and "securitySchemes" not in open_document["components"]
    assert "401" not in open_document["paths"]["/jobs"]["get"]["responses"]


def test_defects_are_told_in_the_form_that_was_asked_for(client: FlaskClient, operations: FakeOperations) -> None:
    operations.error = Internal("a defect")
    assert client.get("/openapi").content_type == "application/json"
    assert client.get("/processes", headers=BROWSER).content_type == "text/html; charset=utf-8"
