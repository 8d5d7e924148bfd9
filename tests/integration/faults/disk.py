"""A small disk of its own, that can be filled, emptied and made read-only."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.required import cannot_run


class SmallDisk:
    """A mounted tmpfs.

    Args:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not one block free."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    def remount(self, mode: str) -> bool:
        """Make it `ro` or `rw`. False where a file is open for writing."""
        command = ["mount", "-o", f"remount,{mode}", str(self.folder)]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk; skips the test, saying why, where that is not allowed."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=0777"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        cannot_run("mount", f"a tmpfs cannot be mounted here (uid {os.getuid()}): {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # lazily: the fork server may still have its log open
        subprocess.run(["umount", "-l", str(folder)], check=True)
