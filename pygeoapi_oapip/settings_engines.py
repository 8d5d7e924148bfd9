"""The blocks below `server.manager.engines` of the configuration, one model for each type of engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from .setting_values import Block, Bytes, Seconds, Secret
from .settings_calrissian import CalrissianEngine

_SCHEMES = ("http", "https", "s3")


def _schemes(value: tuple[str, ...]) -> tuple[str, ...]:
    for scheme in value:
        if scheme not in _SCHEMES:
            raise ValueError(f"{scheme!r} is not one of {', '.join(_SCHEMES)}")
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL without user, query and fragment")
    return value


def _place(value: Mapping[str, str] | str) -> Mapping[str, str] | str:
    if isinstance(value, str) and not re.fullmatch(r"s3://[^/\s]+(/[^\s]*)?", value):
        raise ValueError("must be a mapping of folders, or s3://BUCKET/PREFIX")
    for folder in () if isinstance(value, str) else (*value, *value.values()):
        if not folder.startswith("/") or ".." in folder.split("/"):
            raise ValueError(f"{folder!r} is not an absolute path")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An `http` or `https` URL of a service."""


class LocalEngine(Block):
    """cwltool on this machine; no service and no container engine needed."""

    type: Literal["local"] = "local"
    workers: int = Field(0, ge=0, description="Jobs at once; 0: as many as the cores allow.")
    cores: float = Field(0, ge=0, description="Cores that all jobs share; 0: all of this machine.")
    memory: Bytes = Field(0, description="Memory that all jobs share; 0: 90 % of this machine's.")
    containers: Literal["auto", "docker", "podman", "none"] = Field(
        "auto", description="Container engine for DockerRequirement; auto: docker, else podman, where one answers."
    )
    parallel_steps: bool = Field(False, description="Run independent steps of one workflow at the same time.")
    javascript: Literal["auto", "embedded", "node"] = Field(
        "auto", description="Engine for CWL expressions; auto: the embedded one, node where it cannot be loaded."
    )
    time_limit: Seconds = Field(0, description="Wall time after which a job is ended as failed; 0: none.")
    stop_grace: Seconds = Field(1.0, description="Time between SIGTERM and SIGKILL at dismissal.")


ParameterValue = str | int | float | bool | None
"""Value of an option of a foreign engine; null: an option without a value."""


class WesEngine(Block):
    """A GA4GH Workflow Execution Service, above all Toil's: clusters with Slurm, HTCondor, PBS, LSF or Grid Engine."""

    type: Literal["wes"] = "wes"
    url: WebAddress = Field(description="Address of the service, with or without `/ga4gh/wes/v1/` at its end.")
    username: str = Field("", description="For HTTP Basic authentication.")
    password: Secret | None = Field(None, repr=False, description="For HTTP Basic authentication.")
    token: Secret | None = Field(None, repr=False, description="For Bearer authentication.")
    verify: bool = Field(True, description="Check the certificate of an `https` service.")
    ca: Path | None = Field(None, description="File with the certificates of the authorities that are trusted instead.")
    server: Literal["auto", "toil", "standard"] = Field(
        "auto",
        description="Whose options and log format are used; auto: Toil's, where the service says that it is Toil.",
    )
    batch_system: str = Field("", description="Toil: `slurm`, `htcondor`, `grid_engine`, `lsf`, `torque`, ...")
    retry_count: int = Field(0, ge=0, description="Toil: how often a failed step is run again.")
    engine_parameters: Mapping[str, ParameterValue] = Field(
        default_factory=dict, description="`workflow_engine_parameters` of every run (`--option: value`)."
    )
    processes: Mapping[str, Mapping[str, ParameterValue]] = Field(
        default_factory=dict, description="The same by process id; they win over `engine_parameters`."
    )
    reads: Annotated[tuple[str, ...], AfterValidator(_schemes)] = Field(
        (), description="Schemes of inputs that the workflows read themselves; all others are read by this server."
    )
    inputs: Annotated[Mapping[str, str], AfterValidator(_place)] = Field(
        default_factory=dict,
        description="Folders of this server that the cluster sees, and where: input files in them are not sent.",
    )
    tell_user: bool = Field(
        False, description="Tell the service whose job it is: the tags `oapip-user` and `oapip-groups` of each run."
    )
    max_attachment: Bytes = Field(32 * 1024**2, description="Largest sum of input files that is sent within a request.")
    outputs: Annotated[Mapping[str, str] | str, AfterValidator(_place)] = Field(
        default_factory=dict,
        description="Where results are: folders of the cluster and where this server sees them, or `s3://BUCKET/PREFIX`.",
    )
    max_running: int = Field(0, ge=0, description="Runs at once; 0: no limit.")
    deadline: Seconds = Field(7 * 86400.0, description="Time after which a run is cancelled, as failed; 0: none.")
    poll_interval: Seconds = Field(
        1.0, gt=0, description="Longest time between two looks at a run where the service keeps up; shorter at first."
    )
    timeout: Seconds = Field(30.0, gt=0, description="For connecting, and between two pieces of an answer.")

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> WesEngine:
        if self.token is not None and (self.username or self.password is not None):
            raise ValueError("give `token`, or `username` and `password`, not both")
        if bool(self.username) != (self.password is not None):
            raise ValueError("`username` and `password` belong together")
        return self


Engine = Annotated[LocalEngine | WesEngine | CalrissianEngine, Field(discriminator="type")]
