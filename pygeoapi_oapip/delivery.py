"""Results on their way out: which they are, their files in the job's folder, directories as archives."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from .errors import JobFailed, NoSuchOutput, ResultNotAvailable, ResultNotReady, Unavailable
from .model.execution import ExecutionRequest
from .model.identity import EVERYTHING
from .model.job import Job, Phase
from .model.json import JSONObject
from .model.process import Process
from .model.value import DirectoryOutput, FileOutput, OutputValue, output_from_json
from .operations import DirectoryEntry, ServedFile
from .packages.describe import describe
from .packages.enclosed import enclosed_package
from .packages.formats import media_type_of_name
from .packages.remote import is_remote, remote_process
from .results import ARCHIVE, find_file
from .staging.base import Storage, Workspaces
from .store.base import ProcessStore

_FALLBACK = "application/octet-stream"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every member, so that the same content always gives the same archive."""


def process_of(processes: ProcessStore, job: Job) -> Process:
    """The process that a job runs, in its revision: kept within the job, or in the store. Raises NoSuchProcess."""
    package = enclosed_package(job.request)
    if package is not None:
        return remote_process(package) if is_remote(package) else describe(package, job.process_id)
    return processes.get(job.process_id, EVERYTHING, job.process_revision, job.process_owner)


def wanted_outputs(process: Process, request: ExecutionRequest, stored: JSONObject) -> dict[str, OutputValue]:
    """The outputs of a job that its request asks for, in the order of the description.

    Args:
        process: of the job.
        request: of the job.
        stored: `Job.outputs`.
    """
    ids = [key for key in process.outputs if key in stored and (request.outputs is None or key in request.outputs)]
    return {key: output_from_json(stored[key]) for key in ids}


def served_file(
    value: OutputValue, output_id: str, path: str, workspace: Path, storage: Storage | None = None
) -> ServedFile:
    """A file of an output, or the archive of a Directory.

    Args:
        value: the output.
        output_id: names it in errors.
        path: as in `results.file_links`.
        workspace: the job's folder.
        storage: where results are that are not in it.

    Raises:
        NoSuchOutput: nothing has this path.
        ResultNotAvailable: the file is gone from the job's folder or the storage.
        StorageUnavailable: the storage cannot be asked now.
    """
    found = find_file(value, path)
    if found is None:
        raise NoSuchOutput(f"the output {output_id} has no file {path!r}")
    leaf = found if isinstance(found, FileOutput) else found[0]
    if storage is not None and "://" in leaf.href:
        return _stored_file(found, output_id, path, storage)
    if isinstance(found, FileOutput):
        return ServedFile(_inside(workspace, found.href), found.name, found.media_type or _FALLBACK)
    directory, below = found
    folder = _inside(workspace, directory.href)
    if below:
        file = _inside(folder, below)
        if not file.is_file():
            raise NoSuchOutput(f"{path!r} of the output {output_id} is a directory")
        return ServedFile(file, file.name, _guess(file.name))
    if not folder.is_dir():
        raise NoSuchOutput(f"the output {output_id} has no file {path!r}")
    return ServedFile(_archive(folder, directory, workspace), f"{directory.name}.zip", ARCHIVE)


def _stored_file(
    found: FileOutput | tuple[DirectoryOutput, str], output_id: str, path: str, storage: Storage
) -> ServedFile:
    if isinstance(found, FileOutput):
        return ServedFile(None, found.name, found.media_type or _FALLBACK, storage.content(found.href))
    directory, below = found
    if not below:
        return ServedFile(None, f"{directory.name}.zip", ARCHIVE, storage.archive(directory.href, directory.name))
    name = below.rpartition("/")[2]
    try:
        return ServedFile(None, name, _guess(name), storage.content(_below(directory, below)))
    except ResultNotAvailable:
        raise NoSuchOutput(f"{path!r} of the output {output_id} is a directory, or not there") from None


def _below(directory: DirectoryOutput, below: str) -> str:
    return f"{directory.href}/{quote(below)}"


def catalogue_of(workspaces: Workspaces, job_id: str, name: str) -> JSONObject | None:
    """A document of a STAC catalogue among the results of a job; None where it is not there.

    Args:
        workspaces: the folders of jobs.
        job_id: the job.
        name: `DirectoryOutput.stac`, or with `-items` behind it.
    """
    return workspaces.load(job_id, f"{name}.json")


def list_directory(
    value: OutputValue, output_id: str, path: str, workspace: Path, storage: Storage | None = None
) -> Sequence[DirectoryEntry]:
    """All files below a Directory output, by path. Arguments as `served_file`.

    Raises:
        NoSuchOutput: there is no Directory at `path`.
        StorageUnavailable: the storage cannot be asked now.
    """
    found = find_file(value, path)
    if not isinstance(found, tuple):
        raise NoSuchOutput(f"the output {output_id} has no directory {path!r}")
    directory, below = found
    if storage is not None and "://" in directory.href:
        return _stored_directory(directory, below, output_id, storage)
    folder = _inside(workspace, directory.href)
    if below:
        folder = _inside(folder, below)
    if not folder.is_dir():
        raise NoSuchOutput(f"the output {output_id} has no directory {path!r}")
    return [
        DirectoryEntry(file.relative_to(folder).as_posix(), file.stat().st_size, _guess(file.name))
        for file in _files(folder)
    ]


def _stored_directory(
    directory: DirectoryOutput, below: str, output_id: str, storage: Storage
) -> Sequence[DirectoryEntry]:
    try:
        found = storage.entries(_below(directory, below) if below else directory.href)
    except ResultNotAvailable:
        if not below:
            raise
        raise NoSuchOutput(f"the output {output_id} has no directory {below!r}") from None
    return [DirectoryEntry(entry.path, entry.size, _guess(entry.path.rpartition("/")[2])) for entry in found]


def _files(folder: Path) -> list[Path]:
    """Regular files below a folder. Links that lead out of it are left out: they may point at anything."""
    inside = folder.resolve()
    found = [Path(root) / name for root, _, names in os.walk(folder) for name in names]
    return sorted(file for file in found if file.is_file() and file.resolve().is_relative_to(inside))


def _inside(folder: Path, relative: str) -> Path:
    path = folder / relative
    if not path.resolve().is_relative_to(folder.resolve()):
        raise NoSuchOutput(f"{relative!r} leads out of the results")
    if not path.exists():
        raise ResultNotAvailable(f"{relative.rpartition('/')[2]} is not there any more")
    return path


def _archive(folder: Path, directory: DirectoryOutput, workspace: Path) -> Path:
    archives = workspace / "archives"
    target = archives / f"{directory.href.replace('/', '_')}.zip"
    if target.exists():
        return target
    partial = target.with_name(f"{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        archives.mkdir(exist_ok=True)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for file in _files(folder):
                member = zipfile.ZipInfo(f"{directory.name}/{file.relative_to(folder).as_posix()}", _EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                with file.open("rb") as source, archive.open(member, "w", force_zip64=True) as part:
                    while piece := source.read(1 << 20):
                        part.write(piece)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Unavailable(f"the archive of {directory.name} could not be made: {error.strerror}") from error
    return target


def _guess(name: str) -> str:
    return media_type_of_name(name) or _FALLBACK


def stored_outputs(job: Job) -> JSONObject:
    """The outputs of a job as they are stored.

    Raises:
        ResultNotReady: it has not ended.
        ResultNotAvailable: it was dismissed, or has none.
        JobFailed: it failed; with the true cause.
    """
    if not job.ended:
        raise ResultNotReady(f"the job is {job.status}; its results are not there yet")
    if job.phase is Phase.DISMISSED:
        raise ResultNotAvailable("the job was dismissed; it has no results")
    if job.phase is Phase.FAILED:
        raise JobFailed.because(job.problem, job.message)
    if job.outputs is None:
        raise ResultNotAvailable("the job has no outputs")
    return job.outputs
