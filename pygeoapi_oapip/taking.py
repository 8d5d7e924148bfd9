"""Files and folders are taken into another folder without reading their content, where that can be (hard links)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path


def take_file(source: Path, target: Path) -> None:
    """Link, or copy where that cannot be. Raises OSError."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target)


def take_folder(
    source: Path,
    target: Path,
    inside: Path,
    take: Callable[[Path, Path], object] = take_file,
    above: Sequence[Path] = (),
) -> None:
    """Take a folder with all that is in it, and what links in it lead to. Raises OSError.

    Args:
        source: the folder.
        target: made where it is not there.
        inside: a resolved folder; links that lead out of it are left out.
        take: for each file, with its links resolved.
        above: resolved folders that this one is in; links to them are left out, they would have no end.
    """
    target.mkdir(parents=True, exist_ok=True)
    above = (*above, Path(os.path.realpath(source)))
    for path in sorted(source.iterdir()):
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(inside):
            continue
        if real.is_file():
            take(real, target / path.name)
        elif real.is_dir() and not any(folder.is_relative_to(real) for folder in above):
            take_folder(real, target / path.name, inside, take, above)
