"""A package in other forms than the one it was deployed in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..model.json import JSONObject
from ..model.process import Package
from .document import process_id, processes, reachable
from .units import CWL_MEDIA_TYPES

_SERVER_MEMBERS = frozenset({"links", "created", "updated", "revision"})


def is_cwl(package: Package) -> bool:
    """True for a package that was deployed as CWL, and not inside something else."""
    return package.media_type.partition(";")[0] in CWL_MEDIA_TYPES


def is_json(package: Package) -> bool:
    """True if the text that was deployed is JSON."""
    return package.source.lstrip()[:1] == b"{" and "multipart" not in package.media_type


def cwl_document(package: Package) -> JSONObject:
    """The CWL that runs: one document that refers to no other, with the entry point and what it uses."""
    document = package.document
    if "$graph" not in document:
        return document
    used = [id(item) for item in reachable(document, package.entry)]
    names = {process_id(item) for item in reachable(document, package.entry) if "class" in item}
    graph = [item for item in processes(document) if id(item) in used or process_id(item) in names]
    return {**document, "$graph": graph}


def cwl_json(package: Package) -> bytes:
    """The CWL that runs as JSON."""
    return json.dumps(cwl_document(package), ensure_ascii=False, indent=2).encode("utf-8", "replace")


def cwl_yaml(package: Package) -> bytes:
    """The CWL that runs as YAML."""
    import yaml

    plain = json.loads(json.dumps(cwl_document(package)))
    return bytes(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, encoding="utf-8", width=120))


def application_package(package: Package, description: Mapping[str, Any]) -> bytes:
    """An OGC application package that deploys the same process (Part 2 ogcapppkg.yaml).

    Args:
        package: what runs.
        description: Part 1 process.yaml.
    """
    own = {key: value for key, value in description.items() if key not in _SERVER_MEMBERS}
    for kind in ("inputs", "outputs"):
        # CWL types and defaults are told by the CWL, and would be told twice after the next deployment
        items: Mapping[str, Mapping[str, Any]] = own.get(kind) or {}
        own[kind] = {name: {k: v for k, v in item.items() if k != "metadata"} for name, item in items.items()}
    document = {
        "processDescription": own,
        "executionUnit": {"value": cwl_document(package), "mediaType": "application/cwl+json"},
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "replace")
