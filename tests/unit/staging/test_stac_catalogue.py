"""Catalogues in results: found, walked, and never trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pygeoapi_oapip.model.json import JSONObject
from pygeoapi_oapip.staging import stac_catalogue
from pygeoapi_oapip.staging.stac_catalogue import Catalogue, read_catalogue
from pygeoapi_oapip.testing.stac_packages import FILES, catalogue, item


def read(files: Mapping[str, str | bytes]) -> Catalogue | None:
    def content(path: str, most: int) -> bytes | None:
        found = files.get(path)
        data = found.encode() if isinstance(found, str) else found
        return data if data is not None and len(data) <= most else None

    return read_catalogue(content)


def found(files: Mapping[str, str | bytes]) -> Catalogue:
    made = read(files)
    assert made is not None
    return made


def with_links(*links: Any, **members: Any) -> str:
    return json.dumps({**catalogue([]), "links": list(links), **members})


def hrefs(document: JSONObject) -> dict[str, str]:
    assets: Any = document["assets"]
    return {key: asset["href"] for key, asset in assets.items()}


def test_items_are_found_with_paths_in_place_of_addresses() -> None:
    made = found(FILES)
    assert list(made.items) == ["one/one.json", "two/two.json"]
    assert hrefs(made.items["one/one.json"]) == {"data": "./one/one.txt"}
    assert (made.root, made.head["title"], made.more) == ("catalog.json", "Made things", False)


def test_the_only_collection_below_a_catalog_says_what_all_is() -> None:
    collection: dict[str, Any] = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "c",
        "license": "CC0-1.0",
        "links": [],
    }
    collection["links"] = [{"rel": "item", "href": "i.json"}]
    made = found(
        {
            "catalog.json": with_links({"rel": "child", "href": "a/collection.json"}),
            "a/collection.json": json.dumps(collection),
            "a/i.json": json.dumps(item("i", [0, 0, 1, 1], "x.tif")),
        }
    )
    assert made.head["license"] == "CC0-1.0"
    assert hrefs(made.items["a/i.json"]) == {"data": "./a/x.tif"}


def test_absolute_addresses_of_the_place_it_was_written_to_are_paths() -> None:
    base = "s3://bucket/run-1/out/"
    files = {
        "catalog.json": with_links(
            {"rel": "self", "href": f"{base}catalog.json"}, {"rel": "item", "href": f"{base}i.json"}
        ),
        "i.json": json.dumps({**item("i", [0, 0, 1, 1], "x"), "assets": {"d": {"href": f"{base}d%20e/x.tif"}}}),
    }
    assert hrefs(found(files).items["i.json"]) == {"d": "./d e/x.tif"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 50_000,
        b'{"type": "Catalog"}',
        b'{"type": "Feature", "stac_version": "1.0.0"}',
        b'{"type": "Catalog", "stac_version": 1}',
    ],
)
def test_what_is_no_catalogue_is_a_plain_directory(content: bytes) -> None:
    assert read({"catalog.json": content}) is None


def test_directory_without_a_root_is_none() -> None:
    assert read({"a.txt": "x"}) is None


@pytest.mark.parametrize(
    "href",
    [
        "../outside.json",
        "../../etc/passwd",
        "a/../../outside.json",
        "/etc/passwd",
        "//host/x.json",
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "s3://other/i.json",
        "..%2Foutside.json",
        "..\\outside.json",
        "a\0b",
        "",
        ".",
        "#x",
        "x" * 3000,
        None,
        7,
        ["i.json"],
        "http://[broken",
    ],
)
def test_links_that_lead_out_are_left_out(href: object) -> None:
    asked: list[str] = []
    root = with_links({"rel": "item", "href": href}, "no link", None)

    def content(path: str, most: int) -> bytes | None:
        asked.append(path)
        return root.encode() if path == "catalog.json" else json.dumps(item("i", [0, 0, 1, 1], "x")).encode()

    made = read_catalogue(content)
    assert made is not None and made.items == {}
    assert asked == ["catalog.json"]


@pytest.mark.parametrize("href", ["../../x", "/etc/passwd", "file:///etc/passwd", "javascript:alert(1)", 5, None, ""])
def test_assets_that_lead_out_are_left_out(href: object) -> None:
    odd = {**item("i", [0, 0, 1, 1], "x"), "assets": {"bad": {"href": href}, "worse": "x", "good": {"href": "g.tif"}}}
    made = found({"catalog.json": with_links({"rel": "item", "href": "a/i.json"}), "a/i.json": json.dumps(odd)})
    assert hrefs(made.items["a/i.json"]) == {"good": "./a/g.tif"}


def test_assets_elsewhere_keep_their_address() -> None:
    odd = {**item("i", [0, 0, 1, 1], "x"), "assets": {"web": {"href": "https://example.org/a.tif"}}}
    made = found({"catalog.json": with_links({"rel": "item", "href": "i.json"}), "i.json": json.dumps(odd)})
    assert hrefs(made.items["i.json"]) == {"web": "https://example.org/a.tif"}


def test_loops_end() -> None:
    back = {"rel": "child", "href": "catalog.json"}
    made = found(
        {
            "catalog.json": with_links(
                {"rel": "child", "href": "b.json"}, {"rel": "child", "href": "./x/../b.json"}, back
            ),
            "b.json": with_links(back, {"rel": "child", "href": "b.json"}),
        }
    )
    assert made.items == {} and not made.more


def test_broken_and_missing_documents_are_passed_over() -> None:
    links = [{"rel": "item", "href": name} for name in ("gone.json", "bad.json", "i.json")]
    made = found(
        {"catalog.json": with_links(*links), "bad.json": "{", "i.json": json.dumps(item("i", [0, 0, 1, 1], "x"))}
    )
    assert list(made.items) == ["i.json"]


def test_large_catalogues_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stac_catalogue, "MOST_ITEMS", 3)
    links = [{"rel": "item", "href": f"{n}.json"} for n in range(5)]
    files = {f"{n}.json": json.dumps(item(str(n), [0, 0, 1, 1], "x")) for n in range(5)}
    made = found({"catalog.json": with_links(*links), **files})
    assert len(made.items) == 3 and made.more


def test_all_documents_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stac_catalogue, "TOTAL_BYTES", 1000)
    links = [{"rel": "item", "href": f"{n}.json"} for n in range(9)]
    files = {f"{n}.json": json.dumps(item(str(n), [0, 0, 1, 1], "x")) for n in range(9)}
    made = found({"catalog.json": with_links(*links), **files})
    assert 0 < len(made.items) < 9 and made.more
