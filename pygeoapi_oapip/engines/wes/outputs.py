"""The output object of a run -> files in the job's folder.

What a server names is taken only from the folders that the administrator has mapped, and, where the folder of the run
has the run's id as its name, only from there; in S3, only from below the address that the job was given. A tool can
name anything (`cwl.output.json`), and leave links to the files of somebody else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ...errors import EngineUnavailable, JobFailed
from ...model.json import JSON, JSONObject
from ...model.process import Package
from ...model.value import OutputValue
from ...packages.outputs import read_outputs

ELSEWHERE = frozenset({"http", "https", "gs", "ftp"})
"""Schemes of results that stay where they are; nobody reads them on behalf of a user."""


class NotYet(EngineUnavailable):
    """A file is not there; a shared file system may show it later."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the results of one run may be."""

    folders: Mapping[str, str]
    """Folder at the cluster -> where this server sees it."""
    bucket: str
    """Address in S3, with a `/` at its end; ""."""
    run_id: str
    """The server's id of the run."""


def collect(output_object: JSONObject, package: Package, workspace: Path, origin: Origin) -> Mapping[str, OutputValue]:
    """Put the outputs of a run into `outputs` of the job's folder.

    Args:
        output_object: as the server gives it.
        package: what ran.
        workspace: the job's folder.
        origin: where the results may be.

    Raises:
        NotYet: a file is not there.
        JobFailed: a file is where results of this run may not be, or no folder is mapped.
        EngineUnavailable: the disk is full.
    """
    shutil.rmtree(workspace / "outputs", ignore_errors=True)
    taker = _Taker(workspace / "outputs", origin)
    try:
        (workspace / "outputs").mkdir(parents=True, exist_ok=True)
        local = {name: taker.value(item, name) for name, item in output_object.items()}
    except FileNotFoundError as error:
        raise NotYet(f"{Path(str(error.filename)).name} is not there (yet)") from None
    except OSError as error:
        raise EngineUnavailable(f"the results cannot be copied: {error.strerror}") from None
    return read_outputs(local, package, workspace)


class _Taker:
    def __init__(self, target: Path, origin: Origin) -> None:
        self._target = target
        self._origin = origin
        self._taken: dict[str, Path] = {}

    def value(self, value: JSON, name: str, folder: Path | None = None) -> JSON:
        """The same value with its files in the job's folder.

        Args:
            value: an output, or a part of one.
            name: of the output.
            folder: where a secondary file has to be; None: anywhere.
        """
        if isinstance(value, Mapping):
            if value.get("class") in ("File", "Directory"):
                return self.thing(value, name, folder)
            return {key: self.value(item, name) for key, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.value(item, name) for item in value]
        return value

    def thing(self, raw: JSONObject, name: str, folder: Path | None) -> JSON:
        location = _location(raw)
        found = {key: item for key, item in raw.items() if key not in ("path", "listing", "dirname")}
        if self.elsewhere(location, name):
            parts = _list(raw.get("secondaryFiles"))
            return {**found, **({"secondaryFiles": [self.value(part, name) for part in parts]} if parts else {})}
        if not location and raw.get("class") == "Directory":
            place = self.free(folder, str(raw.get("basename") or name))
            place.mkdir(parents=True)
            for part in _list(raw.get("listing")):
                self.value(part, name, place)
        elif not location:
            return found  # a literal, which `read_outputs` writes
        else:
            place = self.take(location, str(raw.get("basename") or ""), name, folder)
        found["location"] = place.as_uri()
        parts = _list(raw.get("secondaryFiles"))
        if parts:
            found["secondaryFiles"] = [self.value(part, name, place.parent) for part in parts]
        return found

    def elsewhere(self, location: str, name: str) -> bool:
        """True for a result that stays where it is. Raises JobFailed where it may not be there."""
        scheme = location.partition(":")[0].lower()
        bucket = self._origin.bucket
        if scheme == "s3" and (not bucket or not location.startswith(bucket) or ".." in location.split("/")):
            raise JobFailed(f"outputs.{name}: {location[:200]} is not below the address that the job was given in S3")
        return scheme == "s3" or scheme in ELSEWHERE

    def take(self, location: str, basename: str, name: str, folder: Path | None) -> Path:
        """Link or copy a file or folder into the job's folder; the same one only once."""
        if location in self._taken:
            return self._taken[location]
        source = self.source(location, name)
        place = self.free(folder, basename or source.name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            take_folder(source, place)
        else:
            take_file(source, place)
        self._taken[location] = place
        return place

    def source(self, location: str, name: str) -> Path:
        """Where this server sees a file of the cluster. Raises JobFailed, FileNotFoundError."""
        path = PurePosixPath(unquote(urlsplit(location).path) if location.startswith("file:") else location)
        for there, here in self._origin.folders.items():
            if path.is_relative_to(there) and ".." not in path.parts:
                root = Path(here).resolve()
                relative = path.relative_to(there)
                real = (root / relative).resolve(strict=True)
                if real == root or not real.is_relative_to(self.boundary(root, relative)):
                    raise JobFailed(f"outputs.{name}: {path.name} leads out of the folder of the run, and is not taken")
                return real
        raise JobFailed(
            f"outputs.{name}: {path.name} is in a folder of the cluster that this server does not see "
            "(the engine's setting `outputs` maps such folders)"
        )

    def boundary(self, root: Path, relative: PurePosixPath) -> Path:
        """The folder of the run, if its name is the run's id; else the mapped one."""
        parts = relative.parts
        if self._origin.run_id in parts[:-1]:
            return root.joinpath(*parts[: parts.index(self._origin.run_id) + 1])
        return root

    def free(self, folder: Path | None, basename: str) -> Path:
        """A path for a name in a folder; another folder where that is taken and nobody asked for this one."""
        plain = PurePosixPath(basename.replace("\0", "")).name
        plain = plain if plain not in ("", "..") else "output"
        if folder is not None:
            return folder / plain
        number, place = 1, self._target / plain
        while os.path.lexists(place):
            number += 1
            place = self._target / str(number) / plain
        return place


def take_file(source: Path, target: Path) -> None:
    """Link, or copy where that cannot be. Raises OSError."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target)


def take_folder(source: Path, target: Path) -> None:
    """Take a folder with all that is in it; links that lead out of it are left out. Raises OSError."""
    inside = source.resolve()
    target.mkdir(parents=True, exist_ok=True)
    for folder, _, names in os.walk(source):
        below = target / Path(folder).relative_to(source)
        below.mkdir(exist_ok=True)
        for name in names:
            real = (Path(folder) / name).resolve()
            if real.is_file() and real.is_relative_to(inside):
                take_file(real, below / name)


def _location(raw: JSONObject) -> str:
    found = str(raw.get("location") or raw.get("path") or "")
    return "" if found.startswith("_:") else found


def _list(value: JSON) -> Sequence[JSON]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
