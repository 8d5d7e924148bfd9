"""STAC catalogues among results, as clients of a real server get them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.stac_packages import FILES, package


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("stac"), {"storage": {"items": True}}) as server:
        server.deploy(package())
        server.deploy(package("many", kind="Directory[]"))
        server.deploy(package("plain", {"a.txt": "x"}))
        yield server


def run(live: LiveServer, process_id: str = "stac", **body: Any) -> str:
    answer = live.post(
        f"/processes/{process_id}/execution", json={"inputs": {}, **body}, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 201, answer.text
    job = str(answer.json()["jobID"])
    assert live.ended(job)["status"] == "successful"
    return job


@pytest.fixture(scope="module")
def job(live: LiveServer) -> str:
    return run(live)


def results(live: LiveServer, job: str, path: str = "", **headers: str) -> requests.Response:
    return live.get(f"/jobs/{job}/results{path}", headers=headers)


@pytest.mark.parametrize("accept", ["*/*", "application/json", ""])
def test_only_output_is_the_body(live: LiveServer, job: str, accept: str) -> None:
    answer = results(live, job, Accept=accept)
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.json()["type"], answer.json()["id"]) == ("Collection", job)


def test_all_links_lead_somewhere(live: LiveServer, job: str) -> None:
    for link in results(live, job).json()["links"]:
        found = requests.get(link["href"], timeout=30)
        assert (found.status_code, link["rel"]) == (200, link["rel"])


def test_items_come_in_one_document(live: LiveServer, job: str) -> None:
    answer = results(live, job, "/catalogue?f=items")
    assert answer.headers["Content-Type"] == "application/geo+json"
    items = answer.json()["features"]
    assert [item["id"] for item in items] == ["one", "two"]
    texts = [requests.get(item["assets"]["data"]["href"], timeout=30).text for item in items]
    assert texts == ["first", "second"]


def test_who_asks_for_an_archive_gets_it(live: LiveServer) -> None:
    job = run(live, response="raw")
    assert results(live, job, Accept="application/zip").content.startswith(b"PK")
    assert results(live, job).json()["type"] == "Collection"


def test_document_has_a_link(live: LiveServer) -> None:
    found = results(live, run(live, response="document")).json()
    assert found["catalogue"]["type"] == "application/zip"


def test_document_has_the_collection_by_value(live: LiveServer) -> None:
    outputs = {"catalogue": {"transmissionMode": "value"}}
    job = run(live, response="document", outputs=outputs)
    found = results(live, job).json()["catalogue"]
    assert (found["mediaType"], found["value"]["id"]) == ("application/json", job)


def test_reference_stays_a_reference(live: LiveServer) -> None:
    job = run(live, outputs={"catalogue": {"transmissionMode": "reference"}})
    assert results(live, job).json()["catalogue"]["href"].endswith(f"/jobs/{job}/results/catalogue")


def test_minimal_is_links(live: LiveServer, job: str) -> None:
    found = results(live, job, Prefer="return=minimal").json()
    assert found["catalogue"]["href"].endswith("/results/catalogue")


def test_array_of_catalogues(live: LiveServer) -> None:
    job = run(live, "many", outputs={"catalogue": {"transmissionMode": "value"}})
    values = [entry["value"] for entry in results(live, job).json()["catalogue"]]
    assert [value["id"] for value in values] == [f"{job}-catalogue-0-first", f"{job}-catalogue-1-second"]
    served = results(live, job, "/catalogue/1/second?f=stac").json()
    assert served == values[1]


def test_files_are_there_as_the_tool_made_them(live: LiveServer, job: str) -> None:
    assert results(live, job, "/catalogue/catalog.json").text == FILES["catalog.json"]


def test_directory_without_a_catalogue_says_so(live: LiveServer) -> None:
    job = run(live, "plain")
    assert results(live, job, "/catalogue?f=stac").status_code == 404
    assert results(live, job).json()["catalogue"]["type"] == "application/zip"
    assert results(live, job, "/catalogue/a.txt?f=stac").status_code in (200, 400)


def test_page_shows_the_catalogue_as_a_directory(live: LiveServer, job: str) -> None:
    page = results(live, job, "?f=html").text
    assert "data-directory" in page and "/results/catalogue" in page


def test_lost_documents_leave_the_directory(live: LiveServer) -> None:
    job = run(live)
    for path in (live.home / "jobs" / job).glob("stac-*.json"):
        path.unlink()
    assert results(live, job).json()["catalogue"]["type"] == "application/zip"
    assert results(live, job, "/catalogue?f=items").status_code == 404
