"""Inputs by `s3://BUCKET/KEY` (a file) and `s3://BUCKET/PREFIX/` (a folder).

A user names buckets and keys only. Servers and keys come from the configuration (`staging.s3`), and so does the list of
buckets; so a request can reach no other address.
"""

from __future__ import annotations

import mimetypes
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import AddressForbidden, TooLarge, Unavailable, UnresolvableReference
from ..settings import Staging as StagingSettings
from ..settings_s3 import S3Storage
from .base import Fetched, Staged
from .s3_address import SCHEME, ObjectAddress, file_name, parse, safe_path
from .s3_client import Clients, transfers
from .s3_faults import reading
from .s3_objects import Known, download, head, is_copy, listed

MOST_FILES = 100_000
"""Objects of one folder."""
_QUICK = 3.0


class S3Stager:
    """Reads `s3` from the buckets that the settings name.

    Args:
        settings: `staging`.
        results: where results are kept, if in a bucket: they are no inputs, since all users' results are there.
    """

    schemes = frozenset({SCHEME})

    def __init__(self, settings: StagingSettings, results: S3Storage | None = None) -> None:
        self._max_bytes = settings.max_bytes
        self._results = results
        self._clients = Clients(settings.s3)

    def check(self, url: str) -> None:
        """Refuse malformed addresses, buckets that the settings do not name, and the results of jobs."""
        self._checked(url)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read an object into memory."""
        at = self._checked(url)
        with reading(url):
            answer = self._client(at).get_object(Bucket=at.bucket, Key=at.key)
            with answer["Body"] as body:
                content = body.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise TooLarge(f"{url} is larger than {max_bytes} bytes")
        return Fetched(content, _media_type(answer, at), url)

    def stage(self, url: str, folder: Path) -> Staged:
        """Download an object or all objects of a folder, in parallel. Files that an earlier try finished stay."""
        at = self._checked(url)
        if not at.is_folder:
            with reading(url):
                found = head(self._client(at), at)
            if found is not None:
                return self._stage_file(url, at, found, folder)
        return self._stage_folder(url, at, folder)

    def probe(self, url: str, seconds: float) -> None:
        """Look for the object, or for any object of the folder. See Prober."""
        at = self._checked(url)
        client = self._clients.of(self._source(at), min(seconds, _QUICK) / 2)
        try:
            with reading(url):
                if not at.is_folder and head(client, at) is not None:
                    return
                found = client.list_objects_v2(Bucket=at.bucket, Prefix=at.folder, MaxKeys=1)
        except Unavailable:
            return
        if not found.get("KeyCount"):
            raise UnresolvableReference(f"{url} does not exist")

    def _checked(self, url: str) -> ObjectAddress:
        at = parse(url)
        self._source(at)
        if self._holds_results(at):
            raise AddressForbidden(f"{url} is among the results of this server's jobs; name them by their http address")
        return at

    def _holds_results(self, at: ObjectAddress) -> bool:
        if self._results is None or at.bucket != self._results.bucket:
            return False
        own = f"{self._results.prefix}/"
        return at.folder.startswith(own) or own.startswith(at.folder)

    def _source(self, at: ObjectAddress) -> Any:
        source = self._clients.source(at.bucket)
        if source is None:
            raise AddressForbidden(f"the bucket {at.bucket} is not one that this server reads from (staging.s3)")
        return source

    def _client(self, at: ObjectAddress) -> Any:
        return self._clients.of(self._source(at))

    def _stage_file(self, url: str, at: ObjectAddress, found: Any, folder: Path) -> Staged:
        self._limit(url, found["ContentLength"])
        target = folder / file_name(at.name)
        if not is_copy(target, found["ContentLength"], found["LastModified"].timestamp()):
            with reading(url), transfers(self._client(at)) as manager:
                manager.download(
                    at.bucket, at.key, str(target), None, [Known(found["ContentLength"], found["ETag"])]
                ).result()
            os.utime(target, (time.time(), found["LastModified"].timestamp()))
        return Staged(target, _media_type(found, at))

    def _stage_folder(self, url: str, at: ObjectAddress, folder: Path) -> Staged:
        client = self._client(at)
        with reading(url):
            objects = list(self._objects(url, client, at))
        if not objects:
            raise UnresolvableReference(f"{url} does not exist")
        target = folder / file_name(at.name)
        target.mkdir(exist_ok=True)
        with reading(url):
            download(client, at, objects, target)
        return Staged(target, "", is_directory=True)

    def _objects(self, url: str, client: Any, at: ObjectAddress) -> Iterator[Any]:
        size = count = 0
        for item in listed(client, at):
            size, count = size + item["Size"], count + 1
            self._limit(url, size)
            if count > MOST_FILES:
                raise TooLarge(f"{url} has more than {MOST_FILES} objects")
            path = item["Key"][len(at.folder) :]
            if path.rstrip("/") and not safe_path(path.rstrip("/")):
                raise UnresolvableReference(f"{url}: the key {item['Key'][:200]!r} cannot be the name of a file")
            yield item

    def _limit(self, url: str, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(f"{url} is larger than {self._max_bytes} bytes (staging.max_bytes)")


def _media_type(answer: Any, at: ObjectAddress) -> str:
    told = str(answer.get("ContentType") or "").partition(";")[0].strip().lower()
    guessed = mimetypes.guess_type(at.name)[0] or ""
    return guessed if told in ("", "binary/octet-stream", "application/octet-stream") else told
