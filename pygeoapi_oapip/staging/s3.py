"""Inputs by `s3://BUCKET/KEY` (a file) and `s3://BUCKET/PREFIX/` (a folder).

A user names buckets and keys only. Servers and keys come from the configuration (`staging.s3`), and so does the list of
buckets; so a request can reach no other address.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from ..errors import AddressForbidden, TooLarge, Unavailable, UnresolvableReference
from ..settings import Staging as StagingSettings
from ..settings_s3 import LocalStorage
from ..settings_workspace import Storage, WorkspaceStorage
from .base import Fetched, Staged
from .cache import FileCache
from .s3_address import SCHEME, ObjectAddress, file_name, parse, safe_path
from .s3_client import Clients
from .s3_faults import reading
from .s3_objects import head, listed, places
from .s3_reading import Found, ObjectReader
from .transfer import Intake

_QUICK = 3.0


class S3Stager:
    """Reads `s3` from the buckets that the settings name.

    Args:
        settings: `staging`.
        results: where results are kept: if in buckets, they are no inputs, since these hold the things of all users.
        cache: where files are kept for further jobs.
    """

    schemes = frozenset({SCHEME})

    def __init__(
        self, settings: StagingSettings, results: Storage | None = None, cache: FileCache | None = None
    ) -> None:
        self._settings = settings
        self._results = results
        self._cache = cache
        self._clients = Clients(settings.s3)

    def check(self, url: str) -> None:
        """Refuse malformed addresses, buckets that the settings do not name, workspaces, and the results of jobs."""
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

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        """Download an object or all objects of a folder, in parallel. Files that an earlier try finished stay."""
        at = self._checked(url)
        reader = self._reader(at, intake)
        if not at.is_folder:
            with reading(url):
                found = head(self._client(at), at)
            if found is not None:
                path = folder / file_name(at.name)
                self._read(url, reader, at, found, path)
                return Staged(path, _media_type(found, at))
        return self._stage_folder(url, at, folder, reader)

    def download(self, url: str, target: Path, intake: Intake) -> None:
        """As `Downloader.download`."""
        at = self._checked(url)
        with reading(url):
            found = None if at.is_folder else head(self._client(at), at)
        if found is None:
            raise UnresolvableReference(f"{url} does not exist, or is no single object")
        self._read(url, self._reader(at, intake), at, found, target)

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
        if {".", ".."}.intersection(at.key.split("/")):
            # on its way to the server the address would be made shorter, and lead to another bucket
            raise UnresolvableReference(f"{url[:200]!r}: a key with the part . or .. is not read")
        self._source(at)
        if isinstance(self._results, WorkspaceStorage) and _is_workspace(at, self._results):
            raise AddressForbidden(f"the bucket {at.bucket} is the workspace of a user")
        if _holds_results(at, self._results):
            raise AddressForbidden(f"{url} is among the results of this server's jobs; name them by their http address")
        return at

    def _source(self, at: ObjectAddress) -> Any:
        source = self._clients.source(at.bucket)
        if source is None:
            raise AddressForbidden(f"the bucket {at.bucket} is not one that this server reads from (staging.s3)")
        return source

    def _client(self, at: ObjectAddress) -> Any:
        return self._clients.of(self._source(at))

    def _reader(self, at: ObjectAddress, intake: Intake | None) -> ObjectReader:
        source = self._source(at)
        scope = (source.endpoint or "", source.credentials.model_dump_json() if source.credentials else "")
        return ObjectReader(self._clients.of(source), scope, intake or Intake(self._settings), self._cache)

    def _read(self, url: str, reader: ObjectReader, at: ObjectAddress, told: Any, target: Path) -> None:
        self._limit(url, told["ContentLength"])
        found = Found(at.bucket, at.key, told["ContentLength"], told["ETag"], told["LastModified"].timestamp())
        with reading(url):
            reader.read([(found, target)])

    def _stage_folder(self, url: str, at: ObjectAddress, folder: Path, reader: ObjectReader) -> Staged:
        with reading(url):
            objects = list(self._objects(url, self._client(at), at))
        if not objects:
            raise UnresolvableReference(f"{url} does not exist")
        target = folder / file_name(at.name)
        again = target.exists()
        target.mkdir(exist_ok=True)
        wanted = places(at, objects, target)
        with reading(url):
            reader.read(
                (Found(at.bucket, item["Key"], item["Size"], item["ETag"], item["LastModified"].timestamp()), path)
                for path, item in wanted.items()
            )
        if again:
            _remove_others(target, wanted)
        return Staged(target, "", is_directory=True)

    def _objects(self, url: str, client: Any, at: ObjectAddress) -> Iterator[Any]:
        size = count = 0
        for item in listed(client, at):
            size, count = size + item["Size"], count + 1
            self._limit(url, size)
            if count > self._settings.max_files:
                raise TooLarge(f"{url} has more than {self._settings.max_files} objects (staging.max_files)")
            path = item["Key"][len(at.folder) :]
            if path.rstrip("/") and not safe_path(path.rstrip("/")):
                raise UnresolvableReference(f"{url}: the key {item['Key'][:200]!r} cannot be the name of a file")
            yield item

    def _limit(self, url: str, size: int) -> None:
        if size > self._settings.max_bytes:
            raise TooLarge(f"{url} is larger than {self._settings.max_bytes} bytes (staging.max_bytes)")


def _is_workspace(at: ObjectAddress, workspaces: WorkspaceStorage) -> bool:
    """A bucket has the name of its workspace, whose-ever: the keys that the settings give may open all of them."""
    return bool(workspaces.prefix) and at.bucket.startswith(f"{workspaces.prefix}-")


def _holds_results(at: ObjectAddress, results: Storage | None) -> bool:
    if isinstance(results, WorkspaceStorage):
        # any bucket may be that of a workspace, where these are not called as the settings say
        return at.folder.startswith(f"{results.folder}/")
    if results is None or isinstance(results, LocalStorage) or at.bucket != results.bucket:
        return False
    own = f"{results.prefix}/"
    return at.folder.startswith(own) or own.startswith(at.folder)


def _remove_others(folder: Path, wanted: Container[Path]) -> None:
    """What a process that was killed has left of its downloads."""
    for path in folder.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()


def _media_type(answer: Any, at: ObjectAddress) -> str:
    told = str(answer.get("ContentType") or "").partition(";")[0].strip().lower()
    guessed = mimetypes.guess_type(at.name)[0] or ""
    return guessed if told in ("", "binary/octet-stream", "application/octet-stream") else told
