"""Packages for tests whose results are STAC catalogues, as EOEPCA's applications make them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def item(item_id: str, box: list[float], asset: str, moment: str = "2026-05-01T10:00:00Z") -> dict[str, Any]:
    """An Item with one asset beside it."""
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "bbox": box,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": moment},
        "links": [{"rel": "root", "href": "../catalog.json"}, {"rel": "parent", "href": "../catalog.json"}],
        "assets": {"data": {"href": f"./{asset}", "type": "text/plain", "roles": ["data"], "title": asset}},
    }


def catalogue(items: list[str], title: str = "Made things") -> dict[str, Any]:
    """A Catalog whose Items are in folders of their own."""
    links = [{"rel": "item", "href": f"./{name}/{name}.json", "type": "application/geo+json"} for name in items]
    root = [{"rel": "root", "href": "./catalog.json", "type": "application/json"}]
    about = {"id": "catalog", "title": title, "description": "What the tool has made"}
    return {"type": "Catalog", "stac_version": "1.0.0", **about, "links": [*root, *links]}


FILES: Mapping[str, str] = {
    "catalog.json": json.dumps(catalogue(["one", "two"])),
    "one/one.json": json.dumps(item("one", [10.0, 50.0, 11.0, 51.0], "one.txt")),
    "one/one.txt": "first",
    "two/two.json": json.dumps(item("two", [12.0, 49.0, 13.0, 52.5], "two.txt", "2026-06-01T00:00:00Z")),
    "two/two.txt": "second",
}
"""A catalogue with two Items: path -> content."""


def package(process_id: str = "stac", files: Mapping[str, str] = FILES, kind: str = "Directory") -> str:
    """A CWL document whose output `catalogue` is a Directory (or array) with these files.

    Args:
        process_id: its id.
        files: path -> content.
        kind: CWL type of the output: `Directory` or `Directory[]` (two of the same).
    """
    listing = [{"entryname": f"made/{path}", "entry": content} for path, content in files.items()]
    double = kind.endswith("[]")
    script = "cp -r made first; cp -r made second; rm -r made" if double else "true"
    document = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": process_id,
        "requirements": {"InitialWorkDirRequirement": {"listing": listing}, "InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", script],
        "inputs": {},
        "outputs": {
            "catalogue": {
                "type": kind,
                "outputBinding": {"glob": ["first", "second"] if double else "made"},
            }
        },
    }
    return json.dumps(document)
