"""Which objects a job's outputs become: files of its folder, and what its engine has put into S3 already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..errors import JobFailed
from ..model.value import DirectoryOutput, FileOutput, OutputValue, with_files
from ..packages.formats import media_type_of_name
from .s3_address import ObjectAddress, is_object, parse

_OUTPUTS = "outputs/"
_ELSEWHERE = "other/"
"""Below this are outputs that are not in the folder of outputs."""
_FOREIGN = "run/"
"""Below this are outputs that the engine had put into S3."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object that exists."""

    address: ObjectAddress
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """An object to be made."""

    key: str
    size: int
    source: Path | Found | None
    """None: an empty object that stands for an empty folder."""
    media_type: str = ""


@dataclass(slots=True)
class Plan:
    """The outputs with their new addresses, and the objects that these stand for.

    Args:
        base: folder of the job in the bucket.
        workspace: folder of the job on this machine.
        look: all objects of a folder that an engine has filled, or the one object of an address.
    """

    base: ObjectAddress
    workspace: Path
    look: Callable[[ObjectAddress, bool], list[Found]]
    pieces: dict[str, Piece] = field(default_factory=dict)
    """By key."""
    _moved: dict[str, str] = field(default_factory=dict)

    def add(self, outputs: Mapping[str, OutputValue]) -> Mapping[str, OutputValue]:
        """Plan all outputs.

        Raises:
            JobFailed: one is not there, or outside of the job's folder.
        """
        return {name: with_files(value, partial(self._leaf, name)) for name, value in outputs.items()}

    def _leaf(self, name: str, leaf: FileOutput | DirectoryOutput) -> FileOutput | DirectoryOutput:
        if is_object(leaf.href):
            return self._foreign(name, leaf)
        if "://" in leaf.href:
            return leaf  # an engine's own address, which nobody here reads
        root = self.workspace.resolve()
        path = (self.workspace / leaf.href).resolve()
        if not path.is_relative_to(root) or path == root or not path.exists():
            raise JobFailed(f"outputs.{name}: {leaf.name} is not in the folder of the job any more")
        short = leaf.href.removeprefix(_OUTPUTS)
        key = _text(short if short != leaf.href else _ELSEWHERE + leaf.href)
        if isinstance(leaf, DirectoryOutput):
            self._folder(key, path, root)
        else:
            self._piece(key, path, leaf.media_type)
        return replace(leaf, href=str(self.base.below(key)))

    def _folder(self, key: str, folder: Path, root: Path) -> None:
        empty = True
        for path in _files(folder):
            real = path.resolve()
            # links that lead out of the job are left out: they may point at anything
            if real.is_file() and real.is_relative_to(root):
                empty = False
                self._piece(f"{key}/{_text(path.relative_to(folder).as_posix())}", real, "")
        if empty:
            self._add(Piece(f"{self.base.below(key).key}/", 0, None))

    def _piece(self, key: str, path: Path, media_type: str) -> None:
        kind = media_type or media_type_of_name(path.name)
        self._add(Piece(self.base.below(key).key, path.stat().st_size, path, kind))

    def _add(self, piece: Piece) -> None:
        self.pieces.setdefault(piece.key, piece)

    def _foreign(self, name: str, leaf: FileOutput | DirectoryOutput) -> FileOutput | DirectoryOutput:
        is_folder = isinstance(leaf, DirectoryOutput)
        source = parse(leaf.href)
        found = self.look(source, is_folder)
        if not found:
            raise JobFailed(f"outputs.{name}: {leaf.href} is not there")
        # an engine's own stage-out may have put it there: into this folder, or into JOB-ANYTHING beside it
        own = (self.base.folder, f"{self.base.folder[:-1]}-")
        if source.bucket == self.base.bucket and source.key.startswith(own):
            target = source
        else:
            target = self.base.below(self._place(source, leaf.name))
            for item in found:
                below = item.address.key[len(source.folder) :] if is_folder else ""
                key = f"{target.key}/{below}" if is_folder else target.key
                kind = "" if isinstance(leaf, DirectoryOutput) else leaf.media_type
                self._add(Piece(key, item.size, item, kind or media_type_of_name(key.rpartition("/")[2])))
        if isinstance(leaf, DirectoryOutput):
            return replace(leaf, href=str(ObjectAddress(target.bucket, target.key.rstrip("/"))))
        return replace(leaf, href=str(target), size=found[0].size)

    def _place(self, source: ObjectAddress, name: str) -> str:
        """Files of one folder stay together, since tools look for siblings; no two folders meet."""
        folder = f"{source.bucket}/{source.key.rstrip('/').rpartition('/')[0]}"
        number = self._moved.setdefault(folder, str(len(self._moved) + 1))
        return f"{_FOREIGN}{number}/{source.name or name}"


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


def _text(path: str) -> str:
    """A path as a key: names that are not UTF-8 have `%XX` in place of the bytes that do not fit."""
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in path)
