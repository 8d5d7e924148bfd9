"""How much room results take."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import ResultNotAvailable
from ..model.value import DirectoryOutput, FileOutput, OutputValue, files_of
from .base import Storage

Outputs = Mapping[str, OutputValue]


def sizes_in(workspace: Path, outputs: Outputs) -> Sequence[int | None]:
    """Bytes of each file and directory of outputs, in order; None for one that is not in the job's folder."""
    return [_size(leaf, workspace) for leaf in _leaves(outputs)]


def total(sizes: Sequence[int | None], published: Outputs, workspace: Path, storage: Storage) -> int:
    """Bytes of all outputs of a job.

    Args:
        sizes: what `sizes_in` said before they were published.
        published: the same outputs, where they are kept.
        workspace: the folder of the job.
        storage: tells what is in a directory that is kept elsewhere. Raises Unavailable.
    """
    pairs = zip(sizes, _leaves(published), strict=True)
    return sum(_kept(leaf, workspace, storage) if size is None else size for size, leaf in pairs)


def _kept(leaf: FileOutput | DirectoryOutput, workspace: Path, storage: Storage) -> int:
    if isinstance(leaf, FileOutput):
        return leaf.size
    size = _size(leaf, workspace)
    if size is not None:
        return size
    try:
        return sum(entry.size for entry in storage.entries(leaf.href))
    except ResultNotAvailable:
        return 0


def _size(leaf: FileOutput | DirectoryOutput, workspace: Path) -> int | None:
    if "://" in leaf.href:
        return None
    if isinstance(leaf, FileOutput):
        return leaf.size
    folders = os.walk(workspace / leaf.href)
    return sum(_length(Path(folder) / name) for folder, _, names in folders for name in names)


def _length(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else path.stat().st_size
    except OSError:
        return 0


def _leaves(outputs: Outputs) -> Iterator[FileOutput | DirectoryOutput]:
    for value in outputs.values():
        yield from files_of(value)
