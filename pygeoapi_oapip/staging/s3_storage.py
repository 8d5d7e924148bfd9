"""Results in an S3 bucket: `s3://BUCKET/PREFIX/JOB/...` (docs/data.md)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import JobFailed, ResultNotAvailable, StorageUnavailable, UnresolvableReference
from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, OutputValue
from ..settings_s3 import S3Storage
from .base import Content, Entry
from .s3_address import ObjectAddress, parse
from .s3_bucket import BucketCheck
from .s3_client import Clients, make_client, transfers
from .s3_content import ArchiveContent, Member, ObjectContent
from .s3_faults import serving, storing
from .s3_objects import Known, beside, download, head, listed
from .s3_plan import Found, Plan
from .s3_trash import Trash
from .s3_upload import Upload, remove_all
from .storage import MARK, owner_in
from .user_names import user_folder

_SERVING_SECONDS = 15.0


class S3ResultStorage:
    """Implements `Storage`.

    Args:
        settings: `storage`.
        clients: how results that an engine has put into other buckets are read.
        home: folder for the names of jobs whose objects are still to be removed.
    """

    remote = True
    of_users = False

    def __init__(self, settings: S3Storage, clients: Clients, home: Path) -> None:
        self._settings = settings
        self._sources = clients
        self._lock = threading.Lock()
        self._check = BucketCheck(settings, lambda: self._client)
        self._jobs = home.parent
        self._trash = Trash(home, self.remove)

    def admit(self, owner: str) -> None:
        """Everybody; `health` tells of the bucket."""

    def publish(
        self, job_id: str, outputs: Mapping[str, OutputValue], workspace: Path, wanted: Callable[[], bool]
    ) -> Mapping[str, OutputValue]:
        """Upload what is not there yet. See Storage."""
        base = self._base(job_id, owner_in(workspace))
        plan = Plan(base, workspace, self._look)
        with storing("the results cannot be stored"):
            moved = plan.add(outputs)
        if not plan.pieces:
            return moved
        try:
            (workspace / MARK).touch()
            with storing("the results cannot be stored"):
                Upload(self._client, base, self._reader, wanted).run(plan.pieces)
        except OSError as error:
            raise StorageUnavailable(f"the results cannot be read: {error.strerror}") from error
        return moved

    def content(self, href: str) -> Content:
        """See Storage."""
        at = self._own(href)
        with serving(at.name):
            found = head(self._serving, at)
        if found is None:
            raise ResultNotAvailable(f"{at.name} is not there any more")
        return ObjectContent(self._serving, at, found["ContentLength"], _plain(found["ETag"]), found["LastModified"])

    def entries(self, href: str) -> Sequence[Entry]:
        """See Storage."""
        return [Entry(member.path, member.content.size) for member in self._members(self._own(href))]

    def archive(self, href: str, name: str) -> Content:
        """See Storage."""
        return ArchiveContent(name, self._members(self._own(href)))

    def link(self, leaf: FileOutput | DirectoryOutput) -> str:
        """Presigned or direct, where the settings say so. See Storage."""
        if self._settings.links == "proxied" or isinstance(leaf, DirectoryOutput):
            return ""
        try:
            at = self._own(leaf.href)
        except ResultNotAvailable:
            return ""
        if self._settings.links == "direct":
            return leaf.href
        named = f"inline; filename*=UTF-8''{quote(leaf.name, safe='')}"
        asked = {"Bucket": at.bucket, "Key": at.key, "ResponseContentDisposition": named}
        if leaf.media_type.isascii() and leaf.media_type.isprintable() and leaf.media_type:
            asked["ResponseContentType"] = leaf.media_type
        with serving(at.name):
            return str(self._signing.generate_presigned_url("get_object", asked, int(self._settings.presign)))

    def asset_fields(self, href: str) -> JSONObject:
        """See Storage. The names are those of the STAC storage extension 1.0, and `storage:endpoint` as ZOO has it."""
        settings = self._settings
        return {
            "storage:platform": "AWS" if settings.endpoint is None else "S3",
            "storage:region": settings.region,
            "storage:requester_pays": False,
            "storage:tier": "Standard",
            **({"storage:endpoint": settings.endpoint} if settings.endpoint else {}),
        }

    def fetch(self, href: str, target: Path, is_directory: bool) -> None:
        """See Storage."""
        at = self._own(href)
        with storing(at.name):
            if is_directory:
                objects = list(listed(self._client, at))
                if not objects:
                    raise ResultNotAvailable(f"{at.name} is not there any more")
                target.mkdir(exist_ok=True)
                download(self._client, at, objects, target)
                return
            found = head(self._client, at)
            if found is None:
                raise ResultNotAvailable(f"{at.name} is not there any more")
            known = Known(found["ContentLength"], found["ETag"])
            with transfers(self._client) as manager:
                manager.download(at.bucket, at.key, str(target), None, [known]).result()

    def discard(self, job_id: str) -> None:
        """See Storage."""
        self._trash.put(job_id, owner_in(self._jobs / job_id))

    def sweep(self) -> None:
        """See Storage."""
        self._trash.sweep()

    def start(self) -> None:
        """See Storage."""
        self._check.start()

    def health(self) -> Mapping[str, bool | str]:
        """See Storage."""
        return self._check.health()

    @cached_property
    def _client(self) -> Any:
        return make_client(self._settings)

    @cached_property
    def _serving(self) -> Any:
        return make_client(self._settings, _SERVING_SECONDS)

    @cached_property
    def _signing(self) -> Any:
        return make_client(self._settings, endpoint=self._settings.public_endpoint)

    def _base(self, job_id: str, owner: str) -> ObjectAddress:
        user = f"{user_folder(owner)}/" if self._settings.per_user and owner else ""
        return ObjectAddress(self._settings.bucket, f"{self._settings.prefix}/{user}{job_id}/")

    def _own(self, href: str) -> ObjectAddress:
        try:
            at = parse(href)
        except UnresolvableReference:
            raise ResultNotAvailable("this result is kept where this server cannot read any more") from None
        if at.bucket != self._settings.bucket or not at.key.startswith(f"{self._settings.prefix}/"):
            raise ResultNotAvailable(f"{at.name} is in a bucket that is not in the configuration any more")
        return at

    def _members(self, at: ObjectAddress) -> list[Member]:
        with serving(at.name):
            found = list(listed(self._serving, at))
        if not found:
            raise ResultNotAvailable(f"{at.name} is not there any more")
        return [
            Member(
                item["Key"][len(at.folder) :],
                ObjectContent(
                    self._serving,
                    ObjectAddress(at.bucket, item["Key"]),
                    item["Size"],
                    _plain(item["ETag"]),
                    item["LastModified"],
                ),
            )
            for item in found
            if not item["Key"].endswith("/")
        ]

    def _reader(self, at: ObjectAddress) -> Any:
        """None where this bucket's server holds the object too, and our keys can read it."""
        source = self._sources.source(at.bucket)
        if at.bucket == self._settings.bucket or source is None:
            return None
        same = (source.endpoint, source.credentials) == (self._settings.endpoint, self._settings.credentials)
        return None if same else self._sources.of(source)

    def _look(self, at: ObjectAddress, is_folder: bool) -> list[Found]:
        client = self._reader(at) or self._client
        if not is_folder:
            found = head(client, at)
            return [] if found is None else [Found(at, found["ContentLength"])]
        items = listed(client, at)
        return [
            Found(ObjectAddress(at.bucket, item["Key"]), item["Size"])
            for item in items
            if not item["Key"].endswith("/")
        ]

    def remove(self, job_id: str, owner: str) -> None:
        """Remove all objects of a job now. Raises StorageUnavailable."""
        try:
            with storing("the results cannot be removed"):
                base = self._base(job_id, owner)
                for folder in (base, *beside(self._client, base)):
                    remove_all(self._client, folder)
        except JobFailed as error:
            raise StorageUnavailable(error.detail) from None


def _plain(etag: str) -> str:
    return etag.strip('"')
