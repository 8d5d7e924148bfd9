"""Which storage the settings choose; and the one that leaves results in the folders of their jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol

from ..errors import JobFailed, OapipError, ResultNotAvailable, Unavailable
from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, OutputValue, files_of, with_files
from ..settings import Settings
from ..settings_s3 import S3Storage
from ..settings_workspace import WorkspaceStorage
from .base import Content, Entry, Staged, Storage
from .s3_address import is_object

MARK = "stored"
"""File in the folder of a job some of whose results may be in another storage."""


WHOLE = "whole"
"""File in the folder of a job all of whose results are in a storage that belongs to its user."""

HERE = "here"
"""File in the folder of a job whose results stay in it, although others go to another storage."""

OWNER_NOTE = "owner.json"
"""File in the folder of a job: `{"owner": NAME}`. Storages that keep users apart read it."""


def owner_in(folder: Path) -> str:
    """Whose the job is; "" where its folder does not tell."""
    try:
        found = json.loads((folder / OWNER_NOTE).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(found.get("owner") or "") if isinstance(found, dict) else ""


class Reader(Protocol):
    """Downloads what an engine has put elsewhere."""

    def __call__(self, url: str, folder: Path) -> Staged:
        """Raises as `Stager.stage`."""
        ...


class LocalStorage:
    """Results stay in the job's folder. What an engine has put into S3 is read back into it.

    Args:
        read: how; None where no S3 server is configured.
    """

    remote = False
    of_users = False

    def __init__(self, read: Reader | None = None) -> None:
        self._read = read

    def admit(self, owner: str) -> None:
        """Everybody."""

    def publish(
        self, job_id: str, outputs: Mapping[str, OutputValue], workspace: Path, wanted: Callable[[], bool]
    ) -> Mapping[str, OutputValue]:
        """See Storage."""
        if not any(is_object(leaf.href) for value in outputs.values() for leaf in files_of(value)):
            return outputs
        back = _ReadBack(self._read, workspace)
        return {name: with_files(value, partial(back.leaf, name)) for name, value in outputs.items()}

    def content(self, href: str) -> Content:
        """See Storage."""
        self._gone(href)

    def entries(self, href: str) -> Sequence[Entry]:
        """See Storage."""
        self._gone(href)

    def archive(self, href: str, name: str) -> Content:
        """See Storage."""
        self._gone(href)

    def link(self, leaf: FileOutput | DirectoryOutput) -> str:
        """None: files are served here."""
        return ""

    def asset_fields(self, href: str) -> JSONObject:
        """None: files are served here."""
        return {}

    def fetch(self, href: str, target: Path, is_directory: bool) -> None:
        """See Storage."""
        self._gone(href)

    def discard(self, job_id: str) -> None:
        """Nothing: the job's folder is all there is."""

    def sweep(self) -> None:
        """Nothing."""

    def start(self) -> None:
        """Nothing."""

    def health(self) -> Mapping[str, bool | str]:
        """Always fine; a full disk is told of by the jobs."""
        return {"ok": True, "detail": "results are kept in the folders of the jobs"}

    def _gone(self, href: str) -> NoReturn:
        raise ResultNotAvailable("this result is in a bucket that is not in the configuration any more")


class _ReadBack:
    def __init__(self, read: Reader | None, workspace: Path) -> None:
        self._read = read
        self._workspace = workspace
        self._count = 0

    def leaf(self, name: str, leaf: FileOutput | DirectoryOutput) -> FileOutput | DirectoryOutput:
        if not is_object(leaf.href):
            return leaf
        if self._read is None:
            raise JobFailed(f"outputs.{name}: {leaf.href} is in S3, and no bucket is configured (staging.s3)")
        self._count += 1
        folder = self._workspace / "outputs" / f"run-{self._count}"
        folder.mkdir(parents=True, exist_ok=True)
        is_folder = isinstance(leaf, DirectoryOutput)
        try:
            staged = self._read(f"{leaf.href.rstrip('/')}/" if is_folder else leaf.href, folder)
        except Unavailable:
            raise
        except OapipError as error:
            raise JobFailed(f"outputs.{name}: {error.detail}") from None
        href = staged.path.relative_to(self._workspace).as_posix()
        if isinstance(leaf, DirectoryOutput):
            return replace(leaf, href=href)
        return replace(leaf, href=href, size=staged.path.stat().st_size)


def make_storage(settings: Settings, tokens: Callable[[str, str], str | None] | None = None) -> Storage:
    """The storage that the settings choose; the S3 library is loaded when it is first needed.

    Args:
        settings: of the server.
        tokens: of the owners of jobs, by the id of a job and the name of a service (see `staging.base.TokenOf`).
    """
    home = settings.output_dir.absolute()
    if isinstance(settings.storage, S3Storage):
        from .s3_client import Clients
        from .s3_storage import S3ResultStorage

        return S3ResultStorage(settings.storage, Clients(settings.staging.s3), home / ".discard")
    local = _local(settings)
    if isinstance(settings.storage, WorkspaceStorage):
        from .s3_client import Clients
        from .user_storage import UserStorage
        from .workspace_api import WorkspaceApi

        api = WorkspaceApi(settings.storage)
        name = settings.storage.user_token
        token = (lambda job_id: tokens(job_id, name)) if tokens is not None and name else None
        return UserStorage(settings.storage, api, Clients(settings.staging.s3), (home, local), token)
    return local


def _local(settings: Settings) -> LocalStorage:
    if settings.staging.s3:
        from .s3 import S3Stager

        # what an engine has made is not limited as inputs are
        return LocalStorage(S3Stager(settings.staging.model_copy(update={"max_bytes": 1 << 62})).stage)
    return LocalStorage()
