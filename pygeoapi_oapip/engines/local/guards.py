"""What cwltool would do for a package and must not: read the machine's files through symbolic links, or the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cwl_utils.types import CWLDirectoryType, CWLFileType, CWLOutputType
from cwltool.builder import Builder
from cwltool.command_line_tool import CommandLineTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.process import Process
from cwltool.utils import visit_class
from cwltool.workflow import default_make_tool
from ruamel.yaml.comments import CommentedMap
from schema_salad.ref_resolver import uri_file_path

from ..folder_links import FolderLinks, LinkFault
from ..output_folders import ApartMapper
from ..whole_folder import name_whole
from .containerjobs import labelled


class StagedOnly(ApartMapper):
    """Maps files of this machine; cwltool's own would download http addresses, unchecked."""

    def folders(self) -> Sequence[str]:
        """As ApartMapper says."""
        return job_folders()

    def visit(
        self,
        obj: CWLFileType | CWLDirectoryType,
        stagedir: str,
        basedir: str,
        copy: bool = False,
        staged: bool = False,
    ) -> None:
        """Refuse an address that was not staged."""
        scheme = urlsplit(obj["location"]).scheme
        if scheme not in ("", "file", "_"):
            raise WorkflowException(f"The input {obj['location']} is not a file of this job.")
        super().visit(obj, stagedir, basedir, copy, staged)


class GuardedTool(CommandLineTool):
    """A tool whose outputs may not be links to what is neither its own nor its input.

    cwltool resolves such links on the host, where the tool, if it runs in a container, could not read the target
    (CWL v1.2 CommandLineTool, 4.2 Runtime environment; conformance test illegal_symlink). In a folder, what the links
    lead to takes their place.
    """

    def make_job_runner(self, runtimeContext: RuntimeContext) -> type[JobBase]:
        """The class of the tool's jobs; those in containers have a label."""
        return labelled(super().make_job_runner(runtimeContext))

    def collect_output_ports(
        self, ports: Any, builder: Builder, outdir: str, rcode: int, *args: Any, **kwargs: Any
    ) -> dict[str, CWLOutputType | None]:
        """The outputs, checked."""
        outputs = super().collect_output_ports(ports, builder, outdir, rcode, *args, **kwargs)
        name_whole(outputs, outdir)
        allowed = [Path(outdir).resolve(), *_inputs(builder)]
        mounts = [(builder.outdir, outdir), *_mounts(builder)]
        visit_class(outputs, ("File", "Directory"), lambda entry: _check(entry, allowed, mounts))
        return outputs


def make_guarded_tool(document: CommentedMap, context: LoadingContext) -> Process:
    """As cwltool's `default_make_tool`, with GuardedTool."""
    if document.get("class") == "CommandLineTool":
        return GuardedTool(document, context)
    return default_make_tool(document, context)


def room() -> str:
    """A folder for what is moved to the results in the end; a runner works in the folder `work` of its job."""
    folder = os.path.join(os.getcwd(), "literals")
    os.makedirs(folder, exist_ok=True)
    return folder


def job_folders() -> Sequence[str]:
    """Room for a while, and the folder of the job."""
    return [room(), os.path.dirname(os.getcwd())]


def _inputs(builder: Builder) -> list[Path]:
    if builder.pathmapper is None:
        return []
    resolved = (builder.pathmapper.mapper(name).resolved for name in builder.pathmapper.files())
    return [Path(path).resolve() for path in resolved if os.path.isabs(path)]


def _mounts(builder: Builder) -> list[tuple[str, str]]:
    entries = () if builder.pathmapper is None else builder.pathmapper.items()
    return [(entry.target, entry.resolved) for _, entry in entries if os.path.isabs(entry.resolved)]


def _check(entry: Any, allowed: list[Path], mounts: list[tuple[str, str]]) -> None:
    location = str(entry.get("location", ""))
    if not location.startswith(("file:", "/")):
        return
    path = Path(uri_file_path(location) if location.startswith("file:") else location)
    if path.is_symlink():
        # straight to its target: what it goes through may be staging, and is removed soon
        target = path.resolve()
        _require(str(path), str(target), allowed)
        path.unlink()
        path.symlink_to(target)
    elif path.is_dir():
        links = FolderLinks(lambda link, target: _require(link, target, allowed), job_folders(), mounts)
        try:
            links.settle(str(path))
        except LinkFault as fault:
            raise WorkflowException(f"The output {path.name}: {fault}.") from None


def _require(link: str, target: str, allowed: list[Path]) -> None:
    if not any(Path(target).is_relative_to(root) for root in allowed):
        raise WorkflowException(
            f"The output {os.path.basename(link)} is a link to a file "
            "that is neither an output nor an input of the tool."
        )
