"""What can be executed: a process, its inputs and outputs, and the package behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .identity import ANONYMOUS_NAME, PRIVATE, Sharing
from .json import JSON, JSONObject

AD_HOC = "CWL"
"""Reserved id: the process of ad-hoc executions, whose package comes with the request (docs/adhoc-cwl.md)."""


class JobControl(StrEnum):
    """Part 1 `jobControlOptions`."""

    SYNC = "sync-execute"
    ASYNC = "async-execute"
    DISMISS = "dismiss"


class Source(StrEnum):
    """Where a process comes from (design 6)."""

    CONFIGURED = "configured"
    """named in the YAML `resources`; immutable"""
    FOLDER = "folder"
    """found in a watched package folder; immutable over HTTP"""
    DEPLOYED = "deployed"
    """by Part 2 over HTTP or the CLI; mutable"""
    BUILTIN = "builtin"
    """part of this server; immutable"""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a process description (Part 1 inputDescription.yaml)."""

    id: str
    title: str
    schema: JSONObject
    """JSON Schema in the OpenAPI 3.0 subset; has `default` where the package gives one."""
    description: str = ""
    min_occurs: int = 1
    """0: optional or defaulted."""
    max_occurs: int | None = 1
    """None: unbounded."""
    keywords: tuple[str, ...] = ()
    metadata: tuple[JSONObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a process description (Part 1 outputDescription.yaml)."""

    id: str
    title: str
    schema: JSONObject
    description: str = ""
    keywords: tuple[str, ...] = ()
    metadata: tuple[JSONObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """What an engine runs, and the document that it was deployed as."""

    document: JSONObject
    """Self-contained CWL (all imports and references resolved and packed): loads with no network and no file."""
    entry: str
    """The entry point within `document`, for example `#main`; "" where the document is one process."""
    source: bytes
    """The body as deployed, byte for byte; what `/processes/{id}/package` returns."""
    media_type: str
    """Media type of `source`, for example `application/cwl+yaml`."""
    requires_container: bool = False
    """True if a tool has DockerRequirement under `requirements` (not `hints`)."""
    requires_javascript: bool = False
    """True if a tool has InlineJavascriptRequirement."""
    cwl_version: str = "v1.2"


NO_PACKAGE = Package({}, "", b"", "")
"""Stands in a plan for the package of a process that is built into the server and has none."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process: what the description tells, and the package that runs.

    A process of one id has revisions 1, 2, ...; a job keeps the revision that it was started with.
    """

    id: str
    version: str
    title: str
    description: str
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    package: Package | None
    """None where only the description was asked for (lists) or there is no package (built-ins)."""
    keywords: tuple[str, ...] = ()
    metadata: tuple[JSONObject, ...] = ()
    """Part 1 metadata.yaml objects: {title, role, href | value}."""
    job_control: tuple[JobControl, ...] = (JobControl.ASYNC, JobControl.DISMISS)
    source: Source = Source.DEPLOYED
    owner: str = ANONYMOUS_NAME
    engine: str = ""
    """Name of the engine that runs it; "" for the default."""
    revision: int = 1
    created: datetime | None = None
    updated: datetime | None = None
    extra: JSONObject = field(default_factory=dict)
    """Further members of the description, as the deployer gave them."""
    locked: bool = False
    """True where the deployer said `mutable: false`: it can neither be replaced nor undeployed over HTTP."""
    sharing: Sharing = PRIVATE
    """Who beside the owner sees and runs it; what `anonymous` owns is public in any case."""

    @property
    def mutable(self) -> bool:
        """Part 2 static-indicator: False for what the administrator configured, the server has built in, or the
        deployer has locked."""
        return self.source is Source.DEPLOYED and not self.locked


__all__ = ["JSON", "NO_PACKAGE", "Input", "JobControl", "Output", "Package", "Process", "Source"]
