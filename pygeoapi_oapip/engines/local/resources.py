"""What the machine has and what a job asks for: cores and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...model.json import JSON, JSONObject
from ...settings import LocalEngine as Settings

MIB = 2**20
_DEFAULT_CORES = 1.0
_DEFAULT_RAM = 256.0
"""MiB; both as CWL v1.2 ResourceRequirement has them."""
_SHARE_OF_MEMORY = 0.9
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of cores and memory."""

    cores: float
    memory: float
    """Bytes."""

    def covers(self, wanted: Resources) -> bool:
        """True if `wanted` fits into this amount."""
        return wanted.cores <= self.cores and wanted.memory <= self.memory


@dataclass(frozen=True, slots=True)
class Budget:
    """What all jobs of an engine share."""

    total: Resources
    slots: int
    """Jobs at once."""


def budget(settings: Settings) -> Budget:
    """The budget that the settings give; where they say 0, what this machine has (CPU affinity, cgroup limits)."""
    cores = settings.cores or machine_cores()
    memory = settings.memory or machine_memory() * _SHARE_OF_MEMORY
    return Budget(Resources(cores, memory), settings.workers or max(1, round(cores)))


def machine_cores() -> float:
    """Cores that this process may use."""
    cores = float(len(os.sched_getaffinity(0)))
    quota = _cgroup_words("cpu.max")
    if len(quota) == 2 and quota[0] != "max":
        cores = min(cores, int(quota[0]) / int(quota[1]))
    return cores


def machine_memory() -> float:
    """Bytes of memory that this process may use."""
    memory = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limit = _cgroup_words("memory.max")
    if limit and limit[0] != "max":
        memory = min(memory, float(limit[0]))
    return memory


def demand(document: JSONObject) -> Resources:
    """What a package asks for: the largest `coresMin` and `ramMin` of its ResourceRequirements (CWL v1.2, 5.8).

    A maximum given alone is the minimum too. An expression counts as the default, as its value is not known yet.
    """
    found = list(_requirements(document))
    cores = [_least(requirement, "cores", _DEFAULT_CORES) for requirement in found]
    ram = [_least(requirement, "ram", _DEFAULT_RAM) for requirement in found]
    return Resources(max(cores, default=_DEFAULT_CORES), max(ram, default=_DEFAULT_RAM) * MIB)


def _least(requirement: JSONObject, name: str, default: float) -> float:
    for key in (f"{name}Min", f"{name}Max"):
        value = requirement.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return default


def _requirements(value: JSON) -> Iterator[JSONObject]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("requirements", "hints"):
                yield from _resource_entries(inner)
            else:
                yield from _requirements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _requirements(inner)


def _resource_entries(value: JSON) -> Iterator[JSONObject]:
    """Requirements come as a list of objects with `class`, or as a mapping by class."""
    if isinstance(value, dict):
        entry = value.get("ResourceRequirement")
        if isinstance(entry, dict):
            yield entry
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict) and entry.get("class") == "ResourceRequirement")


def _cgroup_words(name: str) -> list[str]:
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="ascii").rpartition("::")[2].strip().lstrip("/")
        for folder in (_CGROUP / own, _CGROUP):
            if (folder / name).exists():
                return (folder / name).read_text(encoding="ascii").split()
    except OSError:
        return []
    return []
