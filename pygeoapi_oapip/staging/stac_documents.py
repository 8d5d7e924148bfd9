"""STAC documents that inputs refer to, and the items that they lead to.

A document comes from anybody: it may be huge, lead in circles, or lie about what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from ..errors import AddressForbidden, TooLarge, UnresolvableReference
from .base import Stager
from .transfer import Intake

DOCUMENT = 32 * 1024**2
"""Largest document, in bytes: an item with 100,000 assets has room."""
DEPTH = 20
"""Catalogues within catalogues."""
_DOCUMENTS = 1000
"""Catalogues and pages, beside those that give items."""

Document = Mapping[str, Any]


def parse(content: bytes, url: str) -> Document | None:
    """A STAC document; None for anything else.

    Raises:
        TooLarge: it could be one, and is too large.
    """
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    if len(content) > DOCUMENT:
        raise TooLarge(f"{url} is larger than {DOCUMENT} bytes, too large for a STAC document")
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and is_stac(found) else None


def is_stac(document: Document) -> bool:
    """True for an Item, a Catalog, a Collection, or a FeatureCollection of Items."""
    if document.get("type") == "FeatureCollection":
        features = document.get("features")
        return isinstance(features, list) and all(_is_item(one) for one in features)
    kind = document.get("type")
    return _is_item(document) or (kind in ("Catalog", "Collection") and isinstance(document.get("stac_version"), str))


def _is_item(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and document.get("type") == "Feature"
        and isinstance(document.get("stac_version"), str)
        and isinstance(document.get("assets"), dict)
    )


def absolute(base: str, href: str) -> str:
    """A link in a document, as an absolute URL, also for `s3`, which the standard library does not know.

    Raises:
        UnresolvableReference: it is not a URL.
        AddressForbidden: a document of another server names a file of this one.
    """
    try:
        scheme = urlsplit(base).scheme
        if scheme == "s3" and not urlsplit(href).scheme:
            return "s3" + urljoin("http" + base[2:], href)[4:]
        found = urljoin(base, href)
        target = urlsplit(found).scheme
    except ValueError:
        raise UnresolvableReference(f"{href[:200]!r} is not a URL") from None
    if target == "file" and scheme != "file":
        raise AddressForbidden(f"{href[:200]!r} is a file of this server; only a document beside it may name it")
    return found


@dataclass(frozen=True, slots=True)
class ItemLink:
    """An item that is still to be read."""

    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item, and what its links are relative to."""

    document: Document
    url: str


class Walk:
    """Finds the items of a document: those in it, and those that its links lead to.

    Args:
        stager: reads documents.
        intake: ends the walk when it is not wanted any more.
        max_items: as in `staging.stac`.
    """

    def __init__(self, stager: Stager, intake: Intake, max_items: int) -> None:
        self._stager = stager
        self._intake = intake
        self._max = max_items
        self._items = self._documents = 0
        self._seen: set[str] = set()

    def items(self, document: Document, url: str, depth: int = 0) -> Iterator[Item | ItemLink]:
        """All items, each address once.

        Raises:
            TooLarge: there are too many, or they are too deep.
            UnresolvableReference, AddressForbidden, Unavailable, Stopped: a document cannot be read.
        """
        if _is_item(document):
            yield self._counted(Item(document, url))
        elif document["type"] == "FeatureCollection":
            yield from self._pages(document, url)
        else:
            yield from self._below(document, url, depth)

    def read(self, link: ItemLink) -> Item:
        """The item behind a link. Raises as `items`."""
        document, url = self._fetch(link.url)
        if not _is_item(document):
            raise UnresolvableReference(f"{link.url} is not a STAC item")
        return Item(document, url)

    def _below(self, document: Document, url: str, depth: int) -> Iterator[Item | ItemLink]:
        if depth > DEPTH:
            raise TooLarge(f"{url} is more than {DEPTH} catalogues deep")
        self._seen.add(urldefrag(url).url)
        by_link = False
        for target in self._links(document, url, "item"):
            by_link = True
            yield self._counted(ItemLink(target))
        for target in () if by_link else self._links(document, url, "items"):
            yield from self._pages(*self._fetch_pages(target))
        for target in self._links(document, url, "child"):
            yield from self.items(*self._fetch_known(target), depth + 1)

    def _links(self, document: Document, url: str, rel: str) -> Iterator[str]:
        """Targets that were not met before."""
        for link in links_of(document):
            if link.get("rel") == rel and isinstance(link.get("href"), str):
                target = urldefrag(absolute(url, link["href"])).url
                if target not in self._seen:
                    self._seen.add(target)
                    yield target

    def _pages(self, document: Document, url: str) -> Iterator[Item | ItemLink]:
        """The items of a search. `limit` in its address means: this page, and no more."""
        one_page = any(name == "limit" for name, _ in parse_qsl(urlsplit(url).query))
        self._seen.add(urldefrag(url).url)
        while True:
            for feature in document["features"]:
                yield self._counted(Item(feature, _own_url(feature, url)))
            following = [link for link in links_of(document) if link.get("rel") == "next"]
            if one_page or not following:
                return
            if str(following[0].get("method", "GET")).upper() != "GET":
                raise UnresolvableReference(f"{url}: its next page has to be asked for by POST, which is not done")
            target = next(self._links(document, url, "next"), None)
            if target is None:
                return
            document, url = self._fetch_pages(target)

    def _fetch_pages(self, url: str) -> tuple[Document, str]:
        document, found = self._fetch_known(url)
        if document["type"] != "FeatureCollection":
            raise UnresolvableReference(f"{url} is not a collection of STAC items")
        return document, found

    def _fetch_known(self, url: str) -> tuple[Document, str]:
        self._documents += 1
        if self._documents > _DOCUMENTS:
            raise TooLarge(f"{url}: more than {_DOCUMENTS} catalogues and pages belong to the input")
        return self._fetch(url)

    def _fetch(self, url: str) -> tuple[Document, str]:
        self._intake.look()
        fetched = self._stager.fetch(url, DOCUMENT)
        document = parse(fetched.content, url)
        if document is None:
            raise UnresolvableReference(f"{url} is not a STAC document")
        return document, fetched.url

    def _counted(self, found: Item | ItemLink) -> Item | ItemLink:
        self._intake.look()
        self._items += 1
        if self._items > self._max:
            raise TooLarge(f"the input has more than {self._max} STAC items (staging.stac.max_items)")
        return found


def links_of(document: Document) -> Iterator[Document]:
    """The links of a document that have the form of links."""
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict):
            yield link


def _own_url(item: Document, page: str) -> str:
    """What the links of an item on a page are relative to: where it is itself, if it says so."""
    own = (link["href"] for link in links_of(item) if link.get("rel") == "self" and isinstance(link.get("href"), str))
    return absolute(page, next(own, page))
