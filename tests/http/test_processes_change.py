"""Part 2 for careful users: conditions, forms of a package, bodies that are not there; and ad-hoc executions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from pygeoapi_oapip.model.process import Package
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
PART2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"
CWL: dict[str, Any] = {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "x", "inputs": {}, "outputs": {}}


@pytest.mark.requirement("part2/deploy-replace-undeploy/deploy-unsupported-media-type")
@pytest.mark.parametrize(("method", "path"), [("POST", "/processes"), ("PUT", "/processes/null")])
def test_the_media_type_comes_first_even_without_a_body(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, content_type="text/plain")
    assert response.status_code == 415
    assert response.json and response.json["type"] == PART2 + "unsupported-media-type"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_request_without_a_body_is_never_405(client: FlaskClient, method: str) -> None:
    path = "/processes" if method == "POST" else "/processes/not-existing-process"
    assert client.open(path, method=method).status_code in (400, 404, 415)


@pytest.mark.parametrize("path", ["/processes/echo", "/processes/echo?f=html", "/processes/echo/package"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_of_what_was_seen_is_done(client: FlaskClient, path: str, method: str) -> None:
    etag = client.get(path).headers["ETag"]
    heads = {"If-Match": etag}
    response = client.open("/processes/echo", method=method, data="x", content_type="application/cwl", headers=heads)
    assert response.status_code == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_of_what_has_changed_is_412(client: FlaskClient, method: str) -> None:
    heads = {"If-Match": client.get("/processes/echo").headers["ETag"]}
    client.put("/processes/echo", data="x", content_type="application/cwl")
    response = client.open("/processes/echo", method=method, data="y", content_type="application/cwl", headers=heads)
    assert response.status_code == 412
    assert response.json and response.json["title"] == "Precondition Failed"
    assert client.get("/processes/echo/package").data == b"x"


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/processes/echo", "text/plain", 415),
        ("/processes/none", "application/cwl", 404),
        ("/processes/fixed", "application/cwl", 403),
        ("/processes/echo", "application/cwl", 412),
    ],
)
def test_a_condition_is_looked_at_last(client: FlaskClient, path: str, kind: str, status: int) -> None:
    assert client.put(path, data="x", content_type=kind, headers={"If-Match": '"other"'}).status_code == status


def test_any_state_may_be_asked_for(client: FlaskClient) -> None:
    heads = {"If-Match": "*"}
    assert client.put("/processes/echo", data="x", content_type="application/cwl", headers=heads).status_code == 204


def packaged(operations: FakeOperations, source: bytes, media_type: str) -> None:
    process = operations.processes_by_id["echo"]
    operations.processes_by_id["echo"] = replace(process, package=Package(CWL, "", source, media_type))


@pytest.mark.requirement("part2/cwl/package-response-body", "part2/ogcapppkg/package-response-body")
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/cwl+yaml"),
        ("*/*", "application/cwl+yaml"),
        ("application/cwl", "application/cwl+yaml"),
        ("application/cwl+yaml", "application/cwl+yaml"),
        ("application/cwl+json", "application/cwl+json"),
        ("application/json", "application/json"),
        ("application/ogcapppkg+json", "application/ogcapppkg+json"),
        ("image/png", "application/cwl+yaml"),
    ],
)
def test_a_package_is_given_in_the_form_that_is_asked_for(
    client: FlaskClient, operations: FakeOperations, accept: str, kind: str
) -> None:
    source = b"# mine\n" + yaml.safe_dump(CWL).encode()
    packaged(operations, source, "application/cwl+yaml")
    response = client.get("/processes/echo/package", headers={"Accept": accept} if accept else {})
    assert response.content_type == kind and "Accept" in response.headers["Vary"]
    if kind.endswith("yaml"):
        assert response.data == source
    elif kind.startswith("application/ogcapppkg"):
        found = json.loads(response.data)
        assert found["executionUnit"] == {"value": CWL, "mediaType": "application/cwl+json"}
        assert found["processDescription"]["id"] == "echo" and "links" not in found["processDescription"]
    else:
        assert json.loads(response.data) == CWL


@pytest.mark.parametrize("word", ["cwl", "cwl-yaml", "cwl-json"])
def test_an_application_package_may_be_had_as_cwl(client: FlaskClient, operations: FakeOperations, word: str) -> None:
    packaged(operations, b'{"executionUnit": []}', "application/ogcapppkg+json")
    assert client.get("/processes/echo/package").data == b'{"executionUnit": []}'
    response = client.get(f"/processes/echo/package?f={word}")
    assert response.content_type.startswith("application/cwl")
    assert yaml.safe_load(response.data) == CWL


def test_a_package_that_the_client_has_is_304(client: FlaskClient) -> None:
    etag = client.get("/processes/echo/package").headers["ETag"]
    assert client.get("/processes/echo/package", headers={"If-None-Match": etag}).status_code == 304
    other = client.get("/processes/echo/package?f=cwl-json", headers={"If-None-Match": etag})
    assert other.status_code == 200 and other.headers["ETag"] != etag


@pytest.mark.requirement("part3/cwl-workflows/adhoc-cwl-execution")
def test_an_ad_hoc_execution_is_a_job(client: FlaskClient, operations: FakeOperations) -> None:
    heads = {"Prefer": "respond-async"}
    response = client.post(
        "/processes/CWL/execution?w=main", data=b"the package", content_type="application/cwl+json", headers=heads
    )
    assert response.status_code == 201 and response.headers["Preference-Applied"] == "respond-async"
    deployment = operations.deployments[0]
    assert (deployment.body, deployment.media_type, deployment.workflow) == (
        b"the package",
        "application/cwl+json",
        "main",
    )
    job = response.headers["Location"].removeprefix(BASE)
    assert (client.get(job).json or {})["processID"] == "CWL"
    assert client.get(f"{job}/package").data == b"the package"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x", "text/plain", 415),
        (b"x", "image/png", 415),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"inputs": {}}', "application/json", 400),
        (b'{"process": "https://example.com/processes/x"}', "application/json", 400),
        (b"", "multipart/related", 400),
        (b"--X--", "multipart/form-data; boundary=X", 400),
    ],
)
def test_wrong_ad_hoc_requests_are_refused(client: FlaskClient, body: bytes, kind: str, status: int) -> None:
    response = client.post("/processes/CWL/execution", data=body, content_type=kind)
    assert response.status_code == status
    assert response.json and response.json["detail"]


def test_the_package_of_no_job_is_404(client: FlaskClient) -> None:
    response = client.get("/jobs/none/package")
    assert response.status_code == 404 and response.json and response.json["code"] == "NoSuchJob"


def test_curl_may_leave_the_media_type_out(client: FlaskClient, operations: FakeOperations) -> None:
    unit: dict[str, Any] = {"executionUnit": {"value": CWL}, "inputs": {"a": 1}}
    for kind in ("", "application/x-www-form-urlencoded"):
        operations.deployments.clear()
        client.post("/processes/CWL/execution", data=json.dumps(unit), content_type=kind)
        assert json.loads(operations.deployments[0].body) == {"executionUnit": {"value": CWL}}
