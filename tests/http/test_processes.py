"""Part 1 process list and description, Part 2 deploy, replace and undeploy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.model.process import Source
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
PART2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"


def rels(document: dict[str, Any]) -> set[str]:
    return {link["rel"] for link in document["links"]}


@pytest.mark.requirement(
    "part1/core/process-list-op",
    "part1/core/process-list-success",
    "part1/core/pl-links",
    "part1-2.0/core/process-summary-links",
    "part2/deploy-replace-undeploy/static-indicator",
)
def test_the_list_has_summaries_with_links(client: FlaskClient) -> None:
    document = client.get("/processes").json
    assert document is not None
    assert [row["id"] for row in document["processes"]] == ["echo", "fixed"]
    first = document["processes"][0]
    assert first["version"] == "1.2.3"
    assert first["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    assert first["links"][0]["href"] == f"{BASE}/processes/echo?f=json"
    assert [row["mutable"] for row in document["processes"]] == [True, False]
    assert {"self", "alternate"} <= rels(document)
    assert (document["numberMatched"], document["numberReturned"]) == (2, 2)


@pytest.mark.requirement(
    "part1/core/pl-limit-definition",
    "part1/core/pl-limit-response",
)
def test_pages_lead_to_each_other(client: FlaskClient) -> None:
    first = client.get("/processes?limit=1").json
    assert first is not None
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    second = client.get(following.removeprefix(BASE)).json
    assert second is not None
    assert [row["id"] for row in second["processes"]] == ["fixed"]
    assert "prev" in rels(second) and "next" not in rels(second)


@pytest.mark.requirement("part1/core/pl-limit-definition")
@pytest.mark.parametrize("query", ["limit=0", "limit=abc", "limit=-1", "offset=-1", "page=x", "f=xml"])
def test_wrong_parameters_are_400(client: FlaskClient, query: str) -> None:
    response = client.get(f"/processes?{query}")
    assert response.status_code == 400
    assert response.json and response.json["type"] == PART1 + "invalid-query-parameter-value"


def test_unknown_parameters_are_ignored(client: FlaskClient) -> None:
    assert client.get("/processes?detail=False&providers=False&sort=id").status_code == 200
    assert client.get("/processes/echo?schema=OGC").status_code == 200


@pytest.mark.requirement(
    "part1/core/process-description-op",
    "part1/core/process-description-success",
)
def test_the_description_has_inputs_and_outputs(client: FlaskClient) -> None:
    document = client.get("/processes/echo").json
    assert document is not None
    assert document["inputs"]["message"] == {
        "title": "Message",
        "schema": {"type": "string"},
        "minOccurs": 1,
        "maxOccurs": 1,
    }
    assert document["inputs"]["many"]["maxOccurs"] == "unbounded"
    assert document["outputs"]["message"]["schema"] == {"type": "string"}
    assert "http://www.opengis.net/def/rel/ogc/1.0/execute" in rels(document)
    assert None not in document.values()


def test_a_built_in_process_links_no_package(client: FlaskClient, operations: FakeOperations) -> None:
    assert "item" in rels(client.get("/processes/echo").json or {})
    operations.processes_by_id["fixed"] = replace(operations.processes_by_id["fixed"], source=Source.BUILTIN)
    assert "item" not in rels(client.get("/processes/fixed").json or {})


def test_lists_are_made_once_until_a_process_changes(client: FlaskClient, operations: FakeOperations) -> None:
    first, again = client.get("/processes"), client.get("/processes")
    assert first.data == again.data and operations.lists == 1
    client.post("/processes", data="new", content_type="application/cwl+yaml")
    changed = client.get("/processes")
    assert b'"new"' in changed.data and operations.lists == 2
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("path", ["/processes", "/processes/echo", "/openapi"])
def test_a_known_validator_is_304(client: FlaskClient, path: str) -> None:
    etag = client.get(path).headers["ETag"]
    response = client.get(path, headers={"If-None-Match": etag})
    assert (response.status_code, response.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_representations_have_different_validators(client: FlaskClient) -> None:
    assert client.get("/processes?f=html").headers["ETag"] != client.get("/processes?f=json").headers["ETag"]


@pytest.mark.requirement("part1/core/process-exception/no-such-process")
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_an_unknown_process_is_404_with_its_type(client: FlaskClient, method: str) -> None:
    response = client.open("/processes/none", method=method, data="x", content_type="application/cwl")
    assert response.status_code == 404
    assert response.json and response.json["type"] == PART1 + "no-such-process"
    assert response.json["code"] == "NoSuchProcess"


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/package-get-op",
    "part2/deploy-replace-undeploy/package-response-success",
    "part2/deploy-replace-undeploy/package-response-body",
    "part2/cwl/package-response-body",
    "client/rule-15",
)
def test_the_package_comes_back_byte_for_byte(client: FlaskClient) -> None:
    client.post("/processes", data=b"hello\r\n", content_type="application/cwl+yaml; charset=utf-8")
    response = client.get("/processes/hello/package")
    assert (response.data, response.content_type) == (b"hello\r\n", "application/cwl+yaml")


def test_the_history_lists_revisions(client: FlaskClient) -> None:
    document = client.get("/processes/echo/history").json
    assert document and document["revisions"][0]["revision"] == 1


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/deploy-post-op",
    "part2/deploy-replace-undeploy/deploy-content-type",
    "part2/deploy-replace-undeploy/deploy-response-success",
    "part2/deploy-replace-undeploy/deploy-response-body",
    "part2/deploy-replace-undeploy/deploy-response-pid",
    "client/rule-14",
)
def test_deploying_is_201_with_location_and_summary(client: FlaskClient, operations: FakeOperations) -> None:
    response = client.post("/processes?w=main", data="new", content_type="Application/CWL+YAML; charset=utf-8")
    assert response.status_code == 201
    assert response.headers.getlist("Location") == [f"{BASE}/processes/new"]
    assert response.json and response.json["id"] == "new" and response.json["mutable"] is True
    deployment = operations.deployments[0]
    assert (deployment.body, deployment.media_type, deployment.workflow) == (b"new", "application/cwl+yaml", "main")


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/replace-put-op",
    "part2/deploy-replace-undeploy/replace-response",
    "part2/deploy-replace-undeploy/undeploy-delete-op",
    "part2/deploy-replace-undeploy/undeploy-response",
)
def test_replacing_and_undeploying_are_204(client: FlaskClient) -> None:
    assert client.put("/processes/echo", data="x", content_type="application/cwl").status_code == 204
    assert client.get("/processes/echo").status_code == 200
    response = client.delete("/processes/echo")
    assert (response.status_code, response.data) == (204, b"")
    assert client.get("/processes/echo").status_code == 404


@pytest.mark.requirement(
    "part2/deploy-replace-undeploy/deploy-unsupported-media-type",
    "part2/deploy-replace-undeploy/deploy-response-immutable",
    "part2/cwl/deploy-exception-workflow-not-found",
)
@pytest.mark.parametrize(
    ("method", "path", "kind", "status", "problem"),
    [
        ("POST", "/processes", "text/plain", 415, PART2 + "unsupported-media-type"),
        ("PUT", "/processes/null", "text/plain", 415, PART2 + "unsupported-media-type"),
        ("POST", "/processes?w=absent", "application/cwl", 400, PART2 + "workflow-not-found"),
        ("PUT", "/processes/fixed", "application/cwl", 403, PART2 + "immutable-process"),
        ("DELETE", "/processes/fixed", "", 403, PART2 + "immutable-process"),
    ],
)
def test_refused_changes_have_their_types(
    client: FlaskClient, method: str, path: str, kind: str, status: int, problem: str
) -> None:
    response = client.open(path, method=method, data=b"x", content_type=kind)
    assert response.status_code == status
    assert response.json and response.json["type"] == problem


@pytest.mark.requirement("part2/deploy-replace-undeploy/deploy-response-duplicate")
def test_deploying_twice_is_409(client: FlaskClient) -> None:
    response = client.post("/processes", data="echo", content_type="application/cwl")
    assert response.status_code == 409
    assert response.json and response.json["type"] == PART2 + "duplicated-process"
    assert response.headers.getlist("Location") == [f"{BASE}/processes/echo"]


def test_a_thousand_processes_cost_little_more_than_ten(client: FlaskClient, operations: FakeOperations) -> None:
    client.get("/processes")
    before = operations.lists
    for _ in range(20):
        client.get("/processes")
    assert operations.lists == before


def test_pages_load_nothing_from_other_hosts(client: FlaskClient) -> None:
    answer = client.get("/processes", headers={"Accept": "text/html"})
    assert answer.headers.get("Content-Security-Policy", "").startswith("default-src 'self'")


@pytest.mark.parametrize(("query", "status"), [("f=json&f=html", 400), ("f=&f=json", 200), ("f=json&f=json", 200)])
def test_one_representation_is_asked_for(client: FlaskClient, query: str, status: int) -> None:
    assert client.get(f"/processes?{query}").status_code == status
