"""References that become Directories, with what a tool must find in each: the same on every engine."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.unit.staging.site import Site

_CONTENT = {"scene/a.txt": b"alpha", "scene/deep/b.txt": b"beta"}


def offer(site: Site) -> Mapping[str, tuple[str, str]]:
    """Put an item, a collection, a search and two archives on a web server.

    Returns:
        What it is -> its address, and what the package `listing` says of it.
    """
    items = [_item(number) for number in (1, 2)]
    for number, item in enumerate(items, 1):
        site.put(f"/stac/{number}/{number}.json", item)
        site.files[f"/stac/{number}/red.tif"] = f"red {number}".encode()
    links = [{"rel": "item", "href": f"./{number}/{number}.json"} for number in (1, 2)]
    site.put("/stac/collection.json", _collection(links))
    absolute = [_item(number, f"{site.url}/stac/{number}/") for number in (1, 2)]
    for page, item in enumerate(absolute, 1):
        more = [{"rel": "next", "href": f"{site.url}/search-2"}] if page == 1 else []
        site.put(f"/search-{page}", {"type": "FeatureCollection", "features": [item], "links": more})
    site.files["/scene.zip"], site.files["/scene.tar.gz"] = _zip(), _tar()
    both = "./I1/red.tif=red 1\n./I2/red.tif=red 2\n"
    unpacked = "./scene/a.txt=alpha\n./scene/deep/b.txt=beta\n"
    return {
        "item": (f"{site.url}/stac/1/1.json", "./I1/red.tif=red 1\n"),
        "chosen": (f"{site.url}/stac/2/2.json#role=data", "./I2/red.tif=red 2\n"),
        "collection": (f"{site.url}/stac/collection.json", both),
        "search": (f"{site.url}/search-1", both),
        "zip": (f"{site.url}/scene.zip", unpacked),
        "tar.gz": (f"{site.url}/scene.tar.gz", unpacked),
    }


def all_alike(server: LiveServer, offered: Mapping[str, tuple[str, str]], limit: float) -> None:
    """Run `listing` with each reference, all at once, and see that a tool finds what it must.

    Args:
        server: has the package `listing`.
        offered: of `offer`.
        limit: seconds for each job.
    """
    jobs = {name: server.submit("listing", {"folder": {"href": href}}) for name, (href, _) in offered.items()}
    ends = {name: server.ended(job, limit) for name, job in jobs.items()}
    assert {
        name: (end["status"], end.get("message")) for name, end in ends.items() if end["status"] != "successful"
    } == {}
    said = {name: server.get(f"/jobs/{job}/results/said").text for name, job in jobs.items()}
    assert said == {name: text for name, (_, text) in offered.items()}


def _item(number: int, base: str = "./") -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"I{number}",
        "geometry": None,
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
        "links": [],
        "assets": {"red": {"href": f"{base}red.tif", "roles": ["data"]}},
    }


def _collection(links: list[dict[str, str]]) -> dict[str, Any]:
    extent = {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}}
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "scenes",
        "description": "two scenes",
        "license": "other",
        "extent": extent,
        "links": links,
    }


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, content in _CONTENT.items():
            target.writestr(name, content)
    return made.getvalue()


def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as target:
        for name, content in _CONTENT.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return made.getvalue()
