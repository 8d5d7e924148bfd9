"""What a package asks for: cores and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.json import JSON, JSONObject

MIB = 2**20
_DEFAULT_CORES = 1.0
_DEFAULT_RAM = 256.0
"""MiB; both as CWL v1.2 ResourceRequirement has them."""


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of cores and memory."""

    cores: float
    memory: float
    """Bytes."""

    def covers(self, wanted: Resources) -> bool:
        """True if `wanted` fits into this amount."""
        return wanted.cores <= self.cores and wanted.memory <= self.memory


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
