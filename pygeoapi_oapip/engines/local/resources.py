"""What the machine has: cores and memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...packages.resources import Resources

if TYPE_CHECKING:  # the fork server starts without them: they take longer to load than all the rest of it
    from ...settings import LocalEngine as Settings

_SHARE_OF_MEMORY = 0.9
_CGROUP = Path("/sys/fs/cgroup")


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


def _cgroup_words(name: str) -> list[str]:
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="ascii").rpartition("::")[2].strip().lstrip("/")
        for folder in (_CGROUP / own, _CGROUP):
            if (folder / name).exists():
                return (folder / name).read_text(encoding="ascii").split()
    except OSError:
        return []
    return []
