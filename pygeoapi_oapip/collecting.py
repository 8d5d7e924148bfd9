"""The results of a run on their way to where they are kept: stored, read as STAC, measured, registered."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from .errors import OapipError, ResultNotAvailable
from .model.job import Job
from .model.json import JSONObject
from .model.value import DirectoryOutput, FileOutput, OutputValue, with_files
from .results import file_links
from .staging.base import Storage, Workspaces
from .staging.registration import StacRegistrar, addresses
from .staging.sizes import sizes_in, total
from .staging.stac_beside import with_items
from .staging.stac_catalogue import Catalogue, Read, read_catalogue
from .staging.stac_output import build
from .staging.storage import OWNER_NOTE

LOG = logging.getLogger(__name__)

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")

Leaf = FileOutput | DirectoryOutput


@dataclass(frozen=True, slots=True)
class Stored:
    """A catalogue among the results, as it is stored now."""

    directory: DirectoryOutput
    place: str
    """Of the Directory below `/jobs/{id}/results/`, as in `results.file_links`; URL-quoted."""
    collection: JSONObject
    items: JSONObject


@dataclass(frozen=True, slots=True)
class Collected:
    """What a job gets."""

    outputs: Mapping[str, OutputValue]
    size: int
    """Bytes of the files of the results."""
    message: str = ""
    """What went wrong without a harm to the results."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is done beside storing (`storage` of the settings)."""

    collections: bool = True
    """Read Directories as STAC catalogues."""
    items: bool = False
    """Write a STAC Item beside each plain file."""
    registrar: StacRegistrar | None = None
    """None: results are registered nowhere."""
    address: str = ""
    """URL of the service, for results that are on this machine."""


@dataclass(slots=True)
class Collector:
    """Brings results to where they are kept. Every step may be repeated after a crash."""

    workspaces: Workspaces
    options: Options = field(default_factory=Options)

    def collect(self, job: Job, outputs: Mapping[str, OutputValue], wanted: Callable[[], bool]) -> Collected:
        """Store the outputs of a run.

        Args:
            job: whose run has succeeded.
            outputs: of the engine.
            wanted: as in `Storage.publish`.

        Raises:
            As `Storage.publish`.
        """
        workspace, storage = self.workspaces.path(job.id), self.workspaces.storage
        if storage.remote:
            self.workspaces.save(job.id, OWNER_NOTE, {"owner": job.owner})
        if self.options.items:
            outputs = with_items(outputs, job.id, job.created, workspace)
        sizes = sizes_in(workspace, outputs)
        catalogues = _Catalogues(workspace, storage)
        if self.options.collections:
            outputs = catalogues.found_in(outputs)
        outputs = storage.publish(job.id, outputs, workspace, wanted)
        if self.options.collections and catalogues.elsewhere:
            outputs = catalogues.found_in(outputs)
        stored = list(self._store(job, outputs, catalogues.found))
        return Collected(outputs, total(sizes, outputs, workspace, storage), self._register(job, stored))

    def _store(self, job: Job, outputs: Mapping[str, OutputValue], found: Mapping[str, Catalogue]) -> Iterator[Stored]:
        for output_id, path, leaf in directories(outputs):
            if leaf.stac not in found:
                continue
            known = job.id if len(found) == 1 else _UNSAFE.sub("-", f"{job.id}-{output_id}-{path}".rstrip("-/"))
            fields = self.workspaces.storage.asset_fields(leaf.href)
            collection, items = build(found[leaf.stac], known, fields)
            self.workspaces.save(job.id, f"{leaf.stac}.json", collection)
            self.workspaces.save(job.id, f"{leaf.stac}-items.json", items)
            yield Stored(leaf, quote(f"{output_id}/{path}".rstrip("/")), collection, items)

    def _register(self, job: Job, stored: list[Stored]) -> str:
        """Results are kept and can be fetched; that a catalogue elsewhere does not take them must not lose them."""
        registrar = self.options.registrar
        for found in stored if registrar is not None else ():
            assert registrar is not None
            try:
                served = f"{self.options.address}/jobs/{job.id}/results/{found.place}"
                registrar.register(job.owner, found.collection, found.items, addresses(found.directory, served))
            except OapipError as error:
                LOG.warning("job %s: its results are not registered: %s", job.id, error.detail)
                return f"the results are stored, but could not be registered: {error.detail}"
        return ""


class _Catalogues:
    """Looks for catalogues: in the folder of the job before its files leave it, else where they are kept."""

    def __init__(self, workspace: Path, storage: Storage) -> None:
        self._workspace = workspace
        self._storage = storage
        self.found: dict[str, Catalogue] = {}
        self.elsewhere = False
        """True where an engine has left Directories in S3: they are looked at once they are stored."""

    def found_in(self, outputs: Mapping[str, OutputValue]) -> Mapping[str, OutputValue]:
        """The outputs, each Directory that holds a catalogue with the name of its documents."""
        moved, self.elsewhere = self.elsewhere, False
        return {name: with_files(value, lambda leaf: self._look(leaf, moved)) for name, value in outputs.items()}

    def _look(self, leaf: Leaf, moved: bool) -> Leaf:
        if not isinstance(leaf, DirectoryOutput) or leaf.stac:
            return leaf
        if "://" in leaf.href and not moved:
            self.elsewhere = True
            return leaf
        found = read_catalogue(self._reader(leaf))
        if found is None:
            return leaf
        name = f"stac-{len(self.found)}"
        self.found[name] = found
        return replace(leaf, stac=name)

    def _reader(self, leaf: DirectoryOutput) -> Read:
        if "://" in leaf.href:
            return lambda path, most: _stored(self._storage, f"{leaf.href}/{quote(path)}", most)
        folder = self._workspace / leaf.href
        return lambda path, most: _local(folder / path, self._workspace.resolve(), most)


def _local(path: Path, inside: Path, most: int) -> bytes | None:
    try:
        real = path.resolve()
        if not real.is_relative_to(inside) or not real.is_file():
            return None
        with real.open("rb") as file:
            content = file.read(most + 1)
    except OSError:
        return None
    return content if len(content) <= most else None


def _stored(storage: Storage, href: str, most: int) -> bytes | None:
    try:
        content = storage.content(href)
        if content.size is None or content.size > most:
            return None
        return b"".join(content.pieces())
    except ResultNotAvailable:
        return None


def directories(outputs: Mapping[str, OutputValue]) -> Iterator[tuple[str, str, DirectoryOutput]]:
    """Each Directory: its output, its path below that, itself."""
    for output_id, value in outputs.items():
        for path, leaf in file_links(output_id, value):
            if isinstance(leaf, DirectoryOutput):
                yield output_id, path, leaf
