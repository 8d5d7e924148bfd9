"""How references are read: into memory (packages) or into a folder (job inputs)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..model.json import JSONObject
from ..packages.joborder import FileSource


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


@dataclass(frozen=True, slots=True)
class Result:
    """A file or folder among the results of a job."""

    path: Path
    name: str
    """Its name as an input."""
    root: Path
    """Folder of that job; what links lead to outside of it is left out."""


class JobFiles(FileSource, Protocol):
    """Puts the inputs of one job into its folder."""

    def adopt(self, input_id: str, result: Result, copied: bool) -> JSONObject:
        """The CWL File or Directory object of a result of another job, which may be removed afterwards.

        Args:
            input_id: the input that it is for.
            result: what becomes an input.
            copied: False where nobody writes to inputs, so that both jobs can share the content (hard links).

        Raises:
            UnresolvableReference: it is not there, or outside of its job.
            StorageUnavailable: the disk is full or read-only.
        """
        ...


@runtime_checkable
class Prober(Protocol):
    """A stager that can look for a thing without reading it."""

    def probe(self, url: str, seconds: float) -> None:
        """Return if `url` can be read, or if that is not known within about `seconds`.

        Raises:
            UnresolvableReference: it certainly cannot: it does not exist, or may not be read.
            AddressForbidden: as the methods of Stager.
        """
        ...


class Workspaces(Protocol):
    """The folders of jobs (design 7)."""

    def path(self, job_id: str) -> Path:
        """Where the folder of a job is; it need not exist."""
        ...

    def prepare(self, job_id: str) -> Path:
        """Make the folder of a job with `inputs`, `work`, `outputs` and `logs`. May be called again.

        Raises:
            Unavailable: the disk is full, read-only or gone.
        """
        ...

    def inputs(self, job_id: str, reads: frozenset[str]) -> JobFiles:
        """Puts inputs into the folder, except references of the schemes `reads`, which the engine reads itself."""
        ...

    def save(self, job_id: str, name: str, document: JSONObject) -> None:
        """Write a JSON document into the folder, whole or not at all."""
        ...

    def load(self, job_id: str, name: str) -> JSONObject | None:
        """Read a document that `save` wrote; None where there is none."""
        ...

    def free(self, job_id: str, outputs: bool) -> None:
        """Remove `inputs` and `work`, and `outputs` if told so; the logs stay."""
        ...

    def remove(self, job_id: str) -> None:
        """Remove the whole folder. Idempotent."""
        ...
