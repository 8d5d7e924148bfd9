"""How references are read: into memory (packages) or into a folder (job inputs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document read into memory."""

    content: bytes
    media_type: str
    """As the server said it, without parameters; "" where unknown."""
    url: str
    """After redirects."""


@dataclass(frozen=True, slots=True)
class Staged:
    """An input that is now on the file system."""

    path: Path
    media_type: str
    is_directory: bool = False


class Stager(Protocol):
    """Reads the URLs of some schemes. Every method raises UnresolvableReference (permanent), AddressForbidden,
    TooLarge or Unavailable (temporary)."""

    @property
    def schemes(self) -> frozenset[str]:
        """The URL schemes that it reads."""
        ...

    def check(self, url: str) -> None:
        """Refuse what can never be read here, cheaply and without network: scheme, host rule, root."""
        ...

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """Read a document into memory."""
        ...

    def stage(self, url: str, folder: Path) -> Staged:
        """Put the thing at `url` into `folder` (which exists), or, for a local file, tell where it is."""
        ...
