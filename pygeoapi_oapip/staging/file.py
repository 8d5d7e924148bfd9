"""References to files of this machine, below the folders that the administrator allows."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import AddressForbidden, TooLarge, UnresolvableReference
from .base import Fetched, Staged
from .transfer import Intake

_CHUNK = 1 << 20


class FileStager:
    """Reads `file` below `roots`; links are followed before the check, so none leads out."""

    schemes = frozenset({"file"})

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(root.resolve() for root in roots)

    def check(self, url: str) -> None:
        """Refuse what lies outside the roots, and other hosts."""
        self._path(url)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read a file into memory."""
        path = self._existing(url)
        if not path.is_file():
            raise UnresolvableReference(f"{url} is not a file")
        if path.stat().st_size > max_bytes:
            raise TooLarge(f"{url} is larger than {max_bytes} bytes")
        return Fetched(path.read_bytes(), mimetypes.guess_type(path.name)[0] or "", url)

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        """Tell where the file or folder is; nothing is copied."""
        path = self._existing(url)
        return Staged(path, mimetypes.guess_type(path.name)[0] or "", path.is_dir())

    def download(self, url: str, target: Path, intake: Intake) -> None:
        """As `Downloader.download`: a copy, which a job may write to."""
        path = self._existing(url)
        if not path.is_file():
            raise UnresolvableReference(f"{url} is not a file")
        intake.expect(url, path.stat().st_size, target.parent)
        partial = target.with_name(target.name + ".part")
        with path.open("rb") as source, partial.open("wb") as copy:
            while piece := source.read(_CHUNK):
                intake.moved(url, len(piece))
                copy.write(piece)
        partial.replace(target)

    def probe(self, url: str, seconds: float) -> None:
        """Refuse what does not exist."""
        self._existing(url)

    def _existing(self, url: str) -> Path:
        path = self._path(url)
        if not path.exists():
            raise UnresolvableReference(f"{url} does not exist")
        return path

    def _path(self, url: str) -> Path:
        try:
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
        except (ValueError, OSError):
            raise UnresolvableReference(f"{url!r} is not a file URL") from None
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise UnresolvableReference(f"{url!r} is not a file URL of this machine")
        if not any(path.is_relative_to(root) for root in self._roots):
            raise AddressForbidden(f"{url} is not below a folder whose files may be read (staging.allow_files)")
        return path
