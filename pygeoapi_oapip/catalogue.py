"""Processes of the configuration and of the package folders, brought into the process store.

They live in the store beside the deployed ones, so that every worker lists, pages and caches them in the same way,
and a running job keeps the revision that it was started with. One broken package is reported and breaks nothing.
"""

from __future__ import annotations

import fcntl
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from .errors import ConfigurationError, DuplicateProcess, InvalidPackage, NoSuchProcess, OapipError
from .model.identity import ANONYMOUS_NAME, EVERYTHING, PRIVATE, SERVER_NAME, Role, Sharing, group_of, is_name
from .model.json import JSON
from .model.process import AD_HOC, JobControl, Process, Source
from .packages.describe import describe
from .packages.load import Fetch, load_local_package, load_package
from .store.base import ProcessStore

LOG = logging.getLogger(__name__)

PROCESSOR = "pygeoapi_oapip.processor.CWLProcessor"
ENDINGS = (".cwl", ".cwl.yaml", ".cwl.yml", ".cwl.json")
"""Names of package files in watched folders."""
_OPTIONS = frozenset({"name", "package", "engine", "sync", "visibility"})
RETRY = 30.0
"""Seconds after which a broken package is tried again though its file is the same."""
PUBLIC = Sharing(public=True)
_STATE_FILE = ".catalogue.json"
_BUILTIN = "built in: "
"""Begins the keys of built-in processes in the state file."""
Signature = str


@dataclass(frozen=True, slots=True)
class Entry:
    """One package that the administrator names."""

    process_id: str
    """"" for a file in a folder: the package or its file name tells."""
    source: Source
    location: str
    """Path or URL, with `#entry` where one is chosen."""
    engine: str = ""
    sync: bool | None = None
    """The administrator's word on whether the process is short; None: the package tells."""
    sharing: Sharing = PUBLIC
    """Who sees it, beside operators and administrators."""

    @property
    def owner(self) -> str:
        """What everybody may see belongs to `anonymous`."""
        return ANONYMOUS_NAME if self.sharing.public else SERVER_NAME

    def signature(self) -> Signature:
        """Changes when the entry or its file changes."""
        path = self.location.partition("#")[0]
        try:
            stat = Path(path).stat()
        except OSError:
            return f"{self}"
        return f"{self} {stat.st_mtime_ns} {stat.st_size}"


def configured_entries(resources: Mapping[str, Any], asks: bool = True) -> Iterator[Entry]:
    """The entries of the YAML `resources` whose processor is `CWLProcessor`.

    Args:
        resources: of the configuration.
        asks: False where nobody is asked who he is: everybody sees all of them then.

    Raises:
        ConfigurationError: an entry has no `package`, or an unknown key.
    """
    for process_id, resource in resources.items():
        processor = resource.get("processor") if isinstance(resource, Mapping) else None
        if isinstance(processor, Mapping) and processor.get("name") == PROCESSOR:
            entry = configured_entry(process_id, processor)
            yield entry if asks else replace(entry, sharing=PUBLIC)


def configured_entry(process_id: str, processor: Mapping[str, Any]) -> Entry:
    """The entry of one `processor` block. Raises ConfigurationError."""
    place = f"resources.{process_id}.processor"
    if unknown := sorted(set(processor) - _OPTIONS):
        raise ConfigurationError(f"{place}.{unknown[0]}: unknown key (possible: {', '.join(sorted(_OPTIONS))})")
    if not isinstance(processor.get("package"), str):
        raise ConfigurationError(f"{place}.package: a path or URL of an application package is needed")
    sync = processor.get("sync")
    if sync is not None and not isinstance(sync, bool):
        raise ConfigurationError(f"{place}.sync: must be true or false")
    sharing = _visibility(processor.get("visibility", "public"), f"{place}.visibility")
    return Entry(process_id, Source.CONFIGURED, processor["package"], str(processor.get("engine", "")), sync, sharing)


def _visibility(value: object, place: str) -> Sharing:
    """`public`, `private`, or `{groups: [...], roles: [...]}`."""
    if value in ("public", "private"):
        return Sharing(public=value == "public")
    if not isinstance(value, Mapping) or not value or set(value) - {"groups", "roles"}:
        raise ConfigurationError(f"{place}: must be public, private, or a mapping with groups and roles")
    for key, names in value.items():
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(name, str) and is_name(name) for name in names)
        ):
            raise ConfigurationError(f"{place}.{key}: must be a list of names")
    if unknown := sorted(set(value.get("roles", ())) - set(Role)):
        raise ConfigurationError(f"{place}.roles: there is no role {unknown[0]!r} (possible: {', '.join(Role)})")
    return Sharing(groups=frozenset(value.get("groups", ())) | {group_of(role) for role in value.get("roles", ())})


def folder_entries(folders: tuple[Path, ...]) -> Iterator[Entry]:
    """A package for each file in the folders whose name has one of `ENDINGS`."""
    for folder in folders:
        for path in sorted(folder.glob("*")):
            if path.name.endswith(ENDINGS) and path.is_file():
                yield Entry("", Source.FOLDER, str(path))


def load_entry(entry: Entry, fetch: Fetch, max_bytes: int) -> Process:
    """The process that an entry names.

    Args:
        entry: where the package is, and what the administrator says of it.
        fetch: reads URLs.
        max_bytes: largest package behind a URL.

    Raises:
        OapipError: it cannot be read, or is not valid.
    """
    location, _, fragment = entry.location.partition("#")
    if "://" in location:
        package = load_package(
            fetch(location), "", entry=fragment or None, base_url=location, fetch=fetch, max_bytes=max_bytes
        )
    else:
        path = Path(location)
        package = load_local_package(path, fragment or None, root=path.resolve().parent)
    process = describe(package, entry.process_id or None, address=location)
    if process.id == AD_HOC:
        raise InvalidPackage(f"The id {AD_HOC} is kept for ad-hoc executions; give the process another one.")
    control = process.job_control
    if entry.sync is not None:
        control = tuple(mode for mode in control if mode is not JobControl.SYNC)
        control = (JobControl.SYNC, *control) if entry.sync else control
    return replace(
        process,
        source=entry.source,
        engine=entry.engine,
        job_control=control,
        owner=entry.owner,
        sharing=PRIVATE if entry.sharing.public else entry.sharing,
    )


class Catalogue:
    """Keeps the store equal to the configuration and the folders."""

    def __init__(
        self,
        processes: ProcessStore,
        state_folder: Path,
        fetch: Fetch,
        entries: Callable[[], list[Entry]],
        max_bytes: int,
        builtin: Sequence[Process] = (),
    ) -> None:
        self._builtin = {process.id: process for process in builtin}
        self._processes = processes
        self._state_folder = state_folder
        self._fetch = fetch
        self._entries = entries
        self._max_bytes = max_bytes

    def refresh(self) -> None:
        """Load what is new or changed, replace it in the store, remove what is gone. Several processes may call it.

        Raises:
            StoreUnavailable: nothing is half done; the next call goes on.
        """
        with self._locked():
            known = self._state()
            entries = {_key(entry): entry for entry in self._entries()}
            state: dict[str, JSON] = {}
            for key, entry in entries.items():
                state[key] = self._bring(entry, cast("dict[str, str] | None", known.get(key)))
            kept = {_place(row) for row in state.values()}
            own = {f"{_BUILTIN}{name}": name for name in self._builtin.keys() - {process_id for process_id, _ in kept}}
            for key in known.keys() - entries.keys() - own.keys():
                self._drop(*_place(known[key]), kept)
            state |= {key: self._bring_builtin(name) for key, name in own.items()}
            if state != known:
                self._save(state)

    def broken(self) -> Mapping[str, str]:
        """Location of each package that could not be loaded, and why."""
        rows = cast("Mapping[str, Mapping[str, str]]", self._state())
        return {key: row["error"] for key, row in rows.items() if row["error"]}

    def _bring(self, entry: Entry, known: dict[str, str] | None) -> dict[str, JSON]:
        signature = entry.signature()
        if known is not None and known["signature"] == signature:
            if not known["error"] or time.time() - float(known["tried"]) < RETRY:
                return {**known}
        process_id = known["id"] if known else entry.process_id
        if known is not None and _place(known)[1] != entry.owner:
            self._drop(*_place(known), set())  # before all else: fewer may see it from now on
        try:
            process = load_entry(entry, self._fetch, self._max_bytes)
            self._store(process)
        except OapipError as error:
            if known is None or known["error"] != error.detail:
                LOG.error("the package %s is left out: %s", _key(entry), error.detail)
            row = {"signature": signature, "id": process_id, "error": error.detail, "tried": str(time.time())}
            return {**row, "owner": entry.owner}
        return {"signature": signature, "id": process.id, "error": "", "tried": "", "owner": entry.owner}

    def _store(self, process: Process) -> None:
        try:
            present = self._processes.get(process.id, EVERYTHING, owner=process.owner)
        except NoSuchProcess:
            self._processes.add(process)
            if process.sharing != PRIVATE:
                self._processes.share(process.id, process.owner, process.sharing)
            return
        if present.source not in (process.source, Source.BUILTIN):
            raise DuplicateProcess(f"the id {process.id} is taken by another process ({present.source})")
        if replace(present, revision=1, created=None, updated=None, sharing=process.sharing) != process:
            self._processes.replace(process)
        if present.owner == SERVER_NAME and present.sharing != process.sharing:
            self._processes.share(process.id, process.owner, process.sharing)

    def _bring_builtin(self, process_id: str) -> dict[str, JSON]:
        try:
            self._store(self._builtin[process_id])
        except DuplicateProcess:
            LOG.debug("the process %s that is deployed stands before the built-in one", process_id)
        return {"signature": "", "id": process_id, "error": "", "tried": ""}

    def _drop(self, process_id: str, owner: str, kept: set[tuple[str, str]]) -> None:
        if not process_id or (process_id, owner) in kept:
            return
        try:
            if self._processes.get(process_id, EVERYTHING, owner=owner).source is not Source.DEPLOYED:
                self._processes.remove(process_id, owner=owner)
        except NoSuchProcess:
            LOG.info("the process %s is gone already", process_id)

    def _state(self) -> Mapping[str, JSON]:
        try:
            return cast("Mapping[str, JSON]", json.loads((self._state_folder / _STATE_FILE).read_bytes()))
        except (OSError, ValueError):
            return {}

    def _save(self, state: Mapping[str, JSON]) -> None:
        partial = self._state_folder / f"{_STATE_FILE}.part"
        partial.write_text(json.dumps(state), encoding="utf-8")
        partial.replace(self._state_folder / _STATE_FILE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._state_folder.mkdir(parents=True, exist_ok=True)
        with (self._state_folder / f"{_STATE_FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _place(row: JSON) -> tuple[str, str]:
    """Id and owner of the process of a row of the state file."""
    known = cast("Mapping[str, str]", row)
    return known["id"], known.get("owner", ANONYMOUS_NAME)


def _key(entry: Entry) -> str:
    name = f"resources.{entry.process_id}" if entry.source is Source.CONFIGURED else Path(entry.location).name
    return name
