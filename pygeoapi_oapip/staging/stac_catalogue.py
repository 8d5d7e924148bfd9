"""STAC catalogues among results: found in a Directory, walked, and written anew as one Collection and its Items.

STAC 1.0 and 1.1: https://github.com/radiantearth/stac-spec. What is in a catalogue comes from a tool: nothing of it is
trusted. Only documents below the Directory are read, each once, so loops end; links that lead out of it are left out.
"""

from __future__ import annotations

import json
import posixpath
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

from ..model.json import JSON, JSONObject

ROOTS = ("catalog.json", "collection.json")
"""Names of the document that makes a Directory a catalogue; the first one that is there counts."""
MOST_ITEMS = 1000
"""Items that are kept with the results; those beyond stay in the Directory."""
MOST_DOCUMENTS = 3000
DOCUMENT_BYTES = 8 * 1024**2
TOTAL_BYTES = 64 * 1024**2
OWN = "./"
"""What addresses begin with that are paths below the Directory."""

Read = Callable[[str, int], bytes | None]
"""(path below the Directory, most bytes) -> the content; None where there is no such file, or a larger one."""


@dataclass(slots=True)
class Catalogue:
    """What a Directory holds."""

    root: str
    """Path of the root document."""
    head: JSONObject
    """What all is: the root, or the only Collection below it; its own addresses begin with OWN."""
    head_path: str
    items: dict[str, JSONObject] = field(default_factory=dict)
    """By path, in the order of the links; their own addresses begin with OWN."""
    more: bool = False
    """True where not all documents were read."""


def read_catalogue(read: Read) -> Catalogue | None:
    """The catalogue of a Directory; None where it holds none.

    Args:
        read: reads a file of it. What it raises goes through.
    """
    for name in ROOTS:
        document = _document(read(name, DOCUMENT_BYTES))
        if document is not None and document.get("type") in ("Catalog", "Collection"):
            return _Walk(read, name, document).all()
    return None


def _document(content: bytes | None) -> JSONObject | None:
    if content is None:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("stac_version"), str) else None


class _Walk:
    """Breadth first, by `child` and `item` links."""

    def __init__(self, read: Read, root: str, document: JSONObject) -> None:
        self._read = read
        self._found = Catalogue(root, document, root)
        self._places = _Places(root, document)
        self._collections: list[tuple[str, JSONObject]] = []
        self._seen = {root}
        self._due = deque([(root, document)])
        self._left = TOTAL_BYTES

    def all(self) -> Catalogue:
        while self._due:
            path, document = self._due.popleft()
            if document.get("type") == "Collection":
                self._collections.append((path, document))
            for below in self._below(path, document):
                self._visit(below)
        if self._found.head.get("type") != "Collection" and len(self._collections) == 1:
            self._found.head_path, self._found.head = self._collections[0]
        self._found.head = self._places.rewritten(self._found.head_path, self._found.head)
        return self._found

    def _below(self, path: str, document: JSONObject) -> Iterator[str]:
        for link in links_of(document):
            if link.get("rel") in ("item", "child"):
                below = self._places.path(path, link.get("href"))
                if below and below not in self._seen:
                    self._seen.add(below)
                    yield below

    def _visit(self, path: str) -> None:
        if len(self._found.items) >= MOST_ITEMS or len(self._seen) > MOST_DOCUMENTS or self._left <= 0:
            self._found.more = True
            return
        content = self._read(path, DOCUMENT_BYTES)
        self._left -= len(content or b"")
        document = _document(content)
        if document is None:
            return
        if document.get("type") == "Feature":
            self._found.items[path] = self._places.rewritten(path, document)
        elif document.get("type") in ("Catalog", "Collection"):
            self._due.append((path, document))


class _Places:
    """Where addresses lead. A catalogue may hold absolute ones of the place that its tool wrote it to: those that
    begin as the root's own address are paths, too."""

    def __init__(self, root: str, document: JSONObject) -> None:
        own = next((link.get("href") for link in links_of(document) if link.get("rel") == "self"), "")
        absolute = isinstance(own, str) and "://" in own and own.endswith(f"/{root}")
        self._base = str(own)[: -len(root)] if absolute else ""

    def path(self, source: str, href: object) -> str:
        """The path below the Directory; "" where it is none."""
        if not isinstance(href, str) or len(href) > 2000:
            return ""
        if self._base and href.startswith(self._base):
            href, source = href[len(self._base) :], ""
        try:
            parts = urlsplit(href)
        except ValueError:
            return ""
        if parts.scheme or parts.netloc or parts.path.startswith("/") or not parts.path:
            return ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(parts.path)))
        return "" if path in (".", "..") or path.startswith("../") or "\0" in path or "\\" in path else path

    def rewritten(self, path: str, document: JSONObject) -> JSONObject:
        """The document with its assets at OWN paths or absolute addresses, and without its links."""
        assets = document.get("assets")
        kept = {
            key: {**asset, "href": href}
            for key, asset in (assets.items() if isinstance(assets, Mapping) else ())
            if isinstance(asset, Mapping) and (href := self._asset(path, asset.get("href")))
        }
        links = [link for link in links_of(document) if link.get("rel") not in _STRUCTURE and _is_web(link.get("href"))]
        return {**document, "assets": kept, "links": cast("list[JSON]", links)}

    def _asset(self, source: str, href: object) -> str:
        path = self.path(source, href)
        if path:
            return f"{OWN}{path}"
        return str(href) if isinstance(href, str) and _is_absolute(href) else ""


_STRUCTURE = ("root", "parent", "self", "item", "child", "items", "collection")


def _is_web(href: object) -> bool:
    return isinstance(href, str) and href.startswith(("https://", "http://"))


def _is_absolute(href: str) -> bool:
    return href.partition("://")[0].lower() in ("http", "https", "s3")


def links_of(document: JSONObject) -> list[JSONObject]:
    """The links of a document; what is none is left out."""
    links = document.get("links")
    return [link for link in links if isinstance(link, Mapping)] if isinstance(links, list) else []
