"""How much room results take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..model.value import DirectoryOutput, FileOutput, OutputValue, files_of
from .base import Storage

Outputs = Mapping[str, OutputValue]


def sizes_in(workspace: Path, outputs: Outputs) -> Sequence[int | None]:
    """Bytes of each file and directory of outputs, in order; None for a directory that is not in the job's folder."""
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
    size = _size(leaf, workspace)
    return sum(entry.size for entry in storage.entries(leaf.href)) if size is None else size


def _size(leaf: FileOutput | DirectoryOutput, workspace: Path) -> int | None:
    if isinstance(leaf, FileOutput):
        return leaf.size
    if "://" in leaf.href:
        return None
    files = (path for path in (workspace / leaf.href).rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def _leaves(outputs: Outputs) -> Iterator[FileOutput | DirectoryOutput]:
    for value in outputs.values():
        yield from files_of(value)
