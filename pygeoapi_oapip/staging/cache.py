"""Files of inputs that are kept for further jobs, under what their servers call their version.

Nothing is trusted for a time: each use asks the server first (If-None-Match, HEAD or a list), with the keys that
reading needs, so that a file is handed out only where the server would have sent the same bytes. Any number of
processes may share the folder; a process may be killed at any point.

    FOLDER/ab/KEY.VERSION.SIZE   the file; KEY is a hash of its address and of the keys that it is read with
    FOLDER/ab/KEY.json           what the server said of the last version
    FOLDER/new/                  on their way in
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from ..model.json import JSON, JSONObject
from ..settings_staging import InputCache
from ..taking import take_file

LOG = logging.getLogger(__name__)

ABANDONED = 86400.0
"""Seconds after which a file on its way in belongs to a dead process."""
_SLACK = 20
"""A process looks for the limit whenever it has added one part in so many of it."""
_FICLONE = 0x40049409
"""ioctl_ficlone(2): share the blocks until one of the files is written to."""


def key_of(*parts: JSON) -> str:
    """The key for an address and all that decides what its server sends."""
    return sha256(json.dumps(parts).encode("utf-8")).hexdigest()


class FileCache:
    """The cache of one server.

    Args:
        settings: `staging.cache`.
    """

    def __init__(self, settings: InputCache) -> None:
        self._folder = settings.folder.absolute()
        self._limit = settings.max_bytes
        self._share = take_file if settings.share == "link" else _copied
        self._added = self._limit

    def told(self, key: str) -> JSONObject | None:
        """What `put` was told of the last version; None where there is none."""
        try:
            found = json.loads(self._place(f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def take(self, key: str, version: str, size: int, target: Path) -> bool:
        """Put a version of a file at `target`; False where it is not here. Raises OSError of the target."""
        source = self._file(key, version, size)
        try:
            if source.stat().st_size != size:
                return False
            os.utime(source, ns=(time.time_ns(), source.stat().st_mtime_ns))
        except OSError:
            return False
        try:
            self._share(source, target)
        except FileNotFoundError:
            return False  # another process made room
        return target.stat().st_size == size

    def put(self, key: str, version: str, source: Path, told: JSONObject) -> None:
        """Keep a file. Never raises: what cannot be kept is read again next time."""
        size = source.stat().st_size
        if size > self._limit:
            return
        try:
            target = self._file(key, version, size)
            with self._new() as new:
                if not target.exists():
                    self._share(source, new)
                    self._move(new, target)
            with self._new() as new:
                new.write_text(json.dumps(told), encoding="utf-8")
                self._move(new, target.with_name(f"{key}.json"))
            self._added += size
            if self._added * _SLACK >= self._limit:
                self._added = 0
                self.make_room()
        except OSError as error:
            LOG.warning("an input is not kept in staging.cache: %s", error.strerror)

    def make_room(self) -> None:
        """Remove what was not used for the longest time, down to the limit; nothing while another process does."""
        with (self._folder / ".lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            kept = sorted(_files(self._folder), key=lambda item: item[0])
            total = sum(size for _, size, _ in kept)
            for _, size, path in kept:
                if total <= self._limit - self._limit // _SLACK:
                    break
                path.unlink(missing_ok=True)
                path.with_name(f"{path.name.partition('.')[0]}.json").unlink(missing_ok=True)
                total -= size
            self._remove_abandoned()

    def _remove_abandoned(self) -> None:
        for path in (self._folder / "new").iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()

    @contextmanager
    def _new(self) -> Iterator[Path]:
        folder = self._folder / "new"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _move(self, new: Path, target: Path) -> None:
        os.utime(new)
        target.parent.mkdir(exist_ok=True)
        new.replace(target)

    def _file(self, key: str, version: str, size: int) -> Path:
        return self._place(f"{key}.{sha256(version.encode('utf-8')).hexdigest()[:32]}.{size}")

    def _place(self, name: str) -> Path:
        return self._folder / name[:2] / name


def make_cache(settings: InputCache) -> FileCache | None:
    """The cache of the settings; None where they want none."""
    return FileCache(settings) if settings.max_bytes else None


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Last use, size and path of each file that is kept."""
    for path in folder.glob("[0-9a-f][0-9a-f]/*.*.*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_atime, found.st_size, path


def _copied(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, _FICLONE, reading.fileno())
            return
        except OSError:
            pass  # another file system, or one that cannot
    shutil.copyfile(source, target)
