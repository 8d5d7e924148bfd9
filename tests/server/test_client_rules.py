"""The rules that the clients people use impose on a server, each tried over HTTP (docs/clients.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer

NO_JOB = "00000000-0000-4000-8000-000000000000"
STATUSES = {"accepted", "running", "successful", "failed", "dismissed"}


@pytest.fixture(scope="module")
def job(server: LiveServer) -> str:
    """A job that has ended well, with a file and a value."""
    body = {"inputs": {"message": "hello", "number": 3, "text": "words"}}
    made = server.post("/processes/echo/execution", json=body, headers={"Prefer": "respond-async"})
    identifier: str = made.json()["jobID"]
    assert server.ended(identifier)["status"] == "successful"
    return identifier


def plain(server: LiveServer, path: str, accept: str | None) -> requests.Response:
    """GET without the headers that `requests` adds, but for Accept where one is given."""
    with requests.Session() as session:
        session.headers.clear()
        return session.get(server.url + path, headers={} if accept is None else {"Accept": accept}, timeout=60)


@pytest.mark.requirement("client/rule-01")
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html;q=0.1, */*", "application/*"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/openapi",
        "/processes",
        "/processes/echo",
        "/jobs",
        "/jobs/JOB",
        "/jobs/JOB/results",
        "/health",
    ],
)
def test_json_unless_html_is_preferred(server: LiveServer, job: str, path: str, accept: str | None) -> None:
    answer = plain(server, path.replace("JOB", job), accept)
    assert answer.status_code == 200 and "json" in answer.headers["Content-Type"]
    answer.json()


@pytest.mark.requirement("client/rule-01")
@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/echo", "/jobs", "/jobs/JOB"])
def test_html_where_it_is_preferred_or_asked_for(server: LiveServer, job: str, path: str) -> None:
    path = path.replace("JOB", job)
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for answer in (plain(server, path, browser), plain(server, f"{path}?f=html", "application/json")):
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.requirement("client/rule-02")
@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("respond-async", 201, ["respond-async"]),
        ("respond-async, wait=10", None, []),
        ("respond-async;return=representation", 201, ["respond-async"]),
        ("respond-async, return=minimal", 201, ["respond-async"]),
        ("RESPOND-ASYNC", 201, ["respond-async"]),
        ("handling=lenient, respond-async ", 201, ["respond-async"]),
        ("wait=100", 200, ["wait="]),
        ('wait="100"', 200, ["wait="]),
        ("respond-sync", 200, []),
        ("sideways, x=y; z", 200, []),
        ("", 200, []),
    ],
)
def test_prefer_is_a_list_of_tokens(server: LiveServer, prefer: str, status: int | None, applied: list[str]) -> None:
    body = {"inputs": {"message": "hello"}}
    answer = server.post("/processes/echo/execution", json=body, headers={"Prefer": prefer})
    assert answer.status_code == status or (status is None and answer.status_code in (200, 201))
    header = answer.headers.get("Preference-Applied", "")
    assert all(token in header for token in applied)
    assert "respond-sync" not in header and "sideways" not in header


@pytest.mark.requirement("client/rule-03")
def test_cwl_process_answers_201_where_nothing_is_preferred(server: LiveServer) -> None:
    options = server.get("/processes/say").json()["jobControlOptions"]
    assert {"async-execute", "dismiss"} <= set(options) and "sync-execute" not in options
    answer = server.post("/processes/say/execution", json={"inputs": {"message": "hello"}})
    assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
    waiting = server.post("/processes/pause/execution", json={"inputs": {"seconds": 99}}, headers={"Prefer": "wait=1"})
    assert waiting.status_code == 201, "a wait that is too short falls back to the job"
    server.dismiss(waiting.json()["jobID"])


@pytest.mark.requirement("client/rule-04")
@pytest.mark.parametrize("process_id", ["say", "echo"])
def test_201_has_a_location_and_a_whole_status(server: LiveServer, process_id: str) -> None:
    body = {"inputs": {"message": "hello"}}
    answer = server.post(f"/processes/{process_id}/execution", json=body, headers={"Prefer": "respond-async"})
    status = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{server.url}/jobs/{status['jobID']}"
    assert (status["processID"], status["type"]) == (process_id, "process")
    assert status["status"] in STATUSES
    assert type(status["progress"]) is int and 0 <= status["progress"] <= 100
    moments = [status[key] for key in ("created", "updated", "started", "finished") if key in status]
    assert moments and all(datetime.fromisoformat(moment).tzinfo is not None for moment in moments)
    assert None not in status.values()
    assert {"self", "monitor"} <= {link["rel"] for link in status["links"]}
    assert all(link["href"].startswith(server.url) for link in status["links"])


@pytest.mark.requirement("client/rule-05")
def test_delete_answers_with_a_dismissed_status(server: LiveServer) -> None:
    running = server.submit("echo", {"message": "x", "pause": 600})
    ended = server.submit("echo", {"message": "x"})
    server.ended(ended)
    for identifier in (running, ended):
        answer = server.dismiss(identifier)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        found = answer.json()
        assert (found["jobID"], found["processID"], found["status"]) == (identifier, "echo", "dismissed")


@pytest.mark.requirement("client/rule-06")
@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/processes/none", 404, "processes-1/1.0/no-such-process"),
        ("POST", "/processes/none/execution", 404, "processes-1/1.0/no-such-process"),
        ("GET", f"/jobs/{NO_JOB}", 404, "processes-1/1.0/no-such-job"),
        ("DELETE", f"/jobs/{NO_JOB}", 404, "processes-1/1.0/no-such-job"),
        ("GET", f"/jobs/{NO_JOB}/results", 404, "processes-1/1.0/no-such-job"),
        ("GET", "/none", 404, "about:blank"),
        ("PATCH", "/processes", 405, "about:blank"),
        ("GET", "/collections/none", 404, ""),
        ("GET", "/ogc-api/none", 404, "about:blank"),
    ],
)
def test_errors_are_problem_details_in_json(server: LiveServer, method: str, path: str, status: int, kind: str) -> None:
    answer = requests.request(method, server.url + path, json={}, timeout=60)
    assert answer.status_code == status and "json" in answer.headers["Content-Type"]
    problem = answer.json()
    assert problem["type"].endswith(kind)
    if kind:
        assert {"title", "status", "detail", "instance", "code", "description"} <= set(problem)
        assert problem["status"] == status and problem["instance"] == server.url + path


@pytest.mark.requirement("client/rule-06")
def test_results_of_a_running_job_are_not_ready(server: LiveServer) -> None:
    running = server.submit("echo", {"message": "x", "pause": 600})
    answer = server.get(f"/jobs/{running}/results")
    assert answer.status_code == 404 and answer.json()["type"].endswith("processes-1/1.0/result-not-ready")
    server.dismiss(running)


@pytest.mark.requirement("client/rule-07")
@pytest.mark.parametrize(
    "kind",
    [None, "application/json", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "x"],
)
def test_content_type_of_an_execution_does_not_matter(server: LiveServer, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = server.post("/processes/echo/execution", data='{"inputs": {"message": "hello"}}', headers=headers)
    assert (answer.status_code, answer.text) == (200, '"hello"')


@pytest.mark.requirement("client/rule-07")
def test_body_or_inputs_may_be_missing_and_further_members_are_ignored(server: LiveServer) -> None:
    address = "/processes/configured/execution"
    for data in (None, b"", b"{}", b'{"inputs": {}}'):
        refused = server.post(address, data=data)
        assert refused.status_code == 400 and "inputs.message: is required" in refused.json()["detail"]
    body = {"inputs": {"message": "hello"}, "mode": "auto", "id": "x", "unknown": [1], "notification_email": "a@b.c"}
    for query in ("", "?unknown=1&schema=OGC&x"):
        assert server.post(address + query, json=body).status_code == 200
    assert server.get("/processes/echo?schema=OGC&unknown=1").status_code == 200
    begun = server.post(address, json={**body, "mode": "async"})
    assert begun.status_code == 201, "legacy mode"


@pytest.mark.requirement("client/rule-08")
def test_document_and_values_are_keyed_by_output(server: LiveServer, job: str) -> None:
    for document in (
        server.get(f"/jobs/{job}/results").json(),
        server.post(
            "/processes/echo/execution",
            json={"inputs": {"message": "hello", "number": 3, "text": "words"}, "response": "document"},
        ).json(),
    ):
        assert (document["message"], document["number"]) == ("hello", 3)
        assert document["text"]["type"] == "text/plain"
        assert requests.get(document["text"]["href"], timeout=60).text == "words"
    outputs = {"message": {"format": {"mediaType": "text/plain"}}}
    body = {"inputs": {"message": "hello"}, "outputs": outputs, "response": "document"}
    assert server.post("/processes/echo/execution", json=body).json()["message"]["value"] == "hello"


def schemas(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema object in a description."""
    if isinstance(node, dict):
        if place.endswith("schema") or re.search(r"/(items|allOf/\d+|oneOf/\d+|anyOf/\d+|properties/[^/]+)$", place):
            yield place, node
        for key, value in node.items():
            if key not in ("default", "example", "enum"):
                yield from schemas(value, f"{place}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from schemas(value, f"{place}/{index}")


@pytest.mark.requirement("client/rule-09", "client/rule-10")
@pytest.mark.parametrize("process_id", ["echo", "say", "pause", "configured"])
def test_descriptions_are_in_the_subset_that_all_clients_read(server: LiveServer, process_id: str) -> None:
    document = server.get(f"/processes/{process_id}").json()
    assert all(isinstance(document[key], str) and document[key] for key in ("id", "version", "title"))
    assert isinstance(document["description"], str)
    for item in document["inputs"].values():
        assert item["title"] and item["schema"] and item["minOccurs"] in (0, 1)
        assert item["maxOccurs"] == "unbounded" or item["maxOccurs"] >= 1
        assert "default" not in item["schema"] or item["minOccurs"] == 0
    found = list(schemas(document))
    assert found
    for place, schema in found:
        assert isinstance(schema, dict), place
        assert isinstance(schema.get("type", ""), str) and schema.get("type") != "null", place
        assert schema.get("required") != [], place
        assert not {"$ref", "$defs", "$schema", "const", "if", "not"} & set(schema), place
        assert all(isinstance(schema.get(f"exclusive{end}imum", True), bool) for end in ("Min", "Max")), place


@pytest.mark.requirement("client/rule-11")
def test_first_page_of_processes_has_all_of_a_usual_server_and_pages_are_linked(server: LiveServer) -> None:
    whole = server.get("/processes").json()
    ids = [row["id"] for row in whole["processes"]]
    assert {"echo", "say", "pause", "configured"} <= set(ids)
    assert "next" not in [link["rel"] for link in whole["links"]]
    seen, path = [], "/processes?limit=2"
    while path:
        page = server.get(path).json()
        seen += [row["id"] for row in page["processes"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        path = following[0].removeprefix(server.url) if following else ""
    assert seen == ids
    assert "prev" in [link["rel"] for link in server.get("/processes?limit=2&offset=2").json()["links"]]


@pytest.mark.requirement("client/rule-12")
def test_job_list_takes_all_filters(server: LiveServer, job: str) -> None:
    created = server.get(f"/jobs/{job}").json()["created"]

    def listed(query: str) -> list[dict[str, Any]]:
        answer = server.get(f"/jobs?limit=1000&{query}")
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["jobs"]
        return rows

    for query in (
        "type=process",
        "processID=echo",
        "process=echo",
        "processID=say&processID=echo",
        "processID=say,echo",
        "status=successful",
        "status=successful,failed",
        "status=successful&status=failed",
        f"datetime={created}",
        f"datetime={created}/..",
        f"datetime=../{created}",
        "minDuration=0",
        "maxDuration=3600",
        "minDuration=0&maxDuration=3600&status=successful&processID=echo",
    ):
        assert job in [row["jobID"] for row in listed(query)], query
    for query in (
        "processID=say",
        "process=say",
        "status=failed",
        "datetime=../2020-01-01T00:00:00Z",
        "minDuration=900",
    ):
        assert job not in [row["jobID"] for row in listed(query)], query
    server.ended(server.submit("echo", {"message": "another"}))
    first, second = (server.get(f"/jobs?limit=1&page={page}").json()["jobs"] for page in (0, 1))
    assert first[0]["jobID"] != second[0]["jobID"]
    assert server.get("/jobs?limit=1&offset=1").json()["jobs"][0]["jobID"] == second[0]["jobID"]


@pytest.mark.requirement("client/rule-13")
def test_further_information_is_never_a_new_word_in_an_enumeration(server: LiveServer) -> None:
    for row in server.get("/processes").json()["processes"]:
        assert set(row["jobControlOptions"]) <= {"sync-execute", "async-execute", "dismiss"}
        assert set(row.get("outputTransmission", [])) <= {"value", "reference"}
    for row in server.get("/jobs?limit=1000").json()["jobs"]:
        assert row["status"] in STATUSES and row["type"] == "process"


CWL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}


@pytest.mark.requirement("client/rule-14")
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/cwl", {**CWL, "id": "ruled"}),
        ("application/cwl+json", {**CWL, "id": "ruled"}),
        ("application/cwl+yaml", {**CWL, "id": "ruled"}),
        (
            "application/ogcapppkg+json",
            {
                "processDescription": {"id": "ruled"},
                "executionUnit": {"value": CWL, "mediaType": "application/cwl+json"},
            },
        ),
        ("application/json", {"processDescription": {"process": {"id": "ruled"}}, "executionUnit": [{"unit": CWL}]}),
    ],
)
def test_packages_are_deployed_in_every_form(server: LiveServer, kind: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": kind}
    made = requests.post(f"{server.url}/processes", json=body, headers=headers, timeout=60)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{server.url}/processes/ruled"
    assert {"id", "version", "title", "mutable", "links"} <= set(made.json())
    again = requests.put(f"{server.url}/processes/ruled", json=body, headers=headers, timeout=60)
    assert again.status_code in (200, 204), again.text
    gone = requests.delete(f"{server.url}/processes/ruled", timeout=60)
    assert gone.status_code == 204


@pytest.mark.requirement("client/rule-14")
def test_w_chooses_the_entry_point(server: LiveServer) -> None:
    graph = {"cwlVersion": "v1.2", "$graph": [{**CWL, "id": name} for name in ("ruled-a", "ruled-b")]}
    headers = {"Content-Type": "application/cwl+json"}
    made = requests.post(f"{server.url}/processes?w=ruled-b", json=graph, headers=headers, timeout=60)
    assert (made.status_code, made.json()["id"]) == (201, "ruled-b")
    requests.delete(f"{server.url}/processes/ruled-b", timeout=60)


@pytest.mark.requirement("client/rule-15")
def test_extras_are_served(server: LiveServer, job: str) -> None:
    assert server.get("/processes/say/package").status_code == 200
    for path in ("inputs", "logs"):
        assert server.get(f"/jobs/{job}/{path}").status_code == 200, path
    failed = server.submit("echo", {"message": "x", "fail": True})
    assert server.ended(failed)["status"] == "failed"
    assert "fail" in server.get(f"/jobs/{failed}/exceptions").text
    assert server.get("/health").json()["status"] == "ok"
