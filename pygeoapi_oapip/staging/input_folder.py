"""The inputs of a job, in its folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from ..errors import ResultNotAvailable, StorageUnavailable, UnresolvableReference
from ..model.json import JSONObject
from ..packages.formats import extension_of
from ..settings import Staging as Settings
from ..taking import take_file, take_folder
from .arrivals import Arrivals, Pending, disk_faults
from .base import Result, Stager, Storage, Watch
from .choice import split
from .placing import Placer, Wanted, names_document

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_UNSAFE_NAME = re.compile(r"[/\0]")


class InputFolder:
    """Puts each File or Directory input into a folder of its own, so that names never meet.

    Args:
        folder: for all of them.
        stager: reads references.
        reads: schemes that the engine reads itself.
        settings: `staging`.
        storage: where results of other jobs are.
    """

    def __init__(
        self, folder: Path, stager: Stager, reads: frozenset[str], settings: Settings, storage: Storage
    ) -> None:
        self._folder = folder
        self._stager = stager
        self._reads = reads
        self._settings = settings
        self._storage = storage
        self._count = 0
        self._pending: list[Pending] = []

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """The CWL object of a reference: as it is where the engine reads it, else one that `complete` replaces."""
        kind = "Directory" if is_directory else "File"
        if _read_by_engine(href, is_directory, self._reads):
            return {"class": kind, "location": href}
        self._pending.append(Pending(f"pending:{uuid4()}", input_id, Wanted(href, is_directory, self._next(input_id))))
        return {"class": kind, "location": self._pending[-1].token}

    def complete(self, order: JSONObject, watch: Watch | None = None) -> JSONObject:
        """As `JobFiles.complete`."""
        pending, self._pending = self._pending, []
        return Arrivals(Placer(self._stager, self._settings), self._settings).complete(order, pending, watch)

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """A CWL File with this content; its name has the extension of the media type."""
        path = self._next(input_id) / f"{_file_name(input_id)}{extension_of(media_type)}"
        with disk_faults():
            path.write_bytes(content)
        return {"class": "File", "location": path.as_uri(), "basename": path.name}

    def adopt(self, input_id: str, result: Result, copied: bool) -> JSONObject:
        """As `JobFiles.adopt`."""
        if result.href:
            return self._fetched(input_id, result)
        inside, source = result.root.resolve(), result.path
        if not source.exists() or not source.resolve().is_relative_to(inside):
            raise UnresolvableReference(f"inputs.{input_id}: {result.name} is not there any more")
        target = self._next(input_id) / _result_name(result)
        take = shutil.copyfile if copied else take_file
        with disk_faults():
            if source.is_dir():
                take_folder(source, target, inside, take)
            else:
                take(source.resolve(), target)
        kind = "Directory" if target.is_dir() else "File"
        return {"class": kind, "location": target.as_uri(), "basename": target.name}

    def _fetched(self, input_id: str, result: Result) -> JSONObject:
        path = self._next(input_id) / _result_name(result)
        try:
            self._storage.fetch(result.href, path, result.is_directory)
        except ResultNotAvailable as error:
            raise UnresolvableReference(f"inputs.{input_id}: {error.detail}") from None
        except OSError as error:
            raise StorageUnavailable(f"inputs.{input_id} could not be stored: {error.strerror}") from error
        kind = "Directory" if result.is_directory else "File"
        return {"class": kind, "location": path.as_uri(), "basename": path.name}

    def _next(self, input_id: str) -> Path:
        self._count += 1
        folder = self._folder / f"{self._count}-{_file_name(input_id)}"
        with disk_faults():
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def _result_name(result: Result) -> str:
    return _UNSAFE_NAME.sub("_", result.name)[:200].lstrip(".") or "data"


def _read_by_engine(href: str, is_directory: bool, reads: frozenset[str]) -> bool:
    """True where an engine that reads the scheme gets what the input needs; documents and archives that stand for a
    folder are read here."""
    url, choice = split(href)
    if urlsplit(url).scheme.lower() not in reads or choice:
        return False
    return not is_directory or (urlsplit(url).scheme.lower() not in ("http", "https") and not names_document(url))


def _file_name(input_id: str) -> str:
    """An input id as a file name; CWL ids may hold any character."""
    return _UNSAFE.sub("_", input_id)[:100].lstrip(".") or "input"
