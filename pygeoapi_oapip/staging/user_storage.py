"""Results in the workspaces of their users (EOEPCA): each user has an own bucket, which the workspace API tells."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ..errors import JobFailed, OapipError, ResultNotAvailable, StorageUnavailable, UnresolvableReference
from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, OutputValue
from ..settings_s3 import S3Storage
from ..settings_workspace import WorkspaceStorage
from .base import Content, Entry
from .s3_address import parse
from .s3_client import Clients
from .s3_storage import S3ResultStorage
from .s3_trash import Trash
from .storage import HERE, MARK, WHOLE, LocalStorage, owner_in
from .workspace_api import NoWorkspace, WorkspaceApi

LOG = logging.getLogger(__name__)

_JOB_ID = 36
"""Characters of the id of a job: stage-out steps may add more to it."""
T = TypeVar("T")


class UserStorage:
    """Implements `Storage`. Whose a result is, is told by the folder of its job, never by an address.

    Args:
        settings: `storage`.
        api: tells buckets and keys.
        clients: how results that an engine has put into other buckets are read.
        places: folder of the folders of jobs, and where results of users without a workspace go, if the settings say
            so.
        token: by the id of a job, the token of its owner for the API; raises Forbidden where there is none.
    """

    remote = True
    of_users = True

    def __init__(
        self,
        settings: WorkspaceStorage,
        api: WorkspaceApi,
        clients: Clients,
        places: tuple[Path, LocalStorage],
        token: Callable[[str], str | None] | None = None,
    ) -> None:
        self._settings = settings
        self._token = token
        home, self._local = places
        self._api = api
        self._sources = clients
        self._home = home
        self._lock = threading.Lock()
        self._made: dict[str, tuple[S3Storage, S3ResultStorage]] = {}
        self._troubles: dict[str, float] = {}
        self._trash = Trash(home / ".discard", self._remove)
        self._seen: Mapping[str, bool | str] = {"ok": True, "detail": "results are kept in workspaces"}

    def admit(self, owner: str) -> None:
        """See Storage. Where users are asked for with tokens of their own, they are when results are stored."""
        if self._token is not None:
            return
        try:
            self._of(owner)
        except NoWorkspace:
            if self._settings.fallback != "local":
                raise
        except OapipError as error:
            LOG.warning("it is not known whether results of %s can be kept: %s", owner, error.detail)

    def publish(
        self, job_id: str, outputs: Mapping[str, OutputValue], workspace: Path, wanted: Callable[[], bool]
    ) -> Mapping[str, OutputValue]:
        """See Storage. Raises JobFailed also after `give_up_after` without an answer of the workspace API."""
        owner = owner_in(workspace)
        try:
            storage = self._patiently(job_id, owner)
        except NoWorkspace as error:
            if self._settings.fallback != "local":
                raise
            LOG.warning("the results of job %s stay on this server: %s", job_id, error.detail)
            (workspace / HERE).touch()
            return self._local.publish(job_id, outputs, workspace, wanted)
        try:
            moved = storage.publish(job_id, outputs, workspace, wanted)
        except (JobFailed, StorageUnavailable):
            self._api.forget(owner)  # the keys may have been changed: the next try asks for them
            raise
        if (workspace / MARK).exists():
            (workspace / WHOLE).touch()
        return moved

    def content(self, href: str) -> Content:
        """See Storage."""
        return self._reading(href, lambda storage: storage.content(href))

    def entries(self, href: str) -> Sequence[Entry]:
        """See Storage."""
        return self._reading(href, lambda storage: storage.entries(href))

    def archive(self, href: str, name: str) -> Content:
        """See Storage."""
        return self._reading(href, lambda storage: storage.archive(href, name))

    def link(self, leaf: FileOutput | DirectoryOutput) -> str:
        """See Storage. This server where the workspace API cannot be asked now."""
        if self._settings.links == "proxied" or isinstance(leaf, DirectoryOutput) or "://" not in leaf.href:
            return ""
        try:
            return self._of(self._owner(leaf.href)).link(leaf)
        except OapipError:
            return ""

    def asset_fields(self, href: str) -> JSONObject:
        """See Storage."""
        return self._of(self._owner(href)).asset_fields(href) if "://" in href else {}

    def fetch(self, href: str, target: Path, is_directory: bool) -> None:
        """See Storage."""
        self._reading(href, lambda storage: storage.fetch(href, target, is_directory))

    def discard(self, job_id: str) -> None:
        """See Storage."""
        self._trash.put(job_id, owner_in(self._home / job_id))

    def sweep(self) -> None:
        """See Storage."""
        self._trash.sweep()

    def start(self) -> None:
        """Nothing: there are as many buckets as users."""

    def health(self) -> Mapping[str, bool | str]:
        """What the workspace API answered last."""
        return self._seen

    def _patiently(self, job_id: str, owner: str) -> S3ResultStorage:
        try:
            found = self._of(owner, self._token and self._token(job_id))
        except StorageUnavailable as fault:
            since = self._troubles.setdefault(job_id, time.monotonic())
            if time.monotonic() - since < self._settings.give_up_after:
                raise
            self._troubles.pop(job_id, None)
            raise JobFailed(f"the results cannot be stored: {fault.detail}") from None
        self._troubles.pop(job_id, None)
        return found

    def _of(self, owner: str, token: str | None = None) -> S3ResultStorage:
        try:
            settings = self._api.of(owner, token).storage
        except NoWorkspace:
            raise
        except OapipError as error:
            self._seen = {"ok": False, "detail": error.detail}
            raise
        self._seen = {"ok": True, "detail": "results are kept in workspaces; the workspace API answers"}
        with self._lock:
            known = self._made.get(owner)
            if known is None or known[0] != settings:
                known = settings, S3ResultStorage(settings, self._sources, self._home / ".discard")
                self._made[owner] = known
            return known[1]

    def _reading(self, href: str, read: Callable[[S3ResultStorage], T]) -> T:
        owner = self._owner(href)
        try:
            return read(self._readable(owner))
        except StorageUnavailable:
            self._api.forget(owner)
            return read(self._readable(owner))

    def _readable(self, owner: str) -> S3ResultStorage:
        try:
            return self._of(owner)
        except NoWorkspace as error:
            raise ResultNotAvailable(error.detail) from None
        except JobFailed as error:
            raise StorageUnavailable(error.detail) from None

    def _owner(self, href: str) -> str:
        """Of the job whose results an address belongs to. Raises ResultNotAvailable."""
        try:
            key = parse(href).key
        except UnresolvableReference:
            key = ""
        inside = key.removeprefix(f"{self._settings.folder}/")
        job_id = inside.partition("/")[0][:_JOB_ID]
        owner = owner_in(self._home / job_id) if inside != key and job_id.strip(".") else ""
        if not owner:
            raise ResultNotAvailable("this result is in a workspace that this server does not know any more")
        return owner

    def _remove(self, job_id: str, owner: str) -> None:
        if not owner:
            return
        try:
            self._of(owner).remove(job_id, owner)
        except NoWorkspace as error:
            LOG.warning("what job %s had stored stays: %s", job_id, error.detail)
        except JobFailed as error:
            raise StorageUnavailable(error.detail) from None
