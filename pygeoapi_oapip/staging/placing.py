"""One reference becomes what the input needs: a file, or a folder made of a prefix, an archive or STAC."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidInputs, UnresolvableReference
from ..settings import Staging as StagingSettings
from .archive import folder_name, kind_of, unpack
from .base import Staged, Stager
from .choice import Choice, default, split
from .journal import Journal
from .names import of_url
from .stac_documents import DOCUMENT, Document, Item, Walk, parse
from .stac_folder import LocalCatalogue, Source, address, chosen_assets, fetch, plain
from .transfer import Intake, Transfer

_SOURCE = ".source"
"""What a folder is made from, beside it."""
_JOURNAL = ".read"
_ASSET = ".asset"
_DONE = ".done"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A reference of an input."""

    href: str
    is_directory: bool
    folder: Path
    """Exists, and is for this reference alone."""


class Placer:
    """Brings references into folders.

    Args:
        stager: of all schemes.
        settings: `staging`.
    """

    def __init__(self, stager: Stager, settings: StagingSettings) -> None:
        self._stager = stager
        self._settings = settings

    def place(self, wanted: Wanted, transfer: Transfer) -> Staged:
        """Read what a reference means. May be called again: what an earlier try has read whole is not read again.

        Raises:
            UnresolvableReference, AddressForbidden, TooLarge, InvalidInputs: permanent.
            Unavailable: temporary.
            Stopped, OSError.
        """
        earlier = _earlier(wanted)
        if earlier is None:
            earlier = self._placed(wanted, transfer)
            _remember(wanted, earlier)
        return earlier

    def _placed(self, wanted: Wanted, transfer: Transfer) -> Staged:
        url, choice = split(wanted.href)
        intake = Intake(self._settings, transfer)
        with transfer.lane():
            intake.files(url)
            staged = self._stager.stage(url, wanted.folder, intake)
        if staged.is_directory or not (wanted.is_directory or choice):
            return _fitting(staged, wanted, choice)
        kind = kind_of(staged.path) if wanted.is_directory else ""
        if kind and not choice:
            return self._unpacked(staged, wanted, intake)
        document = self._document(staged, url)
        if document is None:
            raise _no_folder(url, choice)
        source = Source(self._stager, choice or default(self._settings.stac), Journal(wanted.folder / _JOURNAL))
        if wanted.is_directory:
            return self._catalogue(document, staged, wanted, source, intake)
        return _asset(Item(document, staged.url or url), wanted, source, intake)

    def _document(self, staged: Staged, url: str) -> Document | None:
        with staged.path.open("rb") as file:
            return parse(file.read(DOCUMENT + 1), url)

    def _unpacked(self, staged: Staged, wanted: Wanted, intake: Intake) -> Staged:
        source = _aside(staged, wanted)
        target = wanted.folder / folder_name(staged.path.name)
        shutil.rmtree(target, ignore_errors=True)
        unpack(source, target, intake)
        if source.is_relative_to(wanted.folder):
            source.unlink()
        return Staged(target, "", is_directory=True)

    def _catalogue(self, document: Document, staged: Staged, wanted: Wanted, source: Source, intake: Intake) -> Staged:
        url = staged.url or split(wanted.href)[0]
        _aside(staged, wanted)
        target = wanted.folder / plain(str(document.get("id") or "catalogue"), "catalogue")
        target.mkdir(exist_ok=True)
        LocalCatalogue(target, source, intake).fill(
            document, url, Walk(self._stager, intake, self._settings.stac.max_items)
        )
        return Staged(target, "", is_directory=True)


def _earlier(wanted: Wanted) -> Staged | None:
    """What an earlier try has made of the same reference."""
    try:
        note = json.loads((wanted.folder / _DONE).read_bytes())
        if (note["href"], note["is_directory"]) != (wanted.href, wanted.is_directory):
            return None
        found = Staged(wanted.folder / note["path"], note["type"], wanted.is_directory)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.path.exists() else None


def _remember(wanted: Wanted, staged: Staged) -> None:
    """A local file that stayed where it is costs nothing to find again."""
    if staged.path.is_relative_to(wanted.folder):
        path = staged.path.relative_to(wanted.folder).as_posix()
        note = {"href": wanted.href, "is_directory": wanted.is_directory, "path": path, "type": staged.media_type}
        partial = wanted.folder / f"{_DONE}.part"
        partial.write_text(json.dumps(note), encoding="utf-8")
        partial.replace(wanted.folder / _DONE)


def _aside(staged: Staged, wanted: Wanted) -> Path:
    """Move what was read out of the way of the folder that is made of it; a local file stays where it is."""
    if staged.path.parent != wanted.folder:
        return staged.path
    return staged.path.replace(wanted.folder / _SOURCE)


def _fitting(staged: Staged, wanted: Wanted, choice: Choice) -> Staged:
    if staged.is_directory != wanted.is_directory:
        raise InvalidInputs(f"{wanted.href} is a directory, a file is needed")
    if choice:
        raise UnresolvableReference(f"{wanted.href}: assets can be chosen of STAC documents only")
    return staged


def _asset(item: Item, wanted: Wanted, source: Source, intake: Intake) -> Staged:
    """The one asset that a reference chooses."""
    document: Mapping[str, Any] = item.document
    if document["type"] == "FeatureCollection" and len(document["features"]) == 1:
        document = document["features"][0]
    if document["type"] != "Feature":
        raise UnresolvableReference(f"{wanted.href}: an asset can be chosen of one STAC item only")
    chosen = chosen_assets(document, source.choice)
    if len(chosen) > 1:
        raise UnresolvableReference(f"{wanted.href} chooses {len(chosen)} assets, and the input takes one file")
    (key, asset), item = next(iter(chosen.items())), Item(document, item.url)
    url = address(source.stager, item, key, asset)
    folder = wanted.folder / _ASSET
    folder.mkdir(exist_ok=True)
    path = folder / of_url(url)
    with intake.transfer.lane():
        fetch(source, url, path, asset, intake)
    return Staged(path, str(asset.get("type") or ""))


def _no_folder(url: str, choice: Choice) -> InvalidInputs:
    if choice:
        return InvalidInputs(f"{url} is not a STAC document, so no assets of it can be chosen")
    return InvalidInputs(f"{url} is a file, a directory is needed")


def names_document(url: str) -> bool:
    """True for the address of a document or an archive that stands for a folder, by its ending."""
    path = urlsplit(url).path.lower()
    return path.endswith((".json", ".geojson")) or folder_name(path) != path
