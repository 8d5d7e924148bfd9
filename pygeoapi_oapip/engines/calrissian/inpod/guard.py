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


class Roots:
    """Folders below which everything belongs to the job.

    Args:
        folders: of this pod.
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
            raise WorkflowException("%s is not a file of this job" % os.path.basename(path))  # noqa: UP031

    def require_links(self, folder: str) -> None:
        """Raises WorkflowException if a link below a folder leads to a file of this pod that is not the job's."""
        for top, folders, files in os.walk(folder):
            for name in folders + files:
                path = os.path.join(top, name)
                if os.path.islink(path) and os.path.exists(path) and not self.hold(path):
                    raise WorkflowException("the output %s is a link to a file that is not the job's" % name)  # noqa: UP031


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


def install(folders: Sequence[str]) -> None:
    """Change what cwltool reads with, and what it collects outputs with."""
    roots = Roots(folders)
    executors: Any = cwltool.executors
    collect = tool.CalrissianCommandLineTool.collect_output_ports
    relocate = executors.relocateOutputs

    class Context(calrissian_main.CalrissianRuntimeContext):  # type: ignore[misc,unused-ignore]
        """Calrissian's, with guarded access."""

        def __init__(self, kwargs: Any = None) -> None:
            super().__init__(kwargs)
            self.make_fs_access = guarded_access(roots)

    def collected(self: Any, ports: Any, builder: Any, outdir: str, *more: Any, **named: Any) -> Any:
        roots.require_links(outdir)
        return collect(self, ports, builder, outdir, *more, **named)

    def relocated(outputs: Any, *more: Any, **named: Any) -> Any:
        visit_class(outputs, ("File", "Directory"), lambda row: roots.require(str(row.get("location") or "_:")))
        return relocate(outputs, *more, **named)

    calrissian_main.CalrissianRuntimeContext = Context
    tool.CalrissianCommandLineTool.collect_output_ports = collected
    executors.relocateOutputs = relocated
