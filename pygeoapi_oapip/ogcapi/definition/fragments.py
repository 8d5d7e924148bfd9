"""The parts of the API definition that do not depend on the server: `openapi/*.yaml`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

import yaml

_PACKAGE = "pygeoapi_oapip.ogcapi"


def components() -> dict[str, Any]:
    """`components*.yaml` as one Components Object; callers must not change it."""
    return _merged("components")


def paths() -> dict[str, Any]:
    """`paths*.yaml` as one Paths Object; callers must not change it."""
    return _merged("paths")


@lru_cache(maxsize=4)
def _merged(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in sorted(files(_PACKAGE).joinpath("openapi").iterdir(), key=lambda entry: entry.name):
        if item.name.startswith(kind):
            for key, value in cast("dict[str, Any]", yaml.safe_load(item.read_text(encoding="utf-8"))).items():
                found[key] = {**found.get(key, {}), **_lenient(value)}
    return found


def _lenient(node: Any) -> Any:
    """Every query parameter may be empty (`?limit=`), which counts as absent: forms send that."""
    if isinstance(node, list):
        return [_lenient(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _lenient(value) for key, value in node.items()}
    return {**found, "allowEmptyValue": True} if found.get("in") == "query" else found
