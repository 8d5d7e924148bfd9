"""Requirements that a document of CWL v1.0 has borrowed from later versions.

Stage tools and packages of EOEPCA say v1.0 and `NetworkAccess`, which CWL has since v1.1. cwltool knows these in v1.0
under names of its own, and brings them up to v1.1 when it runs the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .document import version_of

_PREFIX = "cwltool"
_ADDRESS = "http://commonwl.org/cwltool#"
_NAMES = {
    "NetworkAccess": "NetworkAccess",
    "WorkReuse": "WorkReuse",
    "ToolTimeLimit": "TimeLimit",
    "LoadListingRequirement": "LoadListingRequirement",
    "InplaceUpdateRequirement": "InplaceUpdateRequirement",
}
_PLACES = ("requirements", "hints")


def with_own_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document itself where nothing is borrowed; else a copy with the names that cwltool knows in v1.0."""
    if version_of(document) != "v1.0":
        return document
    changed = _renamed(document)
    if changed == document:
        return document
    namespaces = document.get("$namespaces")
    return {**changed, "$namespaces": {**(namespaces if isinstance(namespaces, Mapping) else {}), _PREFIX: _ADDRESS}}


def _renamed(value: Any, place: str = "") -> Any:
    if isinstance(value, Mapping):
        found = {}
        for key, item in value.items():
            name = f"{_PREFIX}:{_NAMES[key]}" if place in _PLACES and key in _NAMES else key
            found[name] = _renamed(item, key)
        if place == "row" and found.get("class") in _NAMES:
            found["class"] = f"{_PREFIX}:{_NAMES[found['class']]}"
        return found
    if isinstance(value, list):
        return [_renamed(item, "row" if place in _PLACES else "") for item in value]
    return value
