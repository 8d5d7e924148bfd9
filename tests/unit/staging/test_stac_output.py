"""The Collection and the Items that clients get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pygeoapi_oapip.staging.stac_catalogue import Catalogue
from pygeoapi_oapip.staging.stac_extent import extent_of
from pygeoapi_oapip.staging.stac_output import (
    STORAGE_EXTENSION,
    Addresses,
    build,
    collection_document,
    items_document,
)
from pygeoapi_oapip.testing.stac_packages import item

AT = Addresses(lambda path: f"https://host/r/{path}", "https://host/r?f=stac", "https://host/r?f=items")
FIELDS = {"storage:platform": "S3", "storage:region": "r"}
WORLD: Any = {"spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]}, "temporal": {"interval": [[None, None]]}}


def normal(name: str, box: list[float], moment: str = "2026-05-01T10:00:00Z") -> dict[str, Any]:
    made = item(name, box, f"{name}.tif", moment)
    return {**made, "links": [], "assets": {"data": {"href": f"./{name}/{name}.tif", "type": "image/tiff"}}}


def built(head: dict[str, Any] | None = None, fields: dict[str, str] = FIELDS) -> tuple[Any, Any]:
    items = {"a/a.json": normal("a", [1, 2, 3, 4]), "b/b.json": normal("b", [0, 3, 2, 9], "2025-01-01T00:00:00+02:00")}
    first: dict[str, Any] = {"type": "Catalog", "stac_version": "1.0.0", "links": [], "assets": {}, **(head or {})}
    collection, rest = build(Catalogue("catalog.json", first, "catalog.json", dict(items)), "job-1", dict(fields))
    return json.loads(json.dumps(collection_document(collection, AT))), json.loads(json.dumps(items_document(rest, AT)))


def test_collection_has_all_that_stac_demands() -> None:
    collection, _ = built()
    assert set(collection) >= {"type", "stac_version", "id", "description", "license", "extent", "links"}
    assert (collection["type"], collection["id"], collection["stac_version"]) == ("Collection", "job-1", "1.1.0")


def test_extent_is_that_of_the_items() -> None:
    collection, _ = built()
    assert collection["extent"] == {
        "spatial": {"bbox": [[0, 2, 3, 9]]},
        "temporal": {"interval": [["2024-12-31T22:00:00Z", "2026-05-01T10:00:00Z"]]},
    }


def test_links_are_absolute() -> None:
    collection, items = built()
    links = {(link["rel"], link["href"]) for link in collection["links"]}
    assert links == {
        ("self", "https://host/r?f=stac"),
        ("items", "https://host/r?f=items"),
        ("root", "https://host/r/catalog.json"),
        ("item", "https://host/r/a/a.json"),
        ("item", "https://host/r/b/b.json"),
    }
    assert "./" not in json.dumps([collection, items])


def test_items_name_their_collection_and_storage() -> None:
    _, items = built()
    first = items["features"][0]
    assert first["collection"] == "job-1"
    assert first["assets"]["data"] == {"href": "https://host/r/a/a.tif", "type": "image/tiff", **FIELDS}
    assert STORAGE_EXTENSION in first["stac_extensions"]
    assert items["numberReturned"] == 2


def test_without_a_storage_nothing_is_said_of_one() -> None:
    _, items = built(fields={})
    assert set(items["features"][0]["assets"]["data"]) == {"href", "type"}
    assert items["features"][0]["stac_extensions"] == []


def test_what_the_tool_says_is_kept_but_its_id() -> None:
    head = {"id": "mine", "title": "T", "description": "D", "license": "CC0-1.0", "keywords": ["k"], "x": 1}
    collection, _ = built(head)
    assert {key: collection[key] for key in ("id", "title", "description", "license", "keywords")} == {
        **{key: head[key] for key in ("title", "description", "license", "keywords")},
        "id": "job-1",
    }


@pytest.mark.parametrize("odd", [None, 5, [], {}, ""])
def test_nonsense_of_the_tool_is_replaced(odd: object) -> None:
    collection, _ = built({"description": odd, "license": odd, "stac_extensions": odd, "extent": odd})
    assert collection["description"] == "Results of job job-1"
    assert collection["license"] == "other"


def test_extent_without_any_knowledge_is_the_world_at_any_time() -> None:
    assert extent_of([], None) == WORLD
    odd: list[Any] = [{"bbox": ["a"]}, {"bbox": [1, 2, 3]}, {"bbox": None, "geometry": {"coordinates": "x"}}]
    odd += [{"properties": {"datetime": "yesterday"}}, {"properties": 5}, {"geometry": 3}, {"bbox": [float("nan")] * 4}]
    assert extent_of(odd, "nonsense") == WORLD


def test_extent_of_the_catalogue_counts_where_items_tell_nothing() -> None:
    given: Any = {"spatial": {"bbox": [[1, 2, 3, 4]]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]}}
    assert extent_of([], given) == given


def test_extent_comes_from_geometries_and_boxes_with_heights() -> None:
    line: Any = {"geometry": {"type": "LineString", "coordinates": [[5, 6], [7, 8]]}}
    high: Any = {"bbox": [1, 2, -10, 3, 4, 10]}
    assert extent_of([line, high], None)["spatial"] == {"bbox": [[1, 2, 7, 8]]}


def test_box_across_the_antimeridian_makes_the_extent_go_around() -> None:
    items: Any = [{"bbox": [170, -10, -170, 10]}, {"bbox": [0, 0, 1, 1]}]
    assert extent_of(items, None)["spatial"] == {"bbox": [[-180.0, -10, 180.0, 10]]}


def test_interval_of_an_item_counts_as_a_whole() -> None:
    spans: Any = [
        {
            "properties": {
                "datetime": None,
                "start_datetime": "2020-01-01T00:00:00Z",
                "end_datetime": "2021-01-01T00:00:00Z",
            }
        }
    ]
    assert extent_of(spans, None)["temporal"] == {"interval": [["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]]}
