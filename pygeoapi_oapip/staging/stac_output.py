"""A catalogue among the results as what clients get: one Collection, and its Items.

Stored with the job as two documents, `NAME.json` (the Collection) and `NAME-items.json` (all Items), whose addresses
are paths; they become absolute when they are served, since only then it is known by which address this server is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from ..model.json import JSON, JSONObject
from .stac_catalogue import OWN, Catalogue, links_of
from .stac_extent import extent_of

STORAGE_EXTENSION = "https://stac-extensions.github.io/storage/v1.0.0/schema.json"
GEOJSON = "application/geo+json"
_JSON = "application/json"
_KEPT = ("title", "keywords", "providers", "summaries", "item_assets", "sci:doi", "sci:citation")
_VERSION = re.compile(r"1\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where what a catalogue names is found."""

    file: Callable[[str], str]
    """Path below the Directory -> absolute address."""
    collection: str
    """Of the Collection."""
    items: str = ""
    """Of all Items as one document; "" where there is none."""


def build(found: Catalogue, collection_id: str, assets: JSONObject) -> tuple[JSONObject, JSONObject]:
    """The Collection and the Items, to be stored.

    Args:
        found: the catalogue.
        collection_id: the id that the Collection gets, whatever the tool called it.
        assets: members that each asset of its own gets (`storage:*`, as EOEPCA's clients see them).
    """
    items = {path: _item(item, collection_id, assets) for path, item in found.items.items()}
    return _collection(found, collection_id, assets), {
        "type": "FeatureCollection",
        "features": list(items.values()),
        "paths": list(items),
        "complete": not found.more,
    }


def _collection(found: Catalogue, collection_id: str, assets: JSONObject) -> JSONObject:
    head = found.head
    about = {key: head[key] for key in _KEPT if key in head}
    links: list[JSON] = [{"rel": "item", "href": OWN + path, "type": GEOJSON} for path in found.items]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": _extensions(head, assets),
        "id": collection_id,
        **about,
        "description": _text(head, "description") or f"Results of job {collection_id}",
        "license": _text(head, "license") or "other",
        "extent": extent_of(found.items.values(), head.get("extent")),
        "links": [{"rel": "root", "href": OWN + found.root, "type": _JSON}, *links, *links_of(head)],
        "assets": _assets(head, assets),
    }


def _item(item: JSONObject, collection_id: str, assets: JSONObject) -> JSONObject:
    return {
        **item,
        "stac_version": _version(item),
        "stac_extensions": _extensions(item, assets),
        "collection": collection_id,
        "assets": _assets(item, assets),
    }


def _text(document: JSONObject, key: str) -> str:
    found = document.get(key)
    return found if isinstance(found, str) else ""


def _version(document: JSONObject) -> str:
    version = str(document.get("stac_version"))
    return version if _VERSION.fullmatch(version) else "1.0.0"


def _extensions(document: JSONObject, assets: JSONObject) -> list[JSON]:
    given = document.get("stac_extensions")
    found = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return [*dict.fromkeys([*found, *([STORAGE_EXTENSION] if assets else [])])]


def _assets(document: JSONObject, more: JSONObject) -> JSONObject:
    found = cast("Mapping[str, JSONObject]", document["assets"])
    return {key: {**asset, **more} if _is_own(asset) else asset for key, asset in found.items()}


def _is_own(asset: JSONObject) -> bool:
    return str(asset["href"]).startswith(OWN)


def collection_document(stored: JSONObject, at: Addresses) -> JSONObject:
    """The Collection with absolute addresses."""
    own: list[JSON] = [{"rel": "self", "href": at.collection, "type": _JSON}]
    if at.items:
        own.append({"rel": "items", "href": at.items, "type": GEOJSON})
    return {**_absolute(stored, at), "links": [*own, *_links(stored, at)]}


def items_document(stored: JSONObject, at: Addresses) -> JSONObject:
    """All Items as a FeatureCollection (STAC ItemCollection) with absolute addresses."""
    features, paths = cast("list[JSONObject]", stored["features"]), cast("list[str]", stored["paths"])
    rows = [item_document(item, path, at) for item, path in zip(features, paths, strict=True)]
    return {
        "type": "FeatureCollection",
        "features": cast("list[JSON]", rows),
        "links": [{"rel": "self", "href": at.items, "type": GEOJSON}, _to_collection(at)],
        "numberReturned": len(rows),
    }


def item_document(item: JSONObject, path: str, at: Addresses) -> JSONObject:
    """One Item with absolute addresses."""
    own: list[JSON] = [{"rel": "self", "href": at.file(path), "type": GEOJSON}, _to_collection(at)]
    return {**_absolute(item, at), "links": [*own, *_links(item, at)]}


def _to_collection(at: Addresses) -> JSONObject:
    return {"rel": "collection", "href": at.collection, "type": _JSON}


def _links(document: JSONObject, at: Addresses) -> list[JSON]:
    return [{**link, "href": _address(str(link["href"]), at)} for link in links_of(document)]


def _absolute(document: JSONObject, at: Addresses) -> JSONObject:
    assets = cast("Mapping[str, JSONObject]", document["assets"])
    return {
        **document,
        "assets": {key: {**asset, "href": _address(str(asset["href"]), at)} for key, asset in assets.items()},
    }


def _address(href: str, at: Addresses) -> str:
    return at.file(href[len(OWN) :]) if href.startswith(OWN) else href
