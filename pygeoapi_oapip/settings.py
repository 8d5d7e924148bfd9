"""The `server.manager` block of the pygeoapi YAML (design 9). An unknown key ends the start-up, naming it.

docs/configuration.md is checked against these models: each field has its documentation as `description`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .errors import ConfigurationError

_SIZE_UNITS = {"": 1, "b": 1} | {
    prefix + ending: base**power
    for power, prefix in enumerate("kmgt", start=1)
    for ending, base in (("", 1000), ("b", 1000), ("i", 1024), ("ib", 1024))
}
_TIME_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def _with_unit(value: object, units: Mapping[str, float], kind: str, example: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(value).lower())
    if match is None or match[2] not in units:
        raise ValueError(f"is not a {kind} (for example {example})")
    return float(match[1]) * units[match[2]]


def _secret(value: object) -> object:
    if isinstance(value, Mapping) and set(value) == {"env"}:
        name = str(value["env"])
        if name not in os.environ:
            raise ValueError(f"the environment variable {name} is not set")
        return os.environ[name]
    if isinstance(value, Mapping) and set(value) == {"file"}:
        return Path(str(value["file"])).read_text(encoding="utf-8").strip()
    raise ValueError("a secret is written as {env: NAME} or {file: PATH}, never in the YAML text")


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("must not be negative")
    return value


Bytes = Annotated[
    int,
    BeforeValidator(lambda value: int(_with_unit(value, _SIZE_UNITS, "size", "10GiB"))),
    AfterValidator(_not_negative),
]
"""A size: a number of bytes, or text such as `512MiB`, `10GB`."""

Seconds = Annotated[
    float,
    BeforeValidator(lambda value: _with_unit(value, _TIME_UNITS, "duration", "30s or 2h")),
    AfterValidator(_not_negative),
]
"""A duration: a number of seconds, or text such as `30s`, `15m`, `30d`."""

Secret = Annotated[str, BeforeValidator(_secret)]
"""`{env: NAME}` or `{file: PATH}`."""


OWN_PROCESSES = ("echo", "org.n52.javaps.test.EchoProcess")
"""Ids of the processes that the server brings itself."""


def _own_processes(value: object) -> object:
    if isinstance(value, bool):
        return OWN_PROCESSES if value else ()
    for name in value if isinstance(value, list | tuple) else ():
        if name not in OWN_PROCESSES:
            raise ValueError(f"there is no {name!r} (possible: {', '.join(OWN_PROCESSES)})")
    return value


OwnProcesses = Annotated[tuple[str, ...], BeforeValidator(_own_processes)]
"""Ids out of `OWN_PROCESSES`, or true or false for all or none."""


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalEngine(_Block):
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


class CalrissianVolumes(_Block):
    """Where jobs on Kubernetes work, and how files reach them (docs/engines/calrissian.md)."""

    claim: str = Field("", description="Claim that holds `output_dir`, which this server mounts too.")
    path: str = Field("", description="Folder of that claim which is `output_dir`; empty: the claim itself.")
    input_claim: str = Field("", description="Claim for packages and inputs, where they do not go through `claim`.")
    input_folder: Path | None = Field(None, description="Where this server mounts `input_claim`.")
    output_claim: str = Field("", description="Claim for outputs and logs, where they do not go through `claim`.")
    output_folder: Path | None = Field(None, description="Where this server mounts `output_claim`.")
    tmp_claim: str = Field("", description="Claim for what is between the steps; empty: beside the outputs.")
    storage_class: str | None = Field(
        None, description="Make a volume of this class for each job, and work there; an empty text: the default class."
    )
    size: Bytes = Field(10 * 1024**3, description="Least size of the volume of a job.")
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        "ReadWriteMany", description="Of the volume of a job; with ReadWriteOnce all its pods run on one node."
    )


class CalrissianEngine(_Block):
    """Calrissian on Kubernetes: a Job for each job, a pod for each step."""

    type: Literal["calrissian"] = "calrissian"
    namespace: str = Field("default", description="Namespace of jobs and pods.")
    kubeconfig: Path | None = Field(
        None, description="How to reach the cluster; else the account of this server's pod, else `KUBECONFIG`."
    )
    context: str = Field("", description="Context of the kubeconfig; empty: its current one.")
    instance: str = Field(
        "oapip", pattern="^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$", description="Label that tells servers apart."
    )
    image: str = Field("ghcr.io/duke-gcb/calrissian/calrissian:0.18.1", description="Image with Calrissian.")
    default_image: str = Field("alpine:3", description="Image of steps without DockerRequirement.")
    init_image: str = Field("alpine:3", description="Image with a shell, for steps whose output goes to a subfolder.")
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field("IfNotPresent", description="Of all images.")
    pull_secrets: tuple[str, ...] = Field((), description="Names of Secrets for private registries.")
    service_account: str = Field("default", description="Account of Calrissian's pod; it makes the pods of the steps.")
    step_service_account: str = Field("", description="Account of the steps; empty: the default one, without a token.")
    max_ram: Bytes = Field(8 * 1024**3, gt=0, description="Memory that the steps of one job share.")
    max_cores: float = Field(4, gt=0, description="Cores that the steps of one job share.")
    max_gpus: int = Field(0, ge=0, description="GPUs that the steps of one job share.")
    node_selector: Mapping[str, str] = Field(default_factory=dict, description="Labels of the nodes for all pods.")
    tolerations: tuple[Mapping[str, Any], ...] = Field((), description="Tolerations of all pods.")
    affinity: Mapping[str, Any] = Field(default_factory=dict, description="Affinity of all pods.")
    labels: Mapping[str, str] = Field(default_factory=dict, description="Further labels of all objects.")
    annotations: Mapping[str, str] = Field(default_factory=dict, description="Annotations of all pods.")
    priority_class: str = Field("", description="Priority class of all pods.")
    env: Mapping[str, str] = Field(default_factory=dict, description="Environment of the steps.")
    env_from_secrets: tuple[str, ...] = Field((), description="Secrets that become environment of the steps.")
    run_as_user: int = Field(1000, ge=0, description="User id of all pods; 0 is root.")
    run_as_group: int = Field(1000, ge=0, description="Group id of all pods, also of their volumes.")
    limit_memory: bool = Field(False, description="End a step that uses more memory than its `ramMin` asks for.")
    deadline: Seconds = Field(0, description="Time after which a job is ended as failed; 0: none.")
    pod_grace: Seconds = Field(600, gt=0, description="How long a pod may be unable to start before the job fails.")
    stop_grace: Seconds = Field(5, description="Time between SIGTERM and SIGKILL for pods at dismissal.")
    retries: int = Field(0, ge=0, description="New pods for a job whose pod was killed from outside.")
    ttl: Seconds = Field(86400.0, description="Age after the end at which the cluster itself removes what is left.")
    flags: tuple[str, ...] = Field((), description="Further flags of calrissian.")
    leader: Mapping[str, Any] = Field(
        default_factory=dict, description="Part of a Kubernetes pod template that is laid over Calrissian's pod."
    )
    steps: Mapping[str, Any] = Field(
        default_factory=dict, description="Part of a Kubernetes pod template that is laid over the pods of the steps."
    )
    volumes: CalrissianVolumes = Field(default_factory=CalrissianVolumes)

    @model_validator(mode="after")
    def _has_volumes(self) -> CalrissianEngine:
        known = self.volumes
        if not known.claim and not (
            known.input_claim and known.input_folder and known.output_claim and known.output_folder
        ):
            raise ValueError("volumes: needs claim, or input_claim, input_folder, output_claim and output_folder")
        return self


Engine = Annotated[LocalEngine | CalrissianEngine, Field(discriminator="type")]


class Storage(_Block):
    """Where results are kept."""

    type: Literal["local"] = "local"


class Staging(_Block):
    """Which references in requests and packages may be read."""

    allow_hosts: tuple[str, ...] = Field(("*",), description="Host names, with `*` as wildcard.")
    allow_internal: bool = Field(
        False, description="Also addresses of this machine and of private networks (RFC 6890)."
    )
    allow_files: tuple[Path, ...] = Field((), description="Folders whose files may be given as `file:` inputs.")
    max_bytes: Bytes = Field(10 * 1024**3, description="Largest input that is downloaded.")
    timeout: Seconds = Field(30.0, description="For connecting, and between two pieces of a download.")


class Sync(_Block):
    """Synchronous execution."""

    max_wait: Seconds = Field(30.0, description="Longest wait for a result before the answer is 201.")


class Retention(_Block):
    """When ended jobs and their results are removed."""

    jobs: Seconds = Field(30 * 86400.0, description="Age after the end; 0: never.")


class Callbacks(_Block):
    """Messages to the `subscriber` of a job."""

    allow_hosts: tuple[str, ...] = Field(("*",), description="Host names that may be told, with `*` as wildcard.")
    allow_internal: bool = Field(
        False, description="Also addresses of this machine and of private networks (RFC 6890)."
    )
    timeout: Seconds = Field(10.0, gt=0, description="For one message as a whole.")
    progress_interval: Seconds = Field(30.0, description="Shortest time between two messages about progress.")
    give_up_after: Seconds = Field(86400.0, description="Time of retries, from the first try on.")


class Limits(_Block):
    """What a request may hold."""

    package_bytes: Bytes = Field(5 * 1024**2, description="Largest application package.")
    body_bytes: Bytes = Field(50 * 1024**2, description="Largest body of any request.")
    page: int = Field(1000, ge=1, description="Default number of processes in a list.")
    max_page: int = Field(10000, ge=1, description="Largest number of rows in any list.")
    jobs_per_worker: int = Field(200, ge=1, description="Jobs that one worker process drives at once.")
    check_references: bool = Field(
        True, description="Look, for up to 3 s, whether references of a request can be read, before a job is made."
    )


class Nested(_Block):
    """Inputs that other processes make (Part 3)."""

    remote: tuple[str, ...] = Field(
        ("*",),
        description="Hosts, out of those of `staging.allow_hosts`, whose processes may be named as inputs; `[]`: none.",
    )
    timeout: Seconds = Field(
        300.0, description="Longest wait for the answer of a server that runs a process synchronously."
    )


class Auth(_Block):
    """Who is who."""

    type: Literal["none"] = "none"


class Settings(_Block):
    """The whole manager block."""

    name: str = Field("pygeoapi_oapip.manager.ProcessManager", description="The pygeoapi plug-in.")
    connection: str = Field(
        "sqlite:///var/oapip.db",
        description="SQLAlchemy URL: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/DB`; "
        "a password comes from `connection_password`.",
    )
    connection_password: Secret | None = Field(None, description="Password of the database user.")
    output_dir: Path = Field(Path("var/jobs"), description="One folder per job: inputs, work, outputs, logs.")
    packages: tuple[Path, ...] = Field((), description="Folders that are watched for application packages.")
    default_engine: str = Field("local", description="Engine of processes that name none.")
    engines: Mapping[str, Engine] = Field(
        default_factory=lambda: {"local": LocalEngine()}, description="Engines by name."
    )
    builtin_processes: OwnProcesses = Field(
        OWN_PROCESSES, description="The server's own processes that are offered; `false`: none."
    )
    storage: Storage = Field(default_factory=Storage)
    staging: Staging = Field(default_factory=Staging)
    sync: Sync = Field(default_factory=Sync)
    retention: Retention = Field(default_factory=Retention)
    callbacks: Callbacks = Field(default_factory=Callbacks)
    limits: Limits = Field(default_factory=Limits)
    nested: Nested = Field(default_factory=Nested)
    auth: Auth = Field(default_factory=Auth)
    adhoc_cwl: bool = Field(
        True, description="Accept executions that bring their own CWL (`POST /processes/CWL/execution`)."
    )
    reconcile: bool = Field(
        True, description="Move jobs on in the web processes too; false where `oapip worker` processes do it alone."
    )


def load_settings(manager_block: Mapping[str, Any]) -> Settings:
    """Check the manager block of a pygeoapi configuration.

    Args:
        manager_block: the mapping under `server.manager`; keys that pygeoapi itself adds (`processes`) are ignored.

    Raises:
        ConfigurationError: naming each wrong key, what is wrong and what it may be.
    """
    block = {key: value for key, value in manager_block.items() if key not in ("processes",)}
    engines = block.get("engines")
    if isinstance(engines, Mapping):
        block["engines"] = {k: _engine_block(v) for k, v in engines.items()}
    try:
        settings = Settings.model_validate(block)
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None
    for name in ("builtin", "remote"):
        if name in settings.engines:
            raise ConfigurationError(
                f"server.manager.engines.{name}: this name belongs to the server; choose another one"
            )
    if settings.default_engine not in settings.engines:
        raise ConfigurationError(
            f"server.manager.default_engine: no engine is named {settings.default_engine!r} "
            f"(engines: {', '.join(settings.engines)})"
        )
    return settings


def _engine_block(value: object) -> object:
    return {"type": "local", **value} if isinstance(value, Mapping) else value


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        loc = [str(part) for part in item["loc"]]
        if loc[0] == "engines" and len(loc) > 2:
            del loc[2]  # the type, by which pydantic chose the model; no key of the user
        key = ".".join(["server", "manager", *loc])
        text = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"{key}: {text}")
    return "\n".join(lines)
