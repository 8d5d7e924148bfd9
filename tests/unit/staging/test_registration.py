"""Results made known in a (FAKE) catalogue: requests, repeats, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pygeoapi_oapip.errors import JobFailed, Unavailable
from pygeoapi_oapip.model.value import DirectoryOutput
from pygeoapi_oapip.settings_results import Registration
from pygeoapi_oapip.staging.registration import TRIES, StacRegistrar, addresses
from pygeoapi_oapip.staging.stac_catalogue import Catalogue
from pygeoapi_oapip.staging.stac_output import build
from pygeoapi_oapip.testing.fake_catalogue import FakeCatalogue
from pygeoapi_oapip.testing.stac_packages import item

ITEM = {**item("i 1", [0, 0, 1, 1], "x"), "links": [], "assets": {"d": {"href": "./a/x.tif"}}}
HEAD: Any = {"type": "Catalog", "stac_version": "1.0.0", "links": [], "assets": {}}
COLLECTION, ITEMS = build(Catalogue("catalog.json", HEAD, "catalog.json", {"a/i.json": ITEM}), "job-1", {})
STORED = addresses(DirectoryOutput("s3://bucket/p/j/made", "made"), "https://host/jobs/j/results/o")


@pytest.fixture
def catalogue() -> Iterator[FakeCatalogue]:
    with FakeCatalogue() as server:
        yield server


def register(catalogue: FakeCatalogue, kind: str = "stac", path: str = "", **settings: Any) -> list[float]:
    pauses: list[float] = []
    chosen = Registration.model_validate({"type": kind, "url": catalogue.url + path, **settings})
    StacRegistrar(chosen, pauses.append).register("alice b", COLLECTION, ITEMS, STORED)
    return pauses


def test_collection_comes_before_its_items(catalogue: FakeCatalogue) -> None:
    register(catalogue)
    assert catalogue.requests == [("POST", "/collections"), ("POST", "/collections/job-1/items")]
    made = catalogue.documents["/collections/job-1/items/i 1"]
    assert made["assets"]["d"]["href"] == "s3://bucket/p/j/made/a/x.tif"
    assert made["collection"] == "job-1"


def test_what_is_there_is_replaced(catalogue: FakeCatalogue) -> None:
    register(catalogue)
    catalogue.documents["/collections/job-1/items/i%201"] = {}
    catalogue.requests.clear()
    register(catalogue)
    assert [method for method, _ in catalogue.requests] == ["POST", "PUT", "POST", "PUT"]
    assert catalogue.requests[-1][1] == "/collections/job-1/items/i%201"


def test_eoepca_gets_the_collection_and_the_addresses_of_items(catalogue: FakeCatalogue) -> None:
    register(catalogue, "eoepca", "/workspaces/ws-{user}")
    assert catalogue.requests == [
        ("POST", "/workspaces/ws-alice%20b/register-json"),
        ("POST", "/workspaces/ws-alice%20b/register"),
    ]
    [url] = [document["url"] for document in catalogue.documents.values() if "url" in document]
    assert url == "s3://bucket/p/j/made/a/i.json"


def test_token_is_sent(catalogue: FakeCatalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOGUE_TOKEN", "abc")
    register(catalogue, token={"env": "CATALOGUE_TOKEN"})
    assert set(catalogue.tokens) == {"Bearer abc"}


def test_results_on_this_machine_are_registered_by_their_address_here() -> None:
    at = addresses(DirectoryOutput("outputs/made", "made"), "https://host/jobs/j/results/o")
    assert at.file("a b/x.tif") == "https://host/jobs/j/results/o/a%20b/x.tif"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_fault_is_tried_again_with_growing_pauses(catalogue: FakeCatalogue, status: int) -> None:
    catalogue.answers = [status, status]
    assert register(catalogue) == [0.5, 1.0]
    assert "/collections/job-1" in catalogue.documents


def test_fault_that_stays_is_told(catalogue: FakeCatalogue) -> None:
    catalogue.answers = [503] * TRIES
    with pytest.raises(Unavailable, match="503"):
        register(catalogue)
    assert len(catalogue.requests) == TRIES


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 422])
def test_refusal_is_told_at_once(catalogue: FakeCatalogue, status: int) -> None:
    catalogue.answers = [status]
    with pytest.raises(JobFailed, match=f"{status} to POST of Collection job-1"):
        register(catalogue)
    assert len(catalogue.requests) == 1


def test_catalogue_that_is_not_there_is_told() -> None:
    with FakeCatalogue() as gone:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"):
        register(gone)
