"""Results as document, raw, in parts; outputs and files by themselves."""

from __future__ import annotations

import io
import zipfile
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pygeoapi_oapip.model.job import Phase
from pygeoapi_oapip.ogcapi.files import send
from pygeoapi_oapip.operations import ServedFile
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"
PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
TIFF = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def files(results: bytes) -> None:
    assert results == TIFF


def run(client: FlaskClient, *outputs: str, **body: Any) -> str:
    wanted: dict[str, Any] = {"outputs": {name: {} for name in outputs}} if outputs else {}
    response = client.post("/processes/echo/execution", json={**wanted, **body}, headers={"Prefer": "wait=5"})
    return response.headers["Location"].rpartition("/")[2]


def sync(client: FlaskClient, body: dict[str, Any], accept: str = "*/*") -> TestResponse:
    headers = {"Prefer": "wait=5", "Accept": accept}
    return client.post("/processes/echo/execution", json=body, headers=headers)


def parts(response: TestResponse) -> list[Message]:
    head = f"Content-Type: {response.content_type}\r\n\r\n".encode()
    return list(message_from_bytes(head + response.data, policy=policy.HTTP).iter_parts())


@pytest.mark.requirement(
    "part1/core/job-results-op",
    "part1/core/job-results-async-document",
    "part1/core/process-execute-default-outputs",
    "part1-2.0/core/process-execute-omitted-outputs",
    "part1-2.0/core/job-results-async-many",
    "client/rule-08",
)
def test_the_document_has_every_output(client: FlaskClient) -> None:
    job_id = run(client)
    response = client.get(f"/jobs/{job_id}/results")
    assert response.content_type == "application/json"
    document = response.json
    assert document and list(document) == ["score", "map", "texts", "tiles", "page", "record", "odd", "gone"]
    assert document["score"] == 0.5
    assert document["map"]["href"] == f"{BASE}/jobs/{job_id}/results/map"
    assert document["map"]["type"] == "image/tiff"


def test_every_link_of_a_document_can_be_read(client: FlaskClient) -> None:
    document = client.get(f"/jobs/{run(client, 'map', 'texts', 'tiles', 'record')}/results").json
    assert document is not None
    links = [document["map"], *document["texts"], document["tiles"], document["record"]["value"]["text"]]
    for link in links:
        response = client.get(link["href"].removeprefix(BASE), headers={"Accept": link["type"]})
        assert response.status_code == 200
        assert response.mimetype == link["type"]


@pytest.mark.requirement(
    "part1-2.0/core/job-results-param-outputs",
    "part1-2.0/core/job-results-param-response",
    "part1-2.0/core/job-results-exception/invalid-query-parameter-value",
)
def test_a_part_of_the_outputs_can_be_asked_for(client: FlaskClient) -> None:
    job_id = run(client)
    assert client.get(f"/jobs/{job_id}/results?outputs=score").json == {"score": 0.5}
    response = client.get(f"/jobs/{job_id}/results?outputs=score,none")
    assert response.status_code == 400
    assert response.json and response.json["type"] == PART1 + "invalid-query-parameter-value"


@pytest.mark.requirement("part1/core/job-results-exception/results-not-ready")
def test_results_of_an_unfinished_job_are_not_ready(client: FlaskClient) -> None:
    headers = {"Prefer": "respond-async"}
    job_id = client.post("/processes/echo/execution", json={}, headers=headers).json["jobID"]  # type: ignore[index]
    for path in ("/results", "/results/score", "/results/texts/0/x"):
        response = client.get(f"/jobs/{job_id}{path}")
        assert response.status_code == 404
        assert response.json and response.json["type"] == PART1 + "result-not-ready"


@pytest.mark.requirement("part1-2.0/core/job-results-exception/results-not-available")
def test_results_of_a_dismissed_job_are_not_available(client: FlaskClient, operations: FakeOperations) -> None:
    headers = {"Prefer": "respond-async"}
    job_id = client.post("/processes/echo/execution", json={}, headers=headers).json["jobID"]  # type: ignore[index]
    client.delete(f"/jobs/{job_id}")
    job = operations.jobs_by_id[job_id]
    operations.jobs_by_id[job_id] = job.advance(Phase.DISMISSED, job.updated)
    response = client.get(f"/jobs/{job_id}/results")
    assert response.json and response.json["type"] == PART1 + "result-not-available"


@pytest.mark.requirement("part1/core/process-execute-sync-raw-value-one", "part1/core/job-results-async-raw-value-one")
def test_one_raw_output_is_its_bytes(client: FlaskClient) -> None:
    response = sync(client, {"outputs": {"map": {}}, "response": "raw"})
    assert (response.status_code, response.content_type, response.data) == (200, "image/tiff", TIFF)
    job_id = run(client, "map", response="raw")
    assert client.get(f"/jobs/{job_id}/results").data == TIFF


@pytest.mark.requirement(
    "part1-2.0/core/process-execute-sync-one", "part1-2.0/core/process-execute-sync-one-default-content"
)
def test_one_synchronous_output_is_raw_unless_json_is_named(client: FlaskClient) -> None:
    assert sync(client, {"outputs": {"map": {}}}).data == TIFF
    document = sync(client, {"outputs": {"map": {}}}, "application/json").json
    assert document and document["map"]["type"] == "image/tiff"
    document = sync(client, {"outputs": {"map": {}}, "response": "document"}).json
    assert document and document["map"]["type"] == "image/tiff"


def test_one_raw_literal_is_json_or_text(client: FlaskClient) -> None:
    body = {"outputs": {"score": {}}, "response": "raw"}
    assert sync(client, body).data == b"0.5"
    assert sync(client, body).content_type == "application/json"
    text = sync(client, body, "text/plain")
    assert (text.content_type, text.data) == ("text/plain; charset=utf-8", b"0.5")


@pytest.mark.requirement("part1-2.0/core/process-execute-sync-many", "part1/core/process-execute-sync-document")
def test_several_outputs_without_a_form_are_a_document(client: FlaskClient) -> None:
    response = sync(client, {"outputs": {"score": {}, "map": {}}})
    assert response.content_type == "application/json"
    assert response.json and set(response.json) == {"score", "map"}


@pytest.mark.requirement(
    "part1/core/process-execute-sync-raw-value-multi", "part1/core/job-results-async-raw-value-multi"
)
@pytest.mark.parametrize(
    ("body", "accept"), [({"response": "raw"}, "*/*"), ({}, "multipart/related"), ({"response": "raw"}, "text/plain")]
)
def test_several_raw_outputs_are_parts(client: FlaskClient, body: dict[str, Any], accept: str) -> None:
    response = sync(client, {"outputs": {"score": {}, "map": {}, "texts": {}}, **body}, accept)
    assert response.status_code == 200
    assert response.mimetype == "multipart/related"
    score, tiff, texts = parts(response)
    assert (score["Content-ID"], score.get_content_type()) == ("<score>", "application/json")
    assert (tiff["Content-ID"], tiff.get_content_type()) == ("<map>", "image/tiff")
    assert score.get_payload(decode=True) == b"0.5"
    assert response.data.count(TIFF) == 1
    assert b"/results/texts/1/" in bytes(texts.get_payload(decode=True))


@pytest.mark.requirement("client/rule-01")
def test_json_by_name_wins_over_parts(client: FlaskClient) -> None:
    body = {"outputs": {"score": {}, "map": {}}, "response": "raw"}
    assert sync(client, body, "application/json").content_type == "application/json"


@pytest.mark.requirement("part1/core/process-execute-sync-raw-ref")
def test_references_in_a_raw_answer_are_links(client: FlaskClient) -> None:
    reference = {"transmissionMode": "reference"}
    response = sync(client, {"outputs": {"map": reference, "score": reference}, "response": "raw"})
    assert (response.status_code, response.data) == (204, b"")
    links = response.headers.getlist("Link")
    assert any("/results/map>" in link and "results" in link for link in links) and len(links) == 3


@pytest.mark.requirement("part1/core/process-execute-sync-raw-mixed-multi")
def test_references_among_parts_have_a_location(client: FlaskClient) -> None:
    outputs = {"map": {"transmissionMode": "reference"}, "score": {}}
    score, tiff = parts(sync(client, {"outputs": outputs, "response": "raw"}))
    assert tiff["Content-Location"].endswith("/results/map")
    assert score.get_payload(decode=True) == b"0.5"


def test_a_file_by_value_is_in_the_document(client: FlaskClient) -> None:
    body = {"outputs": {"texts": {"transmissionMode": "value"}}, "response": "document"}
    document = sync(client, body).json
    assert document == {"texts": [{"value": "hello", "mediaType": "text/plain"}] * 2}


@pytest.mark.requirement("part1-2.0/core/job-result-op", "part1-2.0/core/job-results-exception/no-such-output")
def test_an_output_that_the_process_does_not_have_is_400(client: FlaskClient) -> None:
    job_id = run(client, "score")
    for path in ("/results/none", "/results/none/x", "/results/%00"):
        response = client.get(f"/jobs/{job_id}{path}")
        assert response.status_code == 400
        assert response.json and response.json["type"] == PART1 + "no-such-output"


@pytest.mark.requirement("part1-2.0/core/job-result-op")
def test_an_output_that_was_not_asked_for_is_404(client: FlaskClient) -> None:
    job_id = run(client, "score")
    for path in ("/results/map", "/results/map/x", "/results/score/x"):
        response = client.get(f"/jobs/{job_id}{path}")
        assert response.status_code == 404
        assert response.json and response.json["type"] == PART1 + "no-such-output"


@pytest.mark.requirement("part1-2.0/core/job-result-op", "part1-2.0/core/job-results-async-one")
@pytest.mark.parametrize("path", ["map", "score", "texts/0/x"])
def test_a_form_that_no_output_has_is_400(client: FlaskClient, path: str) -> None:
    response = client.get(f"/jobs/{run(client)}/results/{path}?f=shapefile")
    assert (response.status_code, response.content_type) == (400, "application/json")


def test_a_literal_by_itself_is_json(client: FlaskClient) -> None:
    assert client.get(f"/jobs/{run(client)}/results/score").json == 0.5


def test_a_file_has_validators_and_a_name(client: FlaskClient) -> None:
    address = f"/jobs/{run(client)}/results/map"
    response = client.get(address)
    assert response.data == TIFF and response.content_length == len(TIFF)
    assert response.headers["Content-Disposition"] == "inline; filename=map.tif"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Last-Modified" in response.headers and not response.headers["ETag"].startswith("W/")
    assert client.get(address, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    head = client.head(address)
    assert (head.status_code, head.content_length, head.data) == (200, len(TIFF), b"")


@pytest.mark.parametrize(
    ("value", "status", "content"),
    [
        ("bytes=0-3", 206, TIFF[:4]),
        ("bytes=1000-", 206, TIFF[1000:]),
        ("bytes=-5", 206, TIFF[-5:]),
        ("bytes=0-99999", 206, TIFF),
        ("bytes=5000-", 416, b""),
        ("bytes=0-1,4-5", 200, TIFF),
        ("bytes=nonsense", 200, TIFF),
        ("bytes=5-2", 200, TIFF),
        ("items=0-1", 200, TIFF),
        ("", 200, TIFF),
    ],
)
def test_ranges(client: FlaskClient, value: str, status: int, content: bytes) -> None:
    response = client.get(f"/jobs/{run(client)}/results/map", headers={"Range": value})
    assert (response.status_code, response.data) == (status, content)
    if status == 416:
        assert response.headers["Content-Range"] == f"bytes */{len(TIFF)}"


def test_names_that_are_not_ascii_are_encoded(client: FlaskClient) -> None:
    response = client.get(f"/jobs/{run(client)}/results/texts/0/%C3%A4%20b.txt")
    assert response.data == b"hello"
    assert "filename*=UTF-8''%C3%A4%20b.txt" in response.headers["Content-Disposition"]


def test_results_cannot_run_as_pages_of_this_site(client: FlaskClient) -> None:
    response = client.get(f"/jobs/{run(client)}/results/page", headers={"Accept": "text/html"})
    assert response.data.startswith(b"<script>")
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    "kind",
    ["text/html", "Text/HTML; charset=utf-8", "image/SVG+xml", "application/Atom+XML", "text/xsl", "application/xml"],
)
def test_whatever_a_browser_would_run_is_in_a_sandbox(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "result"
    file.write_text("x")
    with Flask(__name__).test_request_context("/"):
        answer = send(ServedFile(file, "result", kind))
        answer.close()
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_media_type_that_is_none_cannot_reach_the_header(client: FlaskClient) -> None:
    response = client.get(f"/jobs/{run(client)}/results/odd")
    assert response.content_type == "application/octet-stream" and "X-Evil" not in response.headers


def test_a_file_that_is_gone_is_404(client: FlaskClient) -> None:
    response = client.get(f"/jobs/{run(client)}/results/gone")
    assert response.status_code == 404
    assert response.json and response.json["type"] == PART1 + "no-such-output"


def test_a_directory_is_a_list_of_files_or_an_archive(client: FlaskClient) -> None:
    address = f"/jobs/{run(client)}/results/tiles"
    listing = client.get(address).json
    assert listing and listing["name"] == "tiles"
    assert listing["files"] == [
        {"name": "1/2.txt", "href": f"{BASE}{address}/1/2.txt", "type": "text/plain", "size": 4}
    ]
    assert client.get(listing["files"][0]["href"].removeprefix(BASE)).data == b"tile"
    for how in ({"headers": {"Accept": "application/zip"}}, {"query_string": {"f": "zip"}}):
        response = client.get(address, **how)
        assert response.content_type == "application/zip"
        assert zipfile.ZipFile(io.BytesIO(response.data)).read("1/2.txt") == b"tile"


def test_a_folder_in_a_directory_is_a_list_too(client: FlaskClient) -> None:
    address = f"/jobs/{run(client)}/results/tiles/1/"
    listing = client.get(address).json
    assert listing and [row["name"] for row in listing["files"]] == ["2.txt"]
    assert client.get(listing["files"][0]["href"].removeprefix(BASE)).data == b"tile"


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "1/../../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "/secret.txt", "1//2.txt"]
    + ["..%5csecret.txt", "1/2.txt%00", "%00", "x" * 300, "x/" * 3000 + "x", "1/2.txt/3"],
)
def test_paths_do_not_leave_a_directory(client: FlaskClient, path: str) -> None:
    response = client.get(f"/jobs/{run(client)}/results/tiles/{path}")
    assert response.status_code == 404 and response.content_type == "application/json"
    assert b"not a result" not in response.data


def test_a_page_of_results_is_html(client: FlaskClient) -> None:
    response = client.get(f"/jobs/{run(client)}/results?f=html")
    assert response.content_type.startswith("text/html") and "0.5" in response.text


@pytest.mark.requirement("part1/core/job-results-exception/no-such-job")
@pytest.mark.parametrize("path", ["", "/score", "/score/x"])
def test_results_of_no_job_are_404(client: FlaskClient, path: str) -> None:
    response = client.get(f"/jobs/invalid-job/results{path}")
    assert (response.status_code, response.content_type) == (404, "application/json")
    assert response.json and response.json["type"] == PART1 + "no-such-job"
