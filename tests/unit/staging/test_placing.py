"""References become files and folders: what is asked for, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import InvalidInputs, OapipError, TooLarge, UnresolvableReference
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.base import Staged
from pygeoapi_oapip.staging.placing import Placer, Wanted
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.staging.transfer import Transfer

from .site import Site


def place(url: str, folder: Path, is_directory: bool = True, **settings: Any) -> Staged:
    staging = Staging.model_validate({"allow_internal": True, "timeout": 20, **settings})
    folder.mkdir(exist_ok=True)
    transfer = Transfer(staging.parallel)
    try:
        return Placer(make_stager(staging), staging).place(Wanted(url, is_directory, folder), transfer)
    finally:
        transfer.close()


def item(**assets: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A",
        "geometry": None,
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [{"rel": "self", "href": "https://elsewhere.example/S2A.json"}, {"rel": "license", "href": "l.txt"}],
        "assets": assets,
    }


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def tiles(site: Site) -> str:
    """An item with three assets."""
    site.files.update({"/s/a.tif": b"alpha", "/s/b%20c.tif": b"beta", "/t.png": b"thumb"})
    return site.put(
        "/s/item.json",
        item(
            A={"href": "./a.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]},
            B={"href": "b%20c.tif", "type": "image/tiff", "roles": ["data", "extra"]},
            thumbnail={"href": "/t.png", "type": "image/png", "roles": ["thumbnail"]},
        ),
    )


def test_an_item_becomes_a_catalogue_that_is_whole_by_itself(tiles: str, site: Site, tmp_path: Path) -> None:
    found = place(tiles, tmp_path / "in")
    assert found.is_directory
    assert names(found.path) == ["S2A/S2A.json", "S2A/a.tif", "S2A/b_c.tif", "S2A/t.png", "catalog.json"]
    catalogue = json.loads((found.path / "catalog.json").read_bytes())
    links = [link for link in catalogue["links"] if link["rel"] == "item"]
    path = found.path / links[0]["href"]
    made = json.loads(path.read_bytes())
    assert {key: (path.parent / asset["href"]).read_bytes() for key, asset in made["assets"].items()} == {
        "A": b"alpha",
        "B": b"beta",
        "thumbnail": b"thumb",
    }
    by_rel = {link["rel"]: link["href"] for link in made["links"]}
    assert by_rel == {
        "root": "../catalog.json",
        "parent": "../catalog.json",
        "via": tiles,
        "license": f"{site.url}/s/l.txt",
    }


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ("asset=A", ["A"]),
        ("asset=A&asset=thumbnail", ["A", "thumbnail"]),
        ("role=data", ["A", "B"]),
        ("role=data&asset=B", ["B"]),
        ("type=image/tiff", ["A", "B"]),
        ("type=image/*", ["A", "B", "thumbnail"]),
        ("type=image%2Fpng", ["thumbnail"]),
        ("asset=*", ["A", "B", "thumbnail"]),
    ],
)
def test_assets_are_chosen_by_key_role_and_type(tiles: str, tmp_path: Path, choice: str, keys: list[str]) -> None:
    found = place(f"{tiles}#{choice}", tmp_path / "in")
    made = json.loads((found.path / "S2A" / "S2A.json").read_bytes())
    assert sorted(made["assets"]) == keys
    assert len(names(found.path)) == 2 + len(keys)


def test_the_administrator_chooses_where_the_reference_does_not(tiles: str, tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"stac": {"roles": ["data"]}}
    assert len(names(place(tiles, tmp_path / "a", **chosen).path)) == 4
    assert len(names(place(f"{tiles}#asset=*", tmp_path / "b", **chosen).path)) == 5


def test_a_choice_without_an_asset_says_which_there_are(tiles: str, tmp_path: Path) -> None:
    with pytest.raises(UnresolvableReference, match=r"no asset with asset=X \(assets: A, B, thumbnail\)"):
        place(f"{tiles}#asset=X", tmp_path / "in")


def test_a_file_is_the_item_or_its_one_chosen_asset(tiles: str, tmp_path: Path) -> None:
    assert json.loads(place(tiles, tmp_path / "a", is_directory=False).path.read_bytes())["id"] == "S2A"
    found = place(f"{tiles}#asset=B", tmp_path / "b", is_directory=False)
    assert (found.path.read_bytes(), found.path.name, found.media_type) == (b"beta", "b c.tif", "image/tiff")
    with pytest.raises(UnresolvableReference, match="chooses 2 assets"):
        place(f"{tiles}#role=data", tmp_path / "c", is_directory=False)


@pytest.mark.parametrize("kind", ["", "#asset=A"])
def test_what_is_no_folder_is_refused(site: Site, tmp_path: Path, kind: str) -> None:
    site.files["/plain.txt"] = b'{"type": "Feature"}'
    with pytest.raises(InvalidInputs, match="is a file, a directory|not a STAC"):
        place(f"{site.url}/plain.txt{kind}", tmp_path / "in")


def test_a_collection_is_followed_to_its_items_once_each(site: Site, tmp_path: Path) -> None:
    site.files["/x.tif"] = b"x"
    for name in "ab":
        site.put(f"/{name}.json", {**item(x={"href": "x.tif"}), "id": "same"})
    root = site.put(
        "/collection.json",
        {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": "c",
            "links": [
                {"rel": "item", "href": "a.json"},
                {"rel": "item", "href": "./a.json#again"},
                {"rel": "child", "href": "child/catalog.json"},
                {"rel": "self", "href": "https://elsewhere.example/"},
                "nonsense",
            ],
        },
    )
    links = [{"rel": "child", "href": "../collection.json"}, {"rel": "item", "href": "../b.json"}]
    site.put("/child/catalog.json", {"type": "Catalog", "stac_version": "1.0.0", "id": "d", "links": links})
    found = place(root, tmp_path / "in")
    assert names(found.path) == ["catalog.json", "same-2/same-2.json", "same-2/x.tif", "same/same.json", "same/x.tif"]


def test_catalogues_without_end_are_refused(site: Site, tmp_path: Path) -> None:
    for number in range(30):
        links = [{"rel": "child", "href": f"{number + 1}.json"}]
        site.put(f"/{number}.json", {"type": "Catalog", "stac_version": "1.0.0", "id": "d", "links": links})
    with pytest.raises(TooLarge, match="more than 20 catalogues deep"):
        place(f"{site.url}/0.json", tmp_path / "in")


def test_a_search_is_followed_page_by_page_unless_it_has_a_limit(site: Site, tmp_path: Path) -> None:
    for query in ("?collections=s2", "?collections=s2&limit=1"):
        for page in ("", "&page=2", "&page=3"):
            features = [{**item(), "id": f"i{page[-1:]}"}]
            following = {"": "&page=2", "&page=2": "&page=3", "&page=3": ""}[page]
            links = [{"rel": "next", "href": f"/search{query}{following}"}]
            site.put(f"/search{query}{page}", {"type": "FeatureCollection", "features": features, "links": links})
    assert len(names(place(f"{site.url}/search?collections=s2", tmp_path / "a").path)) == 4
    assert len(names(place(f"{site.url}/search?collections=s2&limit=1", tmp_path / "b").path)) == 2
    with pytest.raises(TooLarge, match=r"more than 2 STAC items \(staging.stac.max_items\)"):
        place(f"{site.url}/search?collections=s2", tmp_path / "c", stac={"max_items": 2})


def test_pages_by_post_are_refused(site: Site, tmp_path: Path) -> None:
    links = [{"rel": "next", "href": "/search", "method": "POST", "body": {}}]
    url = site.put("/search?q", {"type": "FeatureCollection", "features": [item()], "links": links})
    with pytest.raises(UnresolvableReference, match="by POST"):
        place(url, tmp_path / "in")


@pytest.mark.parametrize(
    ("key", "href"),
    [
        ("../../x", "a.tif"),
        ("/etc/passwd", "a.tif"),
        ("a\0b", "a.tif"),
        ("..", "a.tif"),
        ("x" * 5000, "a.tif"),
        ("k", "/%2e%2e%2f%2e%2e%2fevil"),
        ("k", "/..%2f..%2fevil"),
        ("k", "/.hidden"),
        ("k", "/S2A.json"),
        ("k", "/" + "n" * 900),
    ],
)
def test_names_of_assets_lead_nowhere_else(site: Site, tmp_path: Path, key: str, href: str) -> None:
    site.anything = b"data"
    url = site.put("/item.json", item(**{key: {"href": href}, "other": {"href": href}}))
    found = place(url, tmp_path / "in")
    made = json.loads((found.path / "S2A" / "S2A.json").read_bytes())
    assert made["id"] == "S2A"
    paths = {(found.path / "S2A" / asset["href"]).resolve() for asset in made["assets"].values()}
    assert len(paths) == 2 and all(path.read_bytes() == b"data" for path in paths)
    assert all(path.parent == (found.path / "S2A").resolve() for path in paths)
    assert not [path for path in tmp_path.iterdir() if path.name != "in"]


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("file:///etc/passwd", "is a file of this server"),
        ("gs://bucket/x.tif", "the scheme 'gs' cannot be read here"),
        ("s3://bucket/x.tif", "the scheme 's3' cannot be read here"),
        ("http://[bad", "is not a URL"),
        ("http://other.example/x", "allow_hosts"),
        ("/none.tif", "answers 404"),
    ],
)
def test_an_asset_that_cannot_be_read_is_named(site: Site, tmp_path: Path, href: str, told: str) -> None:
    url = site.put("/item.json", item(B04={"href": href}))
    with pytest.raises(OapipError, match="the asset B04 of the item S2A: ") as caught:
        place(url, tmp_path / "in", allow_hosts=["127.0.0.1"])
    assert told in caught.value.detail


def test_the_alternate_of_an_asset_is_read_where_its_own_address_cannot_be(site: Site, tmp_path: Path) -> None:
    site.files["/a.tif"] = b"alpha"
    asset = {"href": "s3://closed/a.tif", "alternate": {"https": {"href": f"{site.url}/a.tif"}}}
    found = place(site.put("/item.json", item(A=asset)), tmp_path / "in")
    assert (found.path / "S2A" / "a.tif").read_bytes() == b"alpha"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"file:checksum": "1220" + "00" * 32}, "does not have the checksum"),
        ({"file:checksum": "d50110" + "00" * 16}, "does not have the checksum"),
        ({"file:checksum": "zz"}, "is not a multihash"),
        ({"file:checksum": "1220ff"}, "is not a multihash"),
        ({"file:size": 4}, "has 5 bytes, and file:size says 4"),
    ],
)
def test_an_asset_that_is_another_one_is_refused(site: Site, tmp_path: Path, fields: dict[str, Any], told: str) -> None:
    site.files["/a.tif"] = b"alpha"
    url = site.put("/item.json", item(A={"href": "a.tif", **fields}))
    with pytest.raises(UnresolvableReference, match=told):
        place(url, tmp_path / "in")
    assert "a.tif" not in [path.name for path in tmp_path.rglob("*")]


def test_an_item_with_a_hundred_thousand_assets_is_refused_before_any_is_read(site: Site, tmp_path: Path) -> None:
    url = site.put("/item.json", item(**{f"a{n}": {"href": f"{n}.tif"} for n in range(100_001)}))
    with pytest.raises(TooLarge, match=r"more than 100000 files \(staging.max_files\)"):
        place(url, tmp_path / "in")
    assert [path for _, path, _ in site.seen] == ["/item.json"]


def test_bytes_of_all_assets_count_together(tiles: str, site: Site, tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match=r"is larger than .* bytes \(staging.max_bytes\)"):
        place(tiles, tmp_path / "in", max_bytes=len(site.files["/s/item.json"]) + 10)


def test_what_an_earlier_try_has_read_is_not_read_again(tiles: str, site: Site, tmp_path: Path) -> None:
    thumbnail = site.files.pop("/t.png")
    with pytest.raises(OapipError):
        place(tiles, tmp_path / "in", parallel=1)
    site.files["/t.png"] = thumbnail
    found = place(tiles, tmp_path / "in")
    assert len(site.asked("/s/a.tif")) == 1
    assert (found.path / "S2A" / "t.png").read_bytes() == b"thumb"


@pytest.mark.parametrize("content", [b'{"type":' * 100_000, b"{" + b" " * 40_000_000, b'{"a": NaN}', b"[]", b"{}", b""])
def test_odd_documents_are_refused(site: Site, tmp_path: Path, content: bytes) -> None:
    site.files["/odd.json"] = content
    with pytest.raises((InvalidInputs, TooLarge)):
        place(f"{site.url}/odd.json", tmp_path / "in")


@pytest.mark.parametrize("fragment", ["asset=", "asset=A&colour=red", "role=data&", "asset=A&&"])
def test_a_choice_that_is_none_is_refused_at_once(fragment: str) -> None:
    stager = make_stager(Staging(allow_internal=True))
    with pytest.raises(UnresolvableReference, match="does not choose assets"):
        stager.check(f"http://127.0.0.1/item.json#{fragment}")
