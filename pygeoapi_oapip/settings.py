"""The `server.manager` block of the pygeoapi YAML (design 9). An unknown key ends the start-up, naming it.

docs/configuration.md is checked against these models: each field has its documentation as `description`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from .errors import ConfigurationError
from .setting_values import Block as _Block
from .setting_values import Bytes, Seconds, Secret
from .settings_auth import Auth as Auth
from .settings_auth import NoAuth, Proxy
from .settings_calrissian import CalrissianEngine as CalrissianEngine
from .settings_engines import Engine as Engine
from .settings_engines import LocalEngine as LocalEngine
from .settings_engines import WesEngine as WesEngine
from .settings_quotas import Quota as Quota
from .settings_quotas import Quotas
from .settings_s3 import LocalStorage, S3Source
from .settings_staging import HttpAccess, InputCache, Stac
from .settings_staging_wrap import Wrap
from .settings_workspace import Storage

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


class Staging(_Block):
    """Which references in requests and packages may be read."""

    allow_hosts: tuple[str, ...] = Field(("*",), description="Host names, with `*` as wildcard.")
    allow_internal: bool = Field(
        False, description="Also addresses of this machine and of private networks (RFC 6890)."
    )
    allow_files: tuple[Path, ...] = Field((), description="Folders whose files may be given as `file:` inputs.")
    max_bytes: Bytes = Field(10 * 1024**3, description="Largest input that is downloaded.")
    timeout: Seconds = Field(30.0, description="For connecting, and between two pieces of a download.")
    max_files: int = Field(100_000, ge=1, description="Most files of one input.")
    parallel: int = Field(8, ge=1, le=64, description="Downloads at once for one job.")
    min_rate: Bytes = Field(1024, description="Bytes per second; a slower server counts as away. 0: any rate.")
    s3: tuple[S3Source, ...] = Field((), description="")
    http: tuple[HttpAccess, ...] = Field((), description="")
    stac: Stac = Field(default_factory=Stac)
    cache: InputCache = Field(default_factory=InputCache)
    wrap: Wrap = Field(default_factory=Wrap)


class Sync(_Block):
    """Synchronous execution."""

    max_wait: Seconds = Field(30.0, description="Longest wait for a result before the answer is 201.")


class Retention(_Block):
    """When ended jobs and their results are removed."""

    jobs: Seconds = Field(30 * 86400.0, description="Age after the end; 0: never.")
    jobs_per_user: int = Field(
        0, ge=0, description="Ended jobs of one user that are kept, the newest ones; 0: any number."
    )
    bytes_per_user: Bytes = Field(
        0, description="Room for the results of one user on this server or in its bucket; the oldest go; 0: no limit."
    )
    audit: Seconds = Field(0.0, description="Age at which entries of the audit are removed; 0: never.")


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
    jobs_per_user: int = Field(
        0, ge=0, description="Jobs of one user that may wait and run at once; one more is refused (429). 0: any number."
    )
    quotas: Quotas = Field(default_factory=Quotas)
    check_references: bool = Field(
        True, description="Look, for up to 3 s, whether references of a request can be read, before a job is made."
    )


class Compat(_Block):
    """What clients of other servers rely on."""

    eoepca: bool = Field(
        False, description="A job that waits is told as `running`, for notebooks that follow a job while it runs."
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


_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("must be a path such as /wps")
    return value


class Wps(_Block):
    """The door for WPS 1.0.0 and 2.0.0 clients."""

    enabled: bool = Field(True, description="Serve processes and jobs over WPS, too.")
    path: Annotated[str, AfterValidator(_path)] = Field("/wps", description="Where, below the address of the server.")
    zoo_loader: bool = Field(False, description="Also at `/cgi-bin/zoo_loader.cgi`, as ZOO-Project does.")
    max_wait: Seconds = Field(
        600.0, description="Longest wait for the end of a synchronous Execute; then the job goes on without the client."
    )
    max_waiting: int = Field(
        4, ge=1, description="Requests of one web process that wait longer than `sync.max_wait` at the same time."
    )


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
    storage: Storage = Field(default_factory=LocalStorage)
    staging: Staging = Field(default_factory=Staging)
    sync: Sync = Field(default_factory=Sync)
    retention: Retention = Field(default_factory=Retention)
    callbacks: Callbacks = Field(default_factory=Callbacks)
    limits: Limits = Field(default_factory=Limits)
    nested: Nested = Field(default_factory=Nested)
    wps: Wps = Field(default_factory=Wps)
    auth: Auth = Field(default_factory=NoAuth)
    proxy: Proxy = Field(default_factory=Proxy)
    compat: Compat = Field(default_factory=Compat)
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
    if isinstance(block.get("storage"), Mapping):
        block["storage"] = {"type": "local", **block["storage"]}
    if isinstance(block.get("auth"), Mapping) and not block["auth"]:
        block["auth"] = {"type": "none"}
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
        if loc[0] in ("storage", "auth") and len(loc) > 2:
            del loc[1]
        if loc[0] == "engines" and len(loc) > 2:
            del loc[2]  # the type, by which pydantic chose the model; no key of the user
        key = ".".join(["server", "manager", *loc])
        text = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"{key}: {text}")
    return "\n".join(lines)
