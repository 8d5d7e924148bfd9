"""A STAC catalogue that is whole by itself, made in the folder of a job from documents elsewhere.

NAME/catalog.json            links to each item
NAME/ITEM/ITEM.json          its assets are those that were chosen, `./FILE`
NAME/ITEM/FILE
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import OapipError, UnresolvableReference
from .base import Downloader, Stager
from .checksum import verify
from .choice import Choice
from .journal import Journal
from .names import Names, of_url, safe
from .stac_documents import Document, Item, ItemLink, Walk, absolute, links_of
from .transfer import Intake

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_REPLACED = frozenset({"self", "root", "parent", "item", "items", "child", "next", "prev"})
"""Links that are made anew, or lead to what is not in the catalogue."""
_SHOWN = 20
_CATALOGUE = "catalog.json"


@dataclass(frozen=True, slots=True)
class Source:
    """How assets are read.

    Args:
        stager: of all schemes.
        choice: which assets are wanted; an empty one: all.
        journal: what an earlier try has read.
    """

    stager: Stager
    choice: Choice
    journal: Journal


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An asset that is still to be read."""

    item: str
    key: str
    url: str
    path: Path
    asset: Document


@dataclass(slots=True)
class LocalCatalogue:
    """Makes the catalogue.

    Args:
        folder: exists.
        source: how assets are read.
        intake: limits of the input.
    """

    folder: Path
    source: Source
    intake: Intake
    _names: Names = field(default_factory=Names)
    _links: list[tuple[str, str]] = field(default_factory=list)
    _wanted: list[_Wanted] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fill(self, document: Document, url: str, walk: Walk) -> None:
        """Read all items of a document and their assets, several at once.

        Raises:
            UnresolvableReference, AddressForbidden, TooLarge, Unavailable, Stopped, OSError.
        """
        self._names.take(_CATALOGUE)
        links: list[ItemLink] = []
        for found in walk.items(document, url):
            if isinstance(found, Item):
                self._add(found)
            else:
                links.append(found)
        self.intake.each(partial(self._follow, walk, link) for link in links)
        if not self._links:
            raise UnresolvableReference(f"{url} has no STAC items")
        self.intake.each(partial(self._fetch, wanted) for wanted in self._wanted)
        self._write_root(document)

    def _follow(self, walk: Walk, link: ItemLink) -> None:
        self._add(walk.read(link))

    def _add(self, item: Item) -> None:
        """Give an item its place, and write it; its assets come later."""
        with self._lock:
            key = _id_of(item.document)
            name = self._names.take(plain(key, "item"))
            self._links.append((key, name))
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        names = Names()
        file = names.take(f"{name}.json")
        assets: dict[str, Any] = {}
        chosen = chosen_assets(item.document, self.source.choice)
        self.intake.files(f"the item {key[:100]}", len(chosen) + 1)
        for title, asset in chosen.items():
            url = address(self.source.stager, item, title, asset)
            path = folder / names.take(plain(of_url(url), "data"), plain(title, "asset"))
            assets[title] = {**asset, "href": f"./{path.name}"}
            with self._lock:
                self._wanted.append(_Wanted(key, title, url, path, _checks(asset)))
        _write(folder / file, {**item.document, "links": _kept_links(item), "assets": assets})

    def _fetch(self, wanted: _Wanted) -> None:
        with _of_asset(wanted.key, wanted.item):
            fetch(self.source, wanted.url, wanted.path, wanted.asset, self.intake)

    def _write_root(self, document: Document) -> None:
        links = sorted(self._links)
        _write(
            self.folder / _CATALOGUE,
            {
                "type": "Catalog",
                "stac_version": str(document.get("stac_version") or "1.0.0"),
                "id": str(document.get("id") or "input"),
                "description": str(document.get("description") or "The items of an input"),
                "links": [
                    {"rel": "root", "href": f"./{_CATALOGUE}", "type": "application/json"},
                    *({"rel": "item", "href": f"./{name}/{name}.json", "type": _ITEM} for _, name in links),
                ],
            },
        )


_ITEM = "application/geo+json"


def plain(text: str, otherwise: str) -> str:
    """A name that is the same in a URL, so that every reader of the catalogue finds the file."""
    return safe(_NOT_PLAIN.sub("_", text), otherwise)


def chosen_assets(item: Document, choice: Choice) -> Mapping[str, Document]:
    """The assets of an item that are wanted.

    Raises:
        UnresolvableReference: the choice leaves none; or an asset has not the form of one.
    """
    assets = item["assets"]
    wrong = next((key for key, asset in assets.items() if not _is_asset(asset)), None)
    if wrong is not None:
        raise UnresolvableReference(f"the asset {wrong[:100]!r} of the item {_id_of(item)[:100]} has no `href`")
    found = {key: asset for key, asset in assets.items() if not choice or choice.takes(key, asset)}
    if choice and not found:
        more = ", ..." if len(assets) > _SHOWN else ""
        there = ", ".join(key[:50] for key in list(assets)[:_SHOWN]) + more
        raise UnresolvableReference(
            f"the item {_id_of(item)[:100]} has no asset with {choice} (assets: {there or 'none'})"
        )
    return found


def address(stager: Stager, item: Item, key: str, asset: Document) -> str:
    """Where an asset is read: its `href`, or the first of its alternates that this server may read.

    Raises:
        UnresolvableReference, AddressForbidden: as of `href`.
    """
    alternates = asset.get("alternate")
    others = alternates.values() if isinstance(alternates, dict) else ()
    refused: list[OapipError] = []
    for one in (asset, *others):
        if _is_asset(one):
            try:
                url = absolute(item.url, one["href"])
                stager.check(url)
            except OapipError as error:
                refused.append(error)
            else:
                return url
    with _of_asset(key, _id_of(item.document)):
        raise refused[0]


def fetch(source: Source, url: str, path: Path, asset: Document, intake: Intake) -> None:
    """Read an asset and compare it with its checksum. Raises as `Downloader.download`."""
    note = f"{url} {path.name}"
    if path.exists() and source.journal.has(note):
        return
    assert isinstance(source.stager, Downloader)
    source.stager.download(url, path, intake)
    try:
        verify(path, asset)
    except UnresolvableReference:
        path.unlink()
        raise
    source.journal.add(note)


class _of_asset:
    """Names the asset in an error."""

    def __init__(self, key: str, item: str) -> None:
        self._what = f"the asset {key[:100]} of the item {item[:100]}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OapipError):
            raise type(error)(f"{self._what}: {error.detail}") from None


def _is_asset(asset: Any) -> bool:
    return isinstance(asset, dict) and isinstance(asset.get("href"), str) and bool(asset["href"])


def _checks(asset: Document) -> Document:
    """What is needed of an asset later: there may be 100,000."""
    return {key: value for key, value in asset.items() if key in ("file:size", "file:checksum", "checksum:multihash")}


def _id_of(item: Document) -> str:
    return str(item.get("id") or "item")


def _kept_links(item: Item) -> list[Document]:
    made: list[Document] = [
        {"rel": "root", "href": f"../{_CATALOGUE}", "type": "application/json"},
        {"rel": "parent", "href": f"../{_CATALOGUE}", "type": "application/json"},
    ]
    if urlsplit(item.url).scheme in ("http", "https", "s3"):
        # a query may be a signature that lets anybody read
        made.append({"rel": "via", "href": item.url.partition("?")[0]})
    return [*made, *_others(item)]


def _others(item: Item) -> Iterator[Document]:
    for link in links_of(item.document):
        if link.get("rel") not in _REPLACED and isinstance(link.get("href"), str):
            try:
                yield {**link, "href": absolute(item.url, link["href"])}
            except OapipError:
                continue  # a link that leads nowhere is no reason to refuse an item


def _write(path: Path, document: Document) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
