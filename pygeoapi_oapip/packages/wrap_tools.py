"""The stage-in and stage-out tools of the administrator: read, checked, and what each of their inputs is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, OapipError, UnresolvableReference
from ..model.json import JSONObject
from ..model.process import Package
from . import eoap_types
from .cwltypes import CWLType, Parameter, TypeReader, requirement
from .document import short_id
from .load import load_local_package
from .wrap_cache import WrapCache, key_of

SECRETS = ("cwltool:Secrets", "http://commonwl.org/cwltool#Secrets")
_CONTAINERS = ("DockerRequirement",)
_URI_NAMES = ("reference", "input", "url", "uri", "href", "item")
"""Names of an input that is the address to fetch, where it has no type that says so, likeliest first."""


class Role(StrEnum):
    """What a tool is for; the values are keys of `staging.wrap`."""

    STAGE_IN = "stage_in"
    STAGE_IN_FILE = "stage_in_file"
    STAGE_OUT = "stage_out"
    STAGE_OUT_FILE = "stage_out_file"

    @property
    def kind(self) -> str:
        """The CWL type that it makes or takes."""
        return "File" if self in (Role.STAGE_IN_FILE, Role.STAGE_OUT_FILE) else "Directory"

    @property
    def fetches(self) -> bool:
        """True for stage-in."""
        return self in (Role.STAGE_IN, Role.STAGE_IN_FILE)


@dataclass(frozen=True, slots=True)
class StageTool:
    """One tool."""

    role: Role
    document: JSONObject
    """Self-contained CWL."""
    entry: str
    taken: Parameter
    """The input that is the address (stage-in), or the Directory or File (stage-out)."""
    made: Parameter
    """The output that is the Directory or File, or its address."""
    hoisted: Mapping[str, Parameter]
    """All other inputs."""
    secrets: frozenset[str]
    """Inputs that the tool declares to be secret."""

    @property
    def key(self) -> str:
        """Of the configuration."""
        return f"server.manager.staging.wrap.{self.role}"


def read_tool(path: Path, role: Role, containers: bool = True, cache: WrapCache | None = None) -> StageTool:
    """Read the CWL file of a tool.

    Args:
        path: of the file.
        role: what it is for.
        containers: False: the copy that is run has no DockerRequirement.
        cache: of tools that were read before.

    Raises:
        ConfigurationError: it cannot be read, is no valid CWL, or has not what its role needs; says what.
    """
    key = f"server.manager.staging.wrap.{role}: {path.name}"
    try:
        package = _package(path, cache)
    except OapipError as error:
        raise ConfigurationError(f"{key}: {error.detail}") from None
    reader = TypeReader(package.document, package.entry)
    inputs, outputs = reader.inputs(), reader.outputs()
    taken = _address(inputs, key) if role.fetches else _only(inputs, role.kind, "input", key)
    made = _only(outputs, role.kind, "output", key) if role.fetches else _told(outputs, key)
    document = package.document if containers else _without_containers(package.document)
    return StageTool(
        role,
        document,
        package.entry,
        taken,
        made,
        {item.id: item for item in inputs if item.id != taken.id},
        declared_secrets(reader.process),
    )


def _package(path: Path, cache: WrapCache | None) -> Package:
    """The tool, checked by cwltool, or as another process has found it. Raises OapipError."""
    try:
        content = path.read_bytes()
    except OSError:
        cache = None  # the reader has the words for it
    if cache is None:
        return load_local_package(path, fetch=_known_types)
    key = key_of({str(path.resolve()): content, "": eoap_types.document()})
    found = cache.get(key)
    if found is not None:
        return found
    try:
        alone = load_local_package(path, root=path / "none", fetch=_known_types)
    except OapipError:
        return load_local_package(path, fetch=_known_types)  # what other files say is not known by this one
    cache.put(key, alone)
    return alone


def declared_secrets(process: JSONObject) -> frozenset[str]:
    """The inputs that a process names in `cwltool:Secrets`."""
    found = next((one for name in SECRETS if (one := requirement(process, name)) is not None), {})
    names = found.get("secrets")
    return (
        frozenset(map(short_id, names)) if isinstance(names, Sequence) and not isinstance(names, str) else frozenset()
    )


def is_uri(cwl: CWLType) -> bool:
    """True for the record type of addresses."""
    return cwl.kind == "record" and list(cwl.fields) == ["value"] and cwl.fields["value"].kind == "string"


def _known_types(url: str) -> bytes:
    if eoap_types.is_known(url):
        return eoap_types.document()
    raise UnresolvableReference(f"{url} is not read here; put what the tool needs beside it")


def _only(found: Sequence[Parameter], kind: str, word: str, key: str) -> Parameter:
    """The one parameter of a type, which may be nullable."""
    fitting = [item for item in found if item.type.kind == kind]
    if len(fitting) != 1:
        told = f"it has {len(fitting)}: {', '.join(item.id for item in fitting)}" if fitting else "it has none"
        raise ConfigurationError(f"{key}: the tool must have exactly one {word} of type {kind}; {told}")
    return fitting[0]


def _address(found: Sequence[Parameter], key: str) -> Parameter:
    """The input that is the address: the one of the URI type, else the one string, else the one with a usual name."""
    typed = [item for item in found if is_uri(item.type)]
    texts = [item for item in found if item.type.kind == "string" and not item.has_default]
    named = [item for name in _URI_NAMES for item in texts if item.id == name]
    candidates = typed or (texts if len(texts) == 1 else named[:1])
    if len(candidates) != 1:
        told = f"it has {len(candidates)}: {', '.join(item.id for item in candidates)}" if candidates else "it has none"
        raise ConfigurationError(
            f"{key}: the tool must have exactly one input for the address to fetch, of type {eoap_types.URI} or a "
            f"string called {_URI_NAMES[0]}; {told}"
        )
    return candidates[0]


def _told(found: Sequence[Parameter], key: str) -> Parameter:
    """The output that tells where a result is now."""
    typed = [item for item in found if is_uri(item.type)] or [item for item in found if item.type.kind == "string"]
    if len(typed) != 1:
        told = f"it has {len(typed)}: {', '.join(item.id for item in typed)}" if typed else "it has none"
        raise ConfigurationError(
            f"{key}: the tool must have exactly one output for the address of the result, of type {eoap_types.URI} or "
            f"string; {told}"
        )
    return typed[0]


def _without_containers(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if key not in _CONTAINERS}
        return {key: _without_containers(item) for key, item in kept.items()}
    if isinstance(value, list):
        rows = [item for item in value if not (isinstance(item, Mapping) and item.get("class") in _CONTAINERS)]
        return [_without_containers(item) for item in rows]
    return value
