"""Job folders on a file system, and how inputs get into them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from ..errors import InvalidInputs, OapipError, ResultNotAvailable, StorageUnavailable, UnresolvableReference
from ..model.json import JSONObject
from ..packages.formats import extension_of
from .base import JobFiles, Result, Stager, Storage
from .storage import MARK, LocalStorage

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_UNSAFE_NAME = re.compile(r"[/\0]")
_PARTS = ("inputs", "work", "outputs", "logs")


@contextmanager
def _disk_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"the folder for jobs cannot be written: {error.strerror}") from error


class LocalWorkspaces:
    """`{output_dir}/{job}/` for each job.

    Args:
        output_dir: of the settings.
        stager: reads inputs.
        storage: where results go; none: they stay in the folders.
    """

    def __init__(self, output_dir: Path, stager: Stager, storage: Storage | None = None) -> None:
        self._root = output_dir.absolute()
        self._stager = stager
        self._storage = storage or LocalStorage()

    @property
    def storage(self) -> Storage:
        """Where results are kept."""
        return self._storage

    def path(self, job_id: str) -> Path:
        """Where the folder of a job is."""
        return self._root / job_id

    def prepare(self, job_id: str) -> Path:
        """Make the folder with its parts."""
        folder = self._root / job_id
        with _disk_faults():
            for part in _PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        return folder

    def inputs(self, job_id: str, reads: frozenset[str]) -> JobFiles:
        """Writes below `inputs`."""
        return InputFolder(self._root / job_id / "inputs", self._stager, reads, self._storage)

    def save(self, job_id: str, name: str, document: JSONObject) -> None:
        """Write a JSON document by rename."""
        target = self._root / job_id / name
        partial = target.with_name(f"{name}.{os.getpid()}.part")
        with _disk_faults():
            partial.write_text(json.dumps(document), encoding="utf-8")
            partial.replace(target)

    def load(self, job_id: str, name: str) -> JSONObject | None:
        """Read a document that `save` wrote; one cut short by a power failure counts as none."""
        try:
            return cast(JSONObject, json.loads((self._root / job_id / name).read_bytes()))
        except (OSError, ValueError):
            return None

    def free(self, job_id: str, outputs: bool) -> None:
        """Remove what an ended job does not need."""
        if outputs:
            self._discard(job_id)
        for part in ("inputs", "work", *(("outputs",) if outputs or self._storage.remote else ())):
            shutil.rmtree(self._root / job_id / part, ignore_errors=True)

    def remove(self, job_id: str) -> None:
        """Remove the whole folder."""
        self._discard(job_id)
        shutil.rmtree(self._root / job_id, ignore_errors=True)

    def _discard(self, job_id: str) -> None:
        folder = self._root / job_id
        if (folder / MARK).exists() or not folder.exists():
            self._storage.discard(job_id)


class InputFolder:
    """Puts each File or Directory input into a folder of its own, so that names never meet."""

    def __init__(self, folder: Path, stager: Stager, reads: frozenset[str], storage: Storage | None = None) -> None:
        self._folder = folder
        self._stager = stager
        self._reads = reads
        self._storage = storage or LocalStorage()
        self._count = 0

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """The CWL object of a reference: as it is where the engine reads its scheme, else staged.

        Raises:
            InvalidInputs, AddressForbidden, TooLarge: permanent, naming the input.
            Unavailable: temporary.
        """
        kind = "Directory" if is_directory else "File"
        if urlsplit(href).scheme in self._reads:
            return {"class": kind, "location": href}
        try:
            staged = self._stager.stage(href, self._next(input_id))
        except OapipError as error:
            raise type(error)(f"inputs.{input_id}: {error.detail}", location=f"inputs.{input_id}") from None
        except OSError as error:
            raise StorageUnavailable(f"inputs.{input_id} could not be stored: {error.strerror}") from error
        if staged.is_directory != is_directory:
            found = "a directory" if staged.is_directory else "a file"
            wanted = "a directory" if is_directory else "a file"
            raise InvalidInputs(f"inputs.{input_id}: {href} is {found}, {wanted} is needed")
        return {"class": kind, "location": staged.path.as_uri(), "basename": staged.path.name}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """A CWL File with this content; its name has the extension of the media type."""
        path = self._next(input_id) / f"{_file_name(input_id)}{extension_of(media_type)}"
        with _disk_faults():
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
        take = shutil.copyfile if copied else _share
        with _disk_faults():
            if source.is_dir():
                _take_folder(source, target, inside, take)
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
        with _disk_faults():
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def _result_name(result: Result) -> str:
    return _UNSAFE_NAME.sub("_", result.name)[:200].lstrip(".") or "data"


def _take_folder(source: Path, target: Path, inside: Path, take: Callable[[Path, Path], object]) -> None:
    for folder, _, names in os.walk(source):
        below = target / Path(folder).relative_to(source)
        below.mkdir(exist_ok=True)
        for name in names:
            real = (Path(folder) / name).resolve()
            if real.is_file() and real.is_relative_to(inside):
                take(real, below / name)


def _share(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _file_name(input_id: str) -> str:
    """An input id as a file name; CWL ids may hold any character."""
    return _UNSAFE.sub("_", input_id)[:100].lstrip(".") or "input"
