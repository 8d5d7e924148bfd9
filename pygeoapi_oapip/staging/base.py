"""How references are read: into memory (packages) or into a folder (job inputs)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, OutputValue
from ..packages.joborder import FileSource

if TYPE_CHECKING:
    from .transfer import Intake


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
    url: str = ""
    """After redirects, where that is another one than was asked for."""


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

    def stage(self, url: str, folder: Path, intake: Intake | None = None) -> Staged:
        """Put the thing at `url` into `folder` (which exists), or, for a local file, tell where it is.

        Args:
            intake: counts what is read, for the limits of the input. None: it is read alone.

        Raises:
            Stopped: the input is not wanted any more.
        """
        ...


@runtime_checkable
class Downloader(Protocol):
    """A stager that can put one file exactly where it is wanted."""

    def download(self, url: str, target: Path, intake: Intake) -> None:
        """Copy a file to `target`, whole or not at all; its folder exists. Raises as `Stager.stage`."""
        ...


TokenOf = Callable[[str], str | None]
"""By the name of a service (`auth.on_behalf.tokens`): the token of a job's owner for it; None to go on without one.
Raises Forbidden where there is none, and the job shall not go on."""


@runtime_checkable
class OnBehalf(Protocol):
    """A stager that can act with tokens of a user."""

    def on_behalf(self, tokens: TokenOf) -> Stager:
        """The same stager, with the tokens of one job."""
        ...


class Watch(Protocol):
    """Whoever waits for the inputs of a job."""

    def wanted(self) -> bool:
        """False: the job is dismissed, or another process moves it."""
        ...

    def tell(self, message: str) -> None:
        """How far it is, for the user. Raises VersionConflict: not wanted any more."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """A file or folder among the results of a job."""

    path: Path
    name: str
    """Its name as an input."""
    root: Path
    """Folder of that job; what links lead to outside of it is left out."""
    href: str = ""
    """Its address in the storage, where it is not on this machine; `path` does not count then."""
    is_directory: bool = False
    """Counts where `href` does."""


class JobFiles(FileSource, Protocol):
    """Puts the inputs of one job into its folder. What `reference` returns is there only after `complete`."""

    def complete(self, order: JSONObject, watch: Watch | None = None) -> JSONObject:
        """Read all references, several at once.

        Args:
            order: holds the objects that `reference` returned, at any place.
            watch: asked and told now and then.

        Returns:
            The order with the files that are there now.

        Raises:
            InvalidInputs, AddressForbidden, UnresolvableReference, TooLarge: permanent, naming the input.
            Unavailable: temporary.
            VersionConflict: the job is not wanted any more.
        """
        ...

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


class Content(Protocol):
    """The bytes of a result that is not on this machine. Nothing is read before `pieces`."""

    @property
    def size(self) -> int | None:
        """Bytes; None where that is known at the end only (an archive)."""
        ...

    @property
    def etag(self) -> str:
        """Changes with the bytes; without quotes. "" where it is not known."""
        ...

    @property
    def modified(self) -> datetime | None:
        """When it was written."""
        ...

    def pieces(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` on, `length` of them or all, in pieces of bounded size.

        Raises:
            ResultNotAvailable: it is gone.
            StorageUnavailable: it cannot be read now; raised before the first piece where that is possible.
        """
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below a Directory in the storage."""

    path: str
    """Relative to the Directory, with `/`."""
    size: int
    """Bytes."""


class Storage(Protocol):
    """Where results are kept after the end of a job (docs/data.md). All methods are thread-safe.

    An address (`href`) is one that `publish` put into an output. Those without `://` are paths in the job's folder;
    only for others are `content`, `entries`, `archive` and `fetch` called.
    """

    @property
    def of_users(self) -> bool:
        """True where results belong to their users: what is stored of a job stays when the job is removed."""
        ...

    @property
    def remote(self) -> bool:
        """True where results leave this machine: publishing takes time, and the local copies are freed after it."""
        ...

    def admit(self, owner: str) -> None:
        """Look, before a job runs for hours, whether results of this user can be kept. May take seconds where
        `of_users` is true.

        Raises:
            JobFailed: certainly not. Nothing is raised where that cannot be known now.
        """
        ...

    def publish(
        self, job_id: str, outputs: Mapping[str, OutputValue], workspace: Path, wanted: Callable[[], bool]
    ) -> Mapping[str, OutputValue]:
        """Bring the outputs of a run to where results are kept. May be called again after a crash at any point:
        what is there already is not written again.

        Args:
            job_id: of the job.
            outputs: as `Engine.outputs` gave them: files in the workspace, or at `s3://`.
            workspace: the folder of the job.
            wanted: asked now and then; False: the job is dismissed, or another process moves it.

        Returns:
            The outputs with the addresses that they have now.

        Raises:
            StorageUnavailable: temporary.
            JobFailed: the results cannot be kept, or an output is not there.
            VersionConflict: they are not wanted any more.
        """
        ...

    def content(self, href: str) -> Content:
        """A stored file. Raises ResultNotAvailable, StorageUnavailable."""
        ...

    def entries(self, href: str) -> Sequence[Entry]:
        """All files below a stored Directory, by path. Raises ResultNotAvailable, StorageUnavailable."""
        ...

    def archive(self, href: str, name: str) -> Content:
        """A stored Directory as a zip archive whose members are below `name`. Raises as `entries`."""
        ...

    def link(self, leaf: FileOutput | DirectoryOutput) -> str:
        """An address under which anybody can read a stored file for a while; "" where the file is served here."""
        ...

    def asset_fields(self, href: str) -> JSONObject:
        """What the STAC assets of a stored Directory say of where they are (`storage:*`); nothing where the files are
        on this machine."""
        ...

    def fetch(self, href: str, target: Path, is_directory: bool) -> None:
        """Copy a stored file or Directory to a path. Raises ResultNotAvailable, StorageUnavailable, OSError."""
        ...

    def discard(self, job_id: str) -> None:
        """Remove all that is stored for a job. Never raises: what cannot be removed now is remembered for `sweep`."""
        ...

    def sweep(self) -> None:
        """Remove what `discard` could not. Called now and then by the upkeep."""
        ...

    def start(self) -> None:
        """Look whether results can be kept here, and make what is missing. Never raises; `health` tells."""
        ...

    def health(self) -> Mapping[str, bool | str]:
        """`ok`, and `detail` for people: as it was some seconds ago at most."""
        ...


class Workspaces(Protocol):
    """The folders of jobs (design 7), and where their results go."""

    @property
    def storage(self) -> Storage:
        """Where results are kept."""
        ...

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
        """Remove `inputs` and `work`, and the outputs, also those in the storage, if told so; the logs stay."""
        ...

    def remove(self, job_id: str) -> None:
        """Remove the whole folder, and what is stored for the job. Idempotent."""
        ...
