"""Symbolic links in a folder that a tool has made: the folder is kept without them, whole.

Such a link leads to an input, or to another output, from where the tool ran. Both are gone when the folder is read, and
what it led to would be missing among the results. Calrissian's pod runs this file, too: it needs Python 3.8 alone.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Sequence

_HOPS = 40
"""Links that one path may go through, as in the kernel."""


class LinkFault(Exception):
    """A link that cannot be kept; the text says which one and why."""


class FolderLinks:
    """Puts what links lead to in their place.

    Args:
        require: given the path of a link and what it leads to, raises if the tool could not have read that.
        near: folders of the job, real paths: files in them are linked hard, all others are copied.
        mounts: pairs of a path where the tool ran, in a container, and the same one here.
    """

    def __init__(
        self, require: Callable[[str, str], None], near: Sequence[str], mounts: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._require = require
        self._near = tuple(folder.rstrip(os.sep) + os.sep for folder in near)
        self._mounts = sorted(mounts, key=lambda pair: len(pair[0]), reverse=True)

    def settle(self, folder: str) -> None:
        """Replace all links below a folder.

        Raises:
            LinkFault: one leads nowhere, to a folder that it is in, or to what is no file (a device, a pipe).
            OSError: the disk is full.
        """
        self._settle(folder, (os.path.realpath(folder),))

    def give(self, source: str, place: str) -> None:
        """Let a path that is free have the file or folder of a real path, with what links in it lead to. Raises as
        `settle`."""
        self._give(source, place, ())

    def _settle(self, folder: str, above: tuple[str, ...]) -> None:
        with os.scandir(folder) as found:
            entries = list(found)
        for entry in entries:
            if entry.is_symlink():
                target = self._target(entry.path)
                os.unlink(entry.path)
                self._give(target, entry.path, above)
            elif entry.is_dir():
                self._settle(entry.path, (*above, os.path.realpath(entry.path)))

    def _target(self, path: str) -> str:
        target = path
        for _ in range(_HOPS):
            if not os.path.islink(target):
                break
            to = os.readlink(target).rstrip(os.sep) or os.sep
            to = self._here(to) if os.path.isabs(to) else os.path.join(os.path.dirname(target), to)
            target = os.path.join(os.path.realpath(os.path.dirname(to)), os.path.basename(to))
        target = os.path.realpath(target)
        self._require(path, target)
        if not os.path.exists(target):
            raise LinkFault(f"the link {os.path.basename(path)} in an output leads nowhere")
        return target

    def _here(self, path: str) -> str:
        for there, here in self._mounts:
            if path == there or path.startswith(there.rstrip(os.sep) + os.sep):
                return here + path[len(there.rstrip(os.sep)) :]
        return path

    def _give(self, source: str, place: str, above: tuple[str, ...]) -> None:
        """Let a place have what a real path has; `above` are the real paths of the folders that it is in."""
        mode = os.stat(source).st_mode
        if stat.S_ISREG(mode):
            self._take(source, place)
            return
        name = os.path.basename(place)
        if not stat.S_ISDIR(mode):
            raise LinkFault(f"the link {name} in an output leads to what is neither a file nor a folder")
        if any(folder == source or folder.startswith(source + os.sep) for folder in above):
            raise LinkFault(f"the link {name} in an output leads to a folder that it is in")
        os.mkdir(place)
        for below in sorted(os.listdir(source)):
            self._give(self._target(os.path.join(source, below)), os.path.join(place, below), (*above, source))

    def _take(self, source: str, place: str) -> None:
        if source.startswith(self._near):
            try:
                os.link(source, place, follow_symlinks=False)
                return
            except OSError:  # other disks, or files of another user
                pass
        shutil.copyfile(source, place)
