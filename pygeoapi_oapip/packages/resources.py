"""What a package asks for: cores and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.json import JSON, JSONObject

MIB = 2**20
_RESOURCES = frozenset({"ResourceRequirement"})
_CUDA = frozenset({"cwltool:CUDARequirement", "http://commonwl.org/cwltool#CUDARequirement"})
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


def disk(document: JSONObject) -> float:
    """Bytes of disk that a package asks for: the largest `tmpdirMin` plus `outdirMin` of its ResourceRequirements.

    A maximum given alone is the minimum too. Nothing asked for is nothing: CWL's defaults are no one's wish.
    """
    return (
        max((_least(row, "tmpdir", 0) + _least(row, "outdir", 0) for row in _requirements(document)), default=0) * MIB
    )


def gpus(document: JSONObject) -> float:
    """GPUs that a package asks for: the largest `cudaDeviceCountMin` of its CUDARequirements (an extension of cwltool,
    which calls one GPU the default)."""
    asked = (_least(row, "cudaDeviceCount", 1) for row in _requirements(document, _CUDA))
    return max(asked, default=0)


def _least(requirement: JSONObject, name: str, default: float) -> float:
    for key in (f"{name}Min", f"{name}Max"):
        value = requirement.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return default


def _requirements(value: JSON, names: frozenset[str] = _RESOURCES) -> Iterator[JSONObject]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("requirements", "hints"):
                yield from _entries(inner, names)
            else:
                yield from _requirements(inner, names)
    elif isinstance(value, list):
        for inner in value:
            yield from _requirements(inner, names)


def _entries(value: JSON, names: frozenset[str]) -> Iterator[JSONObject]:
    """Requirements come as a list of objects with `class`, or as a mapping by class."""
    if isinstance(value, dict):
        yield from (entry for name, entry in value.items() if name in names and isinstance(entry, dict))
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, dict) and entry.get("class") in names)
