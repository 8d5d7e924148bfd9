"""Files and folders are taken into another folder without reading their content, where that can be (hard links)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def take_file(source: Path, target: Path) -> None:
    """Link, or copy where that cannot be. Raises OSError."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target)


def take_folder(source: Path, target: Path, inside: Path, take: Callable[[Path, Path], object] = take_file) -> None:
    """Take a folder with all that is in it. Raises OSError.

    Args:
        source: the folder.
        target: made where it is not there.
        inside: a resolved folder; links that lead out of it are left out.
        take: for each file, with its links resolved.
    """
    target.mkdir(parents=True, exist_ok=True)
    for folder, _, names in os.walk(source):
        below = target / Path(folder).relative_to(source)
        below.mkdir(exist_ok=True)
        for name in names:
            real = (Path(folder) / name).resolve()
            if real.is_file() and real.is_relative_to(inside):
                take(real, below / name)
