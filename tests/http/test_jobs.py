"""Part 1 job list, status, dismissal; logs, inputs and exceptions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from pygeoapi_oapip.model.job import JobStatus
from pygeoapi_oapip.model.run import LogLine
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
EXCEPTIONS = "http://www.opengis.net/def/rel/ogc/1.0/exceptions"


def start(client: FlaskClient, body: dict[str, object] | None = None, prefer: str = "wait=5") -> str:
    response = client.post("/processes/echo/execution", json=body or {}, headers={"Prefer": prefer})
    if "Location" in response.headers:
        return response.headers["Location"].rpartition("/")[2]
    return response.headers["Link"].partition(">")[0].rpartition("/")[2]


def test_the_list_has_full_statuses(client: FlaskClient) -> None:
    job_id = start(client)
    document = client.get("/jobs").json
    assert document and document["jobs"][0]["jobID"] == job_id
    assert document["jobs"][0]["processID"] == "echo"
    assert {link["rel"] for link in document["links"]} >= {"self", "alternate"}


def test_links_to_pages_keep_the_filters(client: FlaskClient, operations: FakeOperations) -> None:
    for _ in range(3):
        start(client)
    document = client.get("/jobs?limit=2&status=successful&processID=echo&page=0").json
    assert document is not None
    following = next(link["href"] for link in document["links"] if link["rel"] == "next")
    assert following.startswith(f"{BASE}/jobs?status=successful&processID=echo&")
    second = client.get(following.removeprefix(BASE)).json
    assert second and len(second["jobs"]) == 1
    assert operations.queries[-1].statuses == (JobStatus.SUCCESSFUL,)


def test_the_default_page_has_ten_jobs(client: FlaskClient, operations: FakeOperations) -> None:
    client.get("/jobs")
    assert operations.queries[-1].limit == 10


@pytest.mark.parametrize("query", ["limit=0", "status=x", "type=x", "datetime=x", "minDuration=x", "f=x"])
def test_wrong_filters_are_400(client: FlaskClient, query: str) -> None:
    response = client.get(f"/jobs?{query}")
    assert response.status_code == 400
    assert response.json and response.json["type"] == PART1 + "invalid-query-parameter-value"


@pytest.mark.requirement(
    "part1/core/job-op",
    "part1/core/job-success",
    "part1-2.0/core/job-success",
)
def test_a_successful_job_links_its_results(client: FlaskClient) -> None:
    job_id = start(client)
    status = client.get(f"/jobs/{job_id}").json
    assert status and status["status"] == "successful" and status["progress"] == 100
    assert (status["jobID"], status["type"]) == (job_id, "process")
    assert (status["id"], status["processingEntityType"]) == (job_id, "ogc-api-processes")
    assert None not in status.values()
    assert status["finished"].endswith("Z") and status["started"].endswith("Z")
    assert RESULTS in {link["rel"] for link in status["links"]}


def test_a_failed_job_has_the_cause_and_no_results_link(client: FlaskClient, operations: FakeOperations) -> None:
    operations.problem = {"type": "about:blank", "title": "Job failed", "status": 500, "detail": "exit code 3"}
    response = client.post("/processes/echo/execution", json={}, headers={"Prefer": "wait=5"})
    assert response.status_code == 500
    status = client.get("/jobs").json["jobs"][0]  # type: ignore[index]
    assert status["status"] == "failed" and status["exception"]["detail"] == "exit code 3"
    rels = {link["rel"] for link in status["links"]}
    assert EXCEPTIONS in rels and RESULTS not in rels
    assert client.get(f"/jobs/{status['jobID']}/exceptions").json == [operations.problem]
    results = client.get(f"/jobs/{status['jobID']}/results")
    assert results.status_code == 500 and results.json and results.json["detail"] == "exit code 3"


@pytest.mark.requirement("part1/core/job-exception-no-such-job", "part1/core/job-results-exception/no-such-job")
@pytest.mark.parametrize("path", ["", "/results", "/results/x", "/results/x/y", "/logs", "/inputs", "/exceptions"])
def test_an_unknown_job_is_404_with_its_type(client: FlaskClient, path: str) -> None:
    response = client.get(f"/jobs/none{path}")
    assert response.status_code == 404
    assert response.json and response.json["type"] == PART1 + "no-such-job"


@pytest.mark.requirement(
    "part1/dismiss/job-dismiss-op",
    "part1/dismiss/job-dismiss-success",
    "part1-2.0/dismiss/job-dismiss-status",
)
def test_dismissing_an_unfinished_job_keeps_it(client: FlaskClient) -> None:
    job_id = start(client, prefer="respond-async")
    response = client.delete(f"/jobs/{job_id}")
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.json and response.json["status"] == "dismissed" and response.json["processID"] == "echo"
    assert client.get(f"/jobs/{job_id}").json["status"] == "dismissed"  # type: ignore[index]


@pytest.mark.requirement("part1-2.0/dismiss/job-dismiss-status")
def test_dismissing_an_ended_job_removes_it(client: FlaskClient) -> None:
    job_id = start(client)
    assert client.delete(f"/jobs/{job_id}").json["status"] == "dismissed"  # type: ignore[index]
    assert client.get(f"/jobs/{job_id}").status_code == 404
    assert client.delete(f"/jobs/{job_id}").status_code == 404


def test_inputs_come_back(client: FlaskClient) -> None:
    outputs = {"message": {"transmissionMode": "reference", "format": {"mediaType": "text/plain"}}}
    job_id = start(client, {"inputs": {"message": "x", "o": {"a": 1}}, "outputs": outputs}, "respond-async")
    document = client.get(f"/jobs/{job_id}/inputs").json
    assert document and document["inputs"] == {"message": "x", "o": {"value": {"a": 1}}}
    assert document["outputs"] == outputs


@pytest.fixture
def log(operations: FakeOperations) -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    operations.log = [LogLine(time, "INFO", "step", "one"), LogLine(None, "", "", "zwei ä")]


@pytest.mark.usefixtures("log")
def test_logs_are_json_with_the_place_to_go_on(client: FlaskClient) -> None:
    job_id = start(client)
    document = client.get(f"/jobs/{job_id}/logs").json
    assert document and document["nextOffset"] == 2
    assert document["lines"][0] == {
        "time": "2026-01-02T03:04:05.000Z",
        "level": "INFO",
        "source": "step",
        "text": "one",
    }
    later = client.get(f"/jobs/{job_id}/logs?offset=1").json
    assert later and [line["text"] for line in later["lines"]] == ["zwei ä"]
    assert client.get(f"/jobs/{job_id}/logs?offset=99").json["lines"] == []  # type: ignore[index]


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("how", [{"query_string": {"f": "text"}}, {"headers": {"Accept": "text/plain"}}])
def test_logs_are_text_where_text_is_wanted(client: FlaskClient, how: dict[str, dict[str, str]]) -> None:
    response = client.get(f"/jobs/{start(client)}/logs", **how)
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text == "2026-01-02T03:04:05.000Z INFO [step] one\nzwei ä\n"
