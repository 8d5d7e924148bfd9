"""Wrapping on a running server: which packages, with which values, and what becomes of the results."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import ConfigurationError, JobFailed, PlanRejected
from ..model.job import Job
from ..model.json import JSON, JSONObject
from ..model.process import Package
from ..model.value import InputValue, Literal, OutputValue, nested_of
from ..packages.joborder import FileSource
from ..packages.wrap import Tools, Wrapped, used_tools, wrap
from ..packages.wrap_cache import WrapCache
from ..packages.wrap_order import local_inputs, wrapped_order
from ..packages.wrap_tools import Role, StageTool, is_uri, read_tool
from ..settings import Settings
from ..settings_s3 import S3Storage
from ..settings_staging_wrap import StageTools
from ..settings_workspace import WorkspaceStorage
from .workspace_api import WorkspaceApi
from .wrap_results import WrapResults
from .wrap_values import Values

WRAPPED_FILE = "wrapped.json"
"""In the folder of a job: what runs in the place of its package."""
_KEPT = 64
"""Wrapped packages in memory."""


@dataclass(frozen=True, slots=True)
class WrappedJob:
    """What runs in the place of a package."""

    package: Package
    staged_out: Mapping[str, str]
    """As in `Wrapped`."""
    names: Mapping[str, str]
    """Placeholder -> name of the secret."""
    order: JSONObject = field(default_factory=dict)
    """With a placeholder for each secret; kept beside this."""

    def to_json(self) -> JSONObject:
        """The stored form; it holds no secret."""
        package = {key: value for key, value in asdict(self.package).items() if key != "source"}
        return cast(JSONObject, {"package": package, "stagedOut": dict(self.staged_out), "names": dict(self.names)})

    @staticmethod
    def from_json(stored: JSONObject) -> WrappedJob:
        """Read what `to_json` wrote."""
        package = Package(source=b"", **cast("dict[str, Any]", stored["package"]))
        out, names = cast("dict[str, str]", stored["stagedOut"]), cast("dict[str, str]", stored["names"])
        return WrappedJob(package, out, names)


@dataclass(slots=True)
class Wrapping:
    """Wraps packages as the settings say. Thread-safe.

    Args:
        settings: of the server.
        tokens: of the owners of jobs, see `Values`.
    """

    settings: Settings
    tokens: Callable[[str, str], str | None] | None = None
    values: Values = field(init=False)
    results: WrapResults = field(init=False)
    _cache: WrapCache = field(init=False)
    _tools: dict[StageTools, Tools] = field(init=False, default_factory=dict)
    _made: dict[tuple[Any, ...], Wrapped | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._cache = WrapCache(self.settings.output_dir / ".wrapped")
        self.values = Values(self.settings, _workspaces(self.settings), self.tokens)
        self.results = WrapResults(self.values)

    def check(self) -> None:
        """Read all tools that the settings name. Raises ConfigurationError: one cannot be used; says which and why."""
        block = self.settings.staging.wrap
        for name in block.secret_files:
            if name not in self.settings.engines:
                raise ConfigurationError(f"server.manager.staging.wrap.secret_files.{name}: there is no such engine")
            if self.settings.engines[name].type != "wes":
                raise ConfigurationError(
                    f"server.manager.staging.wrap.secret_files.{name}: only engines of type wes read such a file"
                )
        self._of(block)
        for chosen in block.processes.values():
            if isinstance(chosen, StageTools):
                self._of(chosen)

    def tools(self, process_id: str) -> Tools:
        """The tools of a process; none where it is not wrapped."""
        return self._of(self.settings.staging.wrap.of(process_id))

    def job(
        self, about: tuple[Job, bool], package: Package, inputs: Mapping[str, InputValue], files: FileSource
    ) -> WrappedJob | None:
        """What runs for a job.

        Args:
            about: which job, and whether its engine takes secrets.
            package: of its process.
            inputs: of the request.
            files: stages what no tool fetches.

        Returns:
            None where the package runs as it is.

        Raises:
            OapipError: the inputs do not fit, or the package cannot be wrapped.
        """
        job, keeps = about
        tools = self.tools(job.process_id)
        if not tools:
            return None
        local = local_inputs(package, tools, inputs)
        wrapped = self._wrapped(job, local, package, tools)
        if wrapped is not None and not keeps:
            wrapped = self._with_file(job, wrapped, package, tools, local)
        if wrapped is None:
            return None
        order = wrapped_order(package, wrapped, inputs, files)
        if wrapped.secrets_file:
            # by `path`, which no engine takes for a file of this machine
            order[wrapped.secrets_file] = {"class": "File", "path": self.settings.staging.wrap.secret_files[job.engine]}
        names = self._fill(order, job, wrapped)
        return WrappedJob(wrapped.package, wrapped.staged_out, names, order)

    def require_secrets(self, process_id: str, engine: str, package: Package, inputs: Mapping[str, InputValue]) -> None:
        """Refuse a job before it is made, where its tools need secrets and the engine has no way to get them.

        Args:
            process_id: of the job.
            engine: its name; it takes no secrets.
            package: of the process.
            inputs: of the request.

        Raises:
            PlanRejected: says which secrets.
            InvalidInputs: as `local_inputs`.
        """
        tools = self.tools(process_id)
        if not tools or engine in self.settings.staging.wrap.secret_files:
            return
        # what nested processes will make may be fetched or not: the job itself tells
        known = {} if any(True for value in inputs.values() for _ in nested_of(value)) else inputs
        local = local_inputs(package, tools, known) if known else frozenset(inputs)
        needed = [
            name
            for tool in used_tools(package, tools, local)
            for name, item in tool.hoisted.items()
            if (found := self.values.find(name, item.type, "", "")) is not None
            and (found.secret or name in tool.secrets)
        ]
        self._require_file(engine, frozenset(needed))

    def _require_file(self, engine: str, names: frozenset[str]) -> None:
        if names and engine not in self.settings.staging.wrap.secret_files:
            raise PlanRejected(
                f"The stage tools need secrets ({', '.join(sorted(names))}), which the engine {engine} cannot keep "
                "from others; for engines of type wes, staging.wrap.secret_files names a file there."
            )

    def _fill(self, order: dict[str, JSON], job: Job, wrapped: Wrapped) -> dict[str, str]:
        """Add the values of the tools' own inputs; gives the placeholders of those that are secret."""
        names: dict[str, str] = {}
        for own, (name, cwl, _) in wrapped.hoisted.items():
            found = self.values.find(name, cwl, job.id, job.owner)
            if found is None:
                continue
            order[own] = found.value
            if found.secret or own in wrapped.secret:
                mark = f"(secret-{uuid.uuid4().hex})"
                order[own], names[mark] = {"value": mark} if is_uri(cwl) else mark, name
        return names

    def _with_file(
        self, job: Job, wrapped: Wrapped, package: Package, tools: Tools, local: frozenset[str]
    ) -> Wrapped | None:
        """The same with the secrets from a file at the engine, if there are any. Raises PlanRejected."""
        found = {own: self.values.find(row[0], row[1], job.id, "") for own, row in wrapped.hoisted.items()}
        secret = {own for own, value in found.items() if value is not None and (value.secret or own in wrapped.secret)}
        names = frozenset(wrapped.hoisted[own][0] for own in secret)
        self._require_file(job.engine, names)
        return wrap(package, tools, local, names, self._cache) if names else wrapped

    def secrets(self, made: WrappedJob, job: Job) -> Mapping[str, str]:
        """Placeholder -> value, for the engine. Raises Forbidden: the job has no token of its owner."""
        return {mark: self.values.text(name, job.owner, job.id) for mark, name in made.names.items()}

    def delivered(self, job: Job, made: WrappedJob, outputs: Mapping[str, OutputValue]) -> Mapping[str, OutputValue]:
        """The outputs of a wrapped run as results. Raises JobFailed, StorageUnavailable."""
        return {
            name: self._delivered(job, name, value, made.staged_out.get(name, "")) for name, value in outputs.items()
        }

    def _delivered(self, job: Job, name: str, value: OutputValue, kind: str) -> OutputValue:
        if not kind:
            return value
        if not isinstance(value, Literal):
            raise JobFailed(f"outputs.{name}: the stage-out tool gave no address")
        return Literal(self.results.read((job.id, job.owner), name, value.value, kind))

    def _wrapped(self, job: Job, local: frozenset[str], package: Package, tools: Tools) -> Wrapped | None:
        if not job.process_revision:
            return wrap(package, tools, local, cache=self._cache)  # an ad-hoc execution
        key = (job.process_id, job.process_revision, job.process_owner, local)
        if key not in self._made:
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[key] = wrap(package, tools, local, cache=self._cache)
        return self._made[key]

    def _of(self, chosen: StageTools) -> Tools:
        own = StageTools(**{role.value: getattr(chosen, role.value) for role in Role})
        if own not in self._tools:
            self._tools[own] = {role: self._read(path, role) for role in Role if (path := getattr(own, role.value))}
        return self._tools[own]

    def _read(self, path: Path, role: Role) -> StageTool:
        tool = read_tool(path, role, self.settings.staging.wrap.containers, self._cache)
        self.values.require(tool)
        return tool


def wrapping(settings: Settings, tokens: Callable[[str, str], str | None] | None = None) -> Wrapping | None:
    """What the settings say; None where no package is wrapped. Raises ConfigurationError: see `Wrapping.check`."""
    if not settings.staging.wrap.names_tools:
        return None
    made = Wrapping(settings, tokens)
    made.check()
    return made


def _workspaces(settings: Settings) -> Callable[[str], S3Storage] | None:
    if not isinstance(settings.storage, WorkspaceStorage):
        return None
    api = WorkspaceApi(settings.storage)
    return lambda owner: api.of(owner).storage
