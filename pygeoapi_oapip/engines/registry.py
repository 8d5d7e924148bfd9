"""Engine types by name; each is imported when it is first used (design 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from ..errors import ConfigurationError
from ..model.process import Process
from ..settings import Engine as EngineSettings
from .base import Engine

if TYPE_CHECKING:
    from .remote.run import Http


@dataclass(frozen=True, slots=True)
class EngineType:
    """Where an engine's class is."""

    path: str
    """`module:class`, the module relative to this package."""
    extra: str = ""
    """The extra of this distribution that brings its SDK; "" where none is needed."""


ENGINE_TYPES: Mapping[str, EngineType] = MappingProxyType(
    {
        "local": EngineType(".local.engine:LocalEngine"),
        "wes": EngineType(".wes.engine:WesEngine"),
        "calrissian": EngineType(".calrissian.engine:CalrissianEngine"),
    }
)
"""By the `type` of the engine's block in the configuration."""


BUILTIN = "builtin"
"""The engine of the server's own processes, which is always there; no block of the configuration has this name."""


REMOTE = "remote"
"""The engine of processes of other servers, which is always there; no block of the configuration has this name."""


def builtin_engine() -> Engine:
    """The engine of the server's own processes."""
    from .builtin import wps_echo
    from .builtin.echo import Echo
    from .builtin.engine import BuiltinEngine

    programs = {program.process.id: program for program in (Echo(), Echo(wps_echo.DESCRIPTION, wps_echo.NAMES))}
    return BuiltinEngine(BUILTIN, programs)


def remote_engine(http: Http) -> Engine:
    """The engine of processes that are run on other servers (Part 3 remote-core-processes).

    Args:
        http: the way to them (`staging.client`).
    """
    from .remote.engine import RemoteEngine

    return RemoteEngine(REMOTE, http)


def builtin_processes(ids: Sequence[str]) -> tuple[Process, ...]:
    """The descriptions of the server's own processes.

    Args:
        ids: out of `settings.OWN_PROCESSES`.
    """
    from .builtin import echo_description, wps_echo

    known = {process.id: process for process in (echo_description.DESCRIPTION, wps_echo.DESCRIPTION)}
    return tuple(known[name] for name in ids)


def make_engine(name: str, settings: EngineSettings, home: Path) -> Engine:
    """The engine that a block of the configuration describes. Starts nothing.

    Args:
        name: the key of the block.
        settings: the block.
        home: folder where the engine may keep state of its own; made by the engine when it needs it.

    Raises:
        ConfigurationError: its type is not known, or what it needs is not installed; says what to install.
    """
    found = ENGINE_TYPES.get(settings.type)
    if found is None:
        raise ConfigurationError(f"engines.{name}.type: {settings.type} is not one of {', '.join(ENGINE_TYPES)}")
    module, _, attribute = found.path.partition(":")
    try:
        engine = getattr(import_module(module, __package__), attribute)
    except ImportError as error:
        remedy = f"install pygeoapi-oapip[{found.extra}]" if found.extra else "the installation is broken"
        raise ConfigurationError(f"engines.{name}: {error.name or module} is missing; {remedy}") from error
    return cast(Engine, engine(name, settings, home))
