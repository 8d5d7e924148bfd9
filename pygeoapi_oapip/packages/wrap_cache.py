"""Wrapped packages and stage tools on disk, for all processes of a server: cwltool takes seconds to check one."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from ..model.process import Package

LOG = logging.getLogger(__name__)

MOST = 500
"""Packages; the oldest go first."""
_MAKERS = ("pygeoapi-oapip", "cwltool")
"""What has a part in the result: another version of one makes another key."""


class WrapCache:
    """Keeps packages by what they were made of. Faults of the disk cost time, and nothing else.

    Args:
        folder: made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Package | None:
        """A package, without its source; None where there is none."""
        try:
            return Package(source=b"", **json.loads(self._path(key).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def put(self, key: str, package: Package) -> None:
        """Keep a package."""
        members = {name: value for name, value in asdict(package).items() if name != "source"}
        path = self._path(key)
        partial = path.with_name(f"{key}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(members), encoding="utf-8")
            partial.replace(path)
            self._bound()
        except OSError as error:
            LOG.warning("a wrapped package is not kept: %s", error.strerror)
            with suppress(OSError):
                partial.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _bound(self) -> None:
        paths = sorted(self._folder.glob("*.json"), key=_written)
        for path in paths[:-MOST]:
            path.unlink(missing_ok=True)


def key_of(documents: Mapping[str, bytes]) -> str:
    """The key of a package that is made of some documents."""
    digest = hashlib.sha256()
    parts = [name.encode() + b"\0" + content for name, content in sorted(documents.items())]
    for part in (*(f"{name} {version(name)}".encode() for name in _MAKERS), *parts):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
