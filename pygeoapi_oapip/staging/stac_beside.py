"""A minimal STAC Item beside each plain file of the results, where the settings ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ..errors import StorageUnavailable
from ..model.json import JSONObject
from ..model.value import DirectoryOutput, FileOutput, OutputValue, with_files
from .stac_output import GEOJSON

SUFFIX = ".stac.json"


def with_items(
    outputs: Mapping[str, OutputValue], job_id: str, created: datetime, workspace: Path
) -> Mapping[str, OutputValue]:
    """The outputs, each file of the job's folder with its Item as a secondary file. Writing it again makes the same
    bytes, so a repeated step changes nothing.

    Args:
        outputs: files that are elsewhere (`s3://`) get none.
        job_id: the ids of the Items begin with it.
        created: time of the Items: they say nothing better of it.
        workspace: the folder of the job.

    Raises:
        StorageUnavailable: the disk is full or read-only.
    """
    below: set[str] = set()
    for value in outputs.values():
        with_files(value, lambda leaf: _noted(leaf, below))

    def add(leaf: FileOutput | DirectoryOutput) -> FileOutput | DirectoryOutput:
        if not isinstance(leaf, FileOutput) or leaf.href in below or "://" in leaf.href:
            return leaf
        return _beside(leaf, job_id, created, workspace)

    return {name: with_files(value, add) for name, value in outputs.items()}


def _noted(leaf: FileOutput | DirectoryOutput, below: set[str]) -> FileOutput | DirectoryOutput:
    if isinstance(leaf, FileOutput):
        below.update(part.href for part in leaf.secondary)
    return leaf


def _beside(leaf: FileOutput, job_id: str, created: datetime, workspace: Path) -> FileOutput:
    href = leaf.href + SUFFIX
    path, name = workspace / href, leaf.name + SUFFIX
    if not path.resolve().is_relative_to(workspace.resolve()) or any(part.name == name for part in leaf.secondary):
        return leaf
    content = json.dumps(_item(leaf, job_id, created), indent=1).encode("utf-8")
    try:
        if path.exists() and path.read_bytes() != content:
            return leaf  # the tool has made one of this name itself
        path.write_bytes(content)
    except OSError as error:
        raise StorageUnavailable(f"an Item beside a result cannot be written: {error.strerror}") from error
    item = FileOutput(href, name, GEOJSON, len(content))
    return replace(leaf, secondary=(*leaf.secondary, item))


def _item(leaf: FileOutput, job_id: str, created: datetime) -> JSONObject:
    parts = [leaf, *(part for part in leaf.secondary if isinstance(part, FileOutput))]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/file/v2.1.0/schema.json"],
        "id": f"{job_id}-{leaf.name}",
        "geometry": None,
        "properties": {"datetime": created.astimezone(UTC).isoformat().replace("+00:00", "Z"), "title": leaf.name},
        "links": [],
        "assets": {part.name: _asset(part, part is leaf) for part in parts},
    }


def _asset(part: FileOutput, main: bool) -> JSONObject:
    kind = {"type": part.media_type} if part.media_type else {}
    roles = ["data"] if main else ["metadata"]
    href = f"./{quote(part.href.rpartition('/')[2])}"
    return {"href": href, **kind, "roles": roles, "title": part.name, "file:size": part.size}
