"""Keeps a package from reading the files of Calrissian's own pod, such as the token of its account.

cwltool evaluates expressions and collects outputs in that pod: it would follow a symbolic link that a step has made,
and read or move any file that an expression names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import cwltool.executors
from calrissian import main as calrissian_main
from calrissian import tool
from cwltool.errors import WorkflowException
from cwltool.stdfsaccess import StdFsAccess
from cwltool.utils import visit_class
from folder_links import FolderLinks, LinkFault  # type: ignore[import-not-found,unused-ignore]
from output_folders import ApartMapper  # type: ignore[import-not-found,unused-ignore]
from whole_folder import name_whole  # type: ignore[import-not-found,unused-ignore]


class Roots:
    """Folders below which everything belongs to the job.

    Args:
        folders: of this pod; the last one is for what steps need for a while.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.folders = [os.path.realpath(folder) for folder in folders]

    def hold(self, path: str) -> bool:
        """True if a path, with all links followed, is below one of the folders."""
        real = os.path.realpath(path)
        return any(real == folder or real.startswith(folder + os.sep) for folder in self.folders)

    def require(self, location: str) -> None:
        """Raises WorkflowException for a file of this pod that is not the job's."""
        parts = urlsplit(location)
        if location.startswith("_:") or parts.scheme not in ("", "file"):
            return
        path = unquote(parts.path) if parts.scheme else location
        if not self.hold(path):
            raise WorkflowException(f"{os.path.basename(path)} is not a file of this job")

    def settle(self, row: Any, mounts: Sequence[tuple[str, str]]) -> None:
        """Let a Directory have what links in it lead to. Raises WorkflowException where that cannot be.

        Args:
            row: the Directory.
            mounts: pairs of a path in the pod of the step and the same one here.
        """
        location = str(row.get("location") or row.get("path") or "_:")
        path = unquote(urlsplit(location).path) if location.startswith("file:") else location
        if os.path.isdir(path) and not os.path.islink(path):
            try:
                FolderLinks(self._require_link, self.folders, mounts).settle(path)
            except LinkFault as fault:
                raise WorkflowException(f"The output {os.path.basename(path)}: {fault}.") from None

    def require_links(self, folder: str) -> None:
        """Raises WorkflowException if a link below a folder leads to a file of this pod that is not the job's."""
        for top, folders, files in os.walk(folder):
            for name in folders + files:
                path = os.path.join(top, name)
                if os.path.islink(path) and os.path.exists(path):
                    self._require_link(path, path)

    def _require_link(self, link: str, target: str) -> None:
        if not self.hold(target):
            raise WorkflowException(f"the output {os.path.basename(link)} is a link to a file that is not the job's")


def guarded_access(roots: Roots) -> Any:
    """A class that reads files of the job only."""

    class GuardedAccess(StdFsAccess):  # type: ignore[misc,unused-ignore]
        """Refuses all others with WorkflowException."""

        def open(self, fn: str, mode: str) -> Any:
            roots.require(fn)
            return super().open(fn, mode)

        def glob(self, pattern: str) -> Any:
            found = super().glob(pattern)
            for location in found:
                roots.require(location)
            return found

        def listdir(self, fn: str) -> Any:
            roots.require(fn)
            return super().listdir(fn)

    return GuardedAccess


def _mounts(builder: Any) -> Sequence[tuple[str, str]]:
    entries = () if builder.pathmapper is None else builder.pathmapper.items()
    return [(entry.target, entry.resolved) for _, entry in entries if os.path.isabs(entry.resolved)]


def install(folders: Sequence[str]) -> None:
    """Change what cwltool reads with, and what it collects outputs with."""
    roots = Roots(folders)
    executors: Any = cwltool.executors
    collect = tool.CalrissianCommandLineTool.collect_output_ports
    relocate = executors.relocateOutputs

    class Mapper(ApartMapper):  # type: ignore[misc,unused-ignore]
        """Has room where steps have theirs."""

        def folders(self) -> Sequence[str]:
            return roots.folders[::-1]

    class Context(calrissian_main.CalrissianRuntimeContext):  # type: ignore[misc,unused-ignore]
        """Calrissian's, with guarded access."""

        def __init__(self, kwargs: Any = None) -> None:
            super().__init__(kwargs)
            self.make_fs_access = guarded_access(roots)
            self.path_mapper = Mapper

    def collected(self: Any, ports: Any, builder: Any, outdir: str, *more: Any, **named: Any) -> Any:
        roots.require_links(outdir)
        outputs = collect(self, ports, builder, outdir, *more, **named)
        name_whole(outputs, outdir)
        mounts = [(builder.outdir, outdir), *_mounts(builder)]
        visit_class(outputs, ("Directory",), lambda row: roots.settle(row, mounts))
        return outputs

    def relocated(outputs: Any, *more: Any, **named: Any) -> Any:
        visit_class(outputs, ("File", "Directory"), lambda row: roots.require(str(row.get("location") or "_:")))
        return relocate(outputs, *more, **named)

    calrissian_main.CalrissianRuntimeContext = Context
    tool.CalrissianCommandLineTool.collect_output_ports = collected
    executors.relocateOutputs = relocated
