"""The API under `/ogc-api` and `/{user}/ogc-api`: in front of the door, and in the whole application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.app import compose
from pygeoapi_oapip.ogcapi.door import PREFIX_KEY
from tests.http.test_app import answers, configuration, start

BASE = "https://example.org/api"
PREFIXES = ("/ogc-api", "/eoepca/ogc-api", "/a.b@c/ogc-api")
RESERVED = frozenset({"processes", "jobs", "openapi", "conformance", "health"})


@pytest.fixture
def beside() -> Flask:
    app = Flask("beside")

    @app.get("/<path:path>")
    def echo(path: str) -> dict[str, str]:
        return {"path": request.path, "root": request.root_path}

    return app


@pytest.fixture
def whole(client: FlaskClient, beside: Flask) -> Client:
    return Client(compose(client.application, beside, frozenset({"collections"}), "", RESERVED))


def addresses(document: Any) -> Iterator[str]:
    """Every `href` of a document."""
    if isinstance(document, dict):
        yield from (value for key, value in document.items() if key == "href")
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from addresses(item)


def outside(response: TestResponse, prefix: str) -> list[str]:
    """The addresses of a document that are on this server and not below a prefix."""
    assert response.status_code in (200, 201), response.text
    return [item for item in addresses(response.json) if item.startswith(BASE) and not item.startswith(BASE + prefix)]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["/", "", "/conformance", "/processes", "/processes/echo", "/jobs"])
def test_links_keep_the_prefix(whole: Client, prefix: str, path: str) -> None:
    assert outside(whole.get(prefix + path), prefix) == []


@pytest.mark.parametrize("prefix", PREFIXES)
def test_job_is_made_followed_and_dismissed_below_the_prefix(whole: Client, prefix: str) -> None:
    headers = {"Prefer": "respond-async"}
    made = whole.post(f"{prefix}/processes/echo/execution", json={"inputs": {"message": "x"}}, headers=headers)
    assert outside(made, prefix) == []
    location = made.headers["Location"]
    assert location.startswith(f"{BASE}{prefix}/jobs/")
    job = location.removeprefix(BASE)
    assert outside(whole.get(job), prefix) == []
    assert whole.get(job.removeprefix(prefix)).status_code == 200, "it is the same job below each prefix"
    assert whole.delete(job).json["status"] == "dismissed"  # type: ignore[index]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_deployment_answers_with_the_prefix(whole: Client, prefix: str) -> None:
    made = whole.post(f"{prefix}/processes", data="made", content_type="application/cwl")
    assert made.status_code == 201 and made.headers["Location"].startswith(f"{BASE}{prefix}/processes/")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_api_definition_names_the_prefix_as_its_server(whole: Client, prefix: str) -> None:
    document: Any = whole.get(f"{prefix}/openapi?f=json").json
    assert document["servers"][0]["url"] == BASE + prefix
    plain: Any = whole.get("/openapi?f=json").json
    assert plain["servers"][0]["url"] == BASE


@pytest.mark.parametrize("prefix", PREFIXES)
def test_pages_load_their_assets_below_the_prefix(whole: Client, prefix: str) -> None:
    text = whole.get(f"{prefix}/processes?f=html").text
    assert f"{BASE}{prefix}/oapip-static/" in text and f'"{BASE}/oapip-static/' not in text
    name = text.partition(f"{BASE}{prefix}/oapip-static/")[2].partition('"')[0]
    with whole.get(f"{prefix}/oapip-static/{name}") as asset:
        assert asset.status_code == 200


@pytest.mark.parametrize("prefix", PREFIXES)
def test_errors_name_the_address_that_was_asked_for(whole: Client, prefix: str) -> None:
    problem: Any = whole.get(f"{prefix}/processes/none").json
    assert (problem["status"], problem["instance"]) == (404, f"{BASE}{prefix}/processes/none")


@pytest.mark.parametrize(
    "path",
    [
        "/a..b/ogc-api/processes",
        "/%2e%2e/ogc-api/processes",
        "/a%2fb/ogc-api/processes",
        "/a%0ab/ogc-api/processes",
        f"/{'u' * 65}/ogc-api/processes",
        "/%3Cscript%3E/ogc-api/processes",
        "/alice/ogc-apis/processes",
        "/alice/ogc-api/alice/ogc-api/processes",
    ],
)
def test_what_is_no_context_is_not_found(whole: Client, path: str) -> None:
    response = whole.get(path)
    assert (response.status_code, response.content_type) == (404, "application/json")


def test_process_may_have_the_name_of_the_prefix(whole: Client) -> None:
    problem: Any = whole.get("/processes/ogc-api").json
    assert problem["type"].endswith("/no-such-process")


def test_other_paths_of_pygeoapi_are_served_below_the_prefix(whole: Client) -> None:
    assert whole.get("/alice/ogc-api/collections/x").json == {"path": "/collections/x", "root": "/alice/ogc-api"}
    assert whole.get("/collections/x").json == {"path": "/collections/x", "root": ""}
    assert whole.get("/collections/ogc-api/x").json == {"path": "/collections/ogc-api/x", "root": ""}


def test_prefix_of_pygeoapi_comes_first(client: FlaskClient, beside: Flask) -> None:
    whole = Client(compose(client.application, beside, frozenset({"collections"}), "/v1", RESERVED))
    assert whole.get("/v1/alice/ogc-api/processes").status_code == 200
    assert whole.get("/v1/alice/ogc-api/collections/x").json == {
        "path": "/v1/collections/x",
        "root": "/alice/ogc-api",
    }


def test_client_cannot_set_the_prefix(whole: Client) -> None:
    headers = {PREFIX_KEY: "/evil", "Oapip-Prefix": "/evil", "X-Forwarded-Prefix": "/evil"}
    assert b"/evil" not in whole.get("/processes", headers=headers).data


def test_whole_application_below_a_path_and_a_prefix(tmp_path: Any) -> None:
    rules = {"api_version": "1.2.3", "url_prefix": "v{api_major}"}
    document = configuration(tmp_path, url="https://example.org/base", api_rules=rules)
    base = "https://example.org/base/v1/alice/ogc-api"
    paths = [
        "/v1/alice/ogc-api/",
        "/v1/alice/ogc-api/processes",
        "/v1/alice/ogc-api/openapi",
        "/v1/alice/ogc-api/collections?f=json",
        "/v1/alice/ogc-api/oapip-static/oapip.css",
        "/v1/ogc-api/processes/echo",
    ]
    found = answers(start(tmp_path, document, paths))
    assert [row[0] for row in found.values()] == [200] * len(paths), found
    for path in paths[:2]:
        links = [item for item in addresses(json.loads(found[path][2])) if "example.org" in item]
        assert links and all(item.startswith(base) for item in links), path
    assert json.loads(found[paths[2]][2])["servers"][0]["url"] == base
    assert "https://example.org/base/v1/ogc-api/processes/echo/execution" in found[paths[5]][2]
