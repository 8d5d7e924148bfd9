"""The operations of the service as doors see them, and the values that go in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .model.identity import ANONYMOUS, Principal, Sharing
from .model.job import Job
from .model.json import JSON, JSONObject
from .model.process import Package, Process
from .model.run import LogLine
from .model.value import DirectoryOutput, FileOutput, OutputValue
from .staging.base import Content
from .store.base import JobPage, JobQuery, ProcessPage
from .store.notifications import Subscription

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Part 2 deploy or replace request."""

    body: bytes
    media_type: str
    """Of the Content-Type header, without parameters, lower case; "" if there was none."""
    workflow: str | None = None
    """The `w` query parameter: the entry point."""
    content_type: str = ""
    """The whole Content-Type header (multipart bodies need its boundary)."""


@dataclass(frozen=True, slots=True)
class Preference:
    """What the Prefer header asks of an execution (RFC 7240); parsed by the door."""

    respond_async: bool = False
    wait: float | None = None
    """Seconds; None: not said."""
    strict: bool = False
    """`handling=strict`: what cannot be had is refused, and not left out."""


@dataclass(frozen=True, slots=True)
class Execution:
    """A job that was started, and whether the answer is its results or its status."""

    job: Job
    finished_in_time: bool
    """True: synchronous and ended (the door answers with results or the failure); False: 201 with the status."""


def _nowhere(leaf: FileOutput | DirectoryOutput) -> str:
    return ""


def _no_catalogue(name: str) -> JSONObject | None:
    return None


@dataclass(frozen=True, slots=True)
class Results:
    """The outputs of a successful job, those that were asked for, in the order of the description."""

    job: Job
    process: Process
    outputs: Mapping[str, OutputValue]
    locate: Callable[[FileOutput | DirectoryOutput], str] = _nowhere
    """The address of a file that is to be fetched elsewhere (presigned links); "" for all that are served here."""
    catalogue: Callable[[str], JSONObject | None] = _no_catalogue
    """A document of a STAC catalogue by its name (`DirectoryOutput.stac`); None where it is not there."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of a result, ready to be sent: on this machine, or in the storage of results."""

    path: Path | None
    """None where it is not on this machine."""
    name: str
    media_type: str
    content: Content | None = None
    """Where `path` is None."""

    @property
    def size(self) -> int | None:
        """Bytes; None where that is known at the end only. Raises FileNotFoundError."""
        if self.content is not None:
            return self.content.size
        assert self.path is not None
        return self.path.stat().st_size

    def pieces(self) -> Iterator[bytes]:
        """All bytes, in pieces. Raises FileNotFoundError, ResultNotAvailable, StorageUnavailable."""
        if self.content is not None:
            yield from self.content.pieces()
            return
        assert self.path is not None
        with self.path.open("rb") as file:
            while piece := file.read(_CHUNK):
                yield piece

    def read(self) -> bytes:
        """All bytes. Raises as `pieces`."""
        return b"".join(self.pieces())


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A file somewhere below a Directory output."""

    path: str
    """Relative to the Directory, with `/`."""
    size: int
    """Bytes."""
    media_type: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether each part of the server works."""

    ok: bool
    parts: JSONObject
    """Part name -> {ok: bool, detail: str, ...}."""
    degraded: bool = False
    """Something does not work that does not keep the server from answering: an engine."""


class Operations(Protocol):
    """The operations, as doors see them. Each takes the principal, and raises `OapipError`s only."""

    def revision(self) -> str:
        """Changes whenever any process may have changed: the key for caches of lists and descriptions."""
        ...

    def processes(self, principal: Principal, limit: int, offset: int) -> ProcessPage:
        """Part 1 process list, without packages."""
        ...

    def process(self, principal: Principal, process_id: str) -> Process:
        """Part 1 process description. Raises NoSuchProcess."""
        ...

    def history(self, principal: Principal, process_id: str) -> Sequence[Process]:
        """All revisions, newest first. Raises NoSuchProcess."""
        ...

    def package(self, principal: Principal, process_id: str) -> Package:
        """Part 2 package-get-op: `source` and `media_type` are what was deployed. Raises NoSuchProcess,
        ImmutableProcess for processes without a package."""
        ...

    def deploy(self, principal: Principal, deployment: Deployment) -> Process:
        """Part 2 deploy. Raises UnsupportedMediaType, InvalidPackage, DuplicateProcess, ImmutableProcess, ..."""
        ...

    def replace(
        self, principal: Principal, process_id: str, deployment: Deployment, expected: int | None = None
    ) -> Process:
        """Part 2 replace: running jobs keep the old revision. Raises as deploy, NoSuchProcess, and
        PreconditionFailed where `expected` is given and not the present revision."""
        ...

    def undeploy(self, principal: Principal, process_id: str, expected: int | None = None) -> None:
        """Part 2 undeploy: running jobs go on. Raises NoSuchProcess, ImmutableProcess, and PreconditionFailed as
        `replace`."""
        ...

    def execute_cwl(
        self, principal: Principal, deployment: Deployment, body: JSON, preference: Preference
    ) -> Execution:
        """Part 3 ad-hoc execution: the package comes with the request, and lives and ends with the job. Raises as
        deploy and execute do; NoSuchProcess where the administrator has switched it off."""
        ...

    def job_package(self, principal: Principal, job_id: str) -> Package:
        """The package that a job runs, also where its process is replaced or gone. Raises NoSuchJob,
        ImmutableProcess for processes without a package."""
        ...

    def execute(self, principal: Principal, process_id: str, body: JSON, preference: Preference) -> Execution:
        """Part 1 execute: validates `body` (the parsed execute.yaml document), makes the job durable,
        and waits for it where the mode is synchronous. Raises NoSuchProcess, InvalidInputs, PlanRejected."""
        ...

    def defined_process(self, definition: JSONObject) -> str:
        """The id of the process that a Part 4 job definition names in `process`, by id or by address. Raises
        BadRequest."""
        ...

    def create_job(self, principal: Principal, definition: JSONObject) -> Job:
        """Part 4 create: a job with the status `created`. Raises NoSuchProcess, BadRequest, InvalidInputs."""
        ...

    def update_job(self, principal: Principal, job_id: str, changes: JSONObject) -> Job:
        """Part 4 update: members of `changes` replace those of the definition, null removes one. Raises NoSuchJob,
        Locked where the job is not `created` any more, and as `create_job`."""
        ...

    def start_job(self, principal: Principal, job_id: str, preference: Preference) -> Job:
        """Part 4 start; waits for the end of the job only where `preference.wait` says so. Raises NoSuchJob, Locked,
        and as `execute`."""
        ...

    def jobs(self, principal: Principal, query: JobQuery) -> JobPage:
        """Part 1 job list."""
        ...

    def job(self, principal: Principal, job_id: str) -> Job:
        """Part 1 job status. Raises NoSuchJob."""
        ...

    def callbacks(self, principal: Principal, job_id: str) -> Subscription | None:
        """What the subscriber of a job has been told; None where it has none. Raises NoSuchJob."""
        ...

    def results(self, principal: Principal, job_id: str) -> Results:
        """Part 1 job results. Raises NoSuchJob, ResultNotReady, ResultNotAvailable (dismissed), JobFailed."""
        ...

    def result_file(self, principal: Principal, job_id: str, output_id: str, path: str) -> ServedFile:
        """A file of output `output_id`.

        Args:
            path: "" for the output itself (a File output; a Directory output is served as a zip archive); else a
                path below it: `INDEX/NAME` for an array item or secondary file, a relative path in a Directory.
                Always one that `results.file_links` made.

        Raises:
            NoSuchJob, ResultNotReady, NoSuchOutput.
        """
        ...

    def directory(self, principal: Principal, job_id: str, output_id: str, path: str) -> Sequence[DirectoryEntry]:
        """All files below a Directory output, by path.

        Args:
            path: of a Directory within the output, as in `result_file`; "" for the output itself.

        Raises:
            NoSuchJob, ResultNotReady, NoSuchOutput (also where `path` is not a Directory).
        """
        ...

    def logs(self, principal: Principal, job_id: str) -> Iterator[LogLine]:
        """The log of a job so far. Raises NoSuchJob."""
        ...

    def dismiss(self, principal: Principal, job_id: str) -> Job:
        """Part 1 dismiss: an unfinished job is stopped and stays in the list as `dismissed`;
        an ended one is removed with its results. Returns the job with status dismissed. Raises NoSuchJob."""
        ...

    def job_request(self, principal: Principal, job_id: str) -> Job:
        """A job, to show what was asked for. Raises NoSuchJob, Forbidden for who may only see that it is there."""
        ...

    def process_sharing(self, principal: Principal, process_id: str) -> Sharing:
        """Who beside its owner sees and runs a process. Raises NoSuchProcess, Forbidden."""
        ...

    def share_process(self, principal: Principal, process_id: str, sharing: Sharing) -> Sharing:
        """Say so. Raises NoSuchProcess, Forbidden, Conflict where another public process has the id."""
        ...

    def job_sharing(self, principal: Principal, job_id: str) -> Sharing:
        """Who beside its owner sees a job and reads its results. Raises NoSuchJob, Forbidden."""
        ...

    def share_job(self, principal: Principal, job_id: str, sharing: Sharing) -> Sharing:
        """Say so. Raises NoSuchJob, Forbidden."""
        ...

    def names_owners(self, principal: Principal) -> bool:
        """Whether the principal is told whose a job is."""
        ...

    def health(self, principal: Principal = ANONYMOUS) -> Health:
        """Whether store and engines answer, and which packages are broken; for those who do not look after the
        server only whether each part works."""
        ...
