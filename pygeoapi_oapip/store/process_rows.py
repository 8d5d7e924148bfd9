"""Processes as rows, and back. The package is in columns of its own, so that lists do not read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from ..model.identity import Sharing
from ..model.json import JSON, JSONObject
from ..model.process import Input, JobControl, Output, Package, Process, Source
from .rows import from_micros, to_micros, to_text


def process_row(process: Process) -> dict[str, Any]:
    """All columns of a revision; `process_from_row` is its inverse.

    Raises:
        ValueError: `created` or `updated` is missing.
    """
    if process.created is None or process.updated is None:
        raise ValueError("a stored process has times")
    package = process.package
    return {
        "process_id": process.id,
        "revision": process.revision,
        "owner": process.owner,
        "created": to_micros(process.created),
        "updated": to_micros(process.updated),
        "summary": to_text(_summary(process)),
        "package": None if package is None else to_text(_package(package)),
        "document": None if package is None else to_text(package.document),
        "source": None if package is None else package.source,
    }


def sharing_of(public: bool, groups: str) -> Sharing:
    """From the columns `public` and `groups`."""
    return Sharing(public, frozenset(json.loads(groups)))


def listed_process(row: Row[Any]) -> Process:
    """The process of a row without package columns, with those of its sharing."""
    stored = json.loads(row.summary)
    return Process(
        id=row.process_id,
        version=stored["version"],
        title=stored["title"],
        description=stored["description"],
        inputs={name: Input(**_members(value)) for name, value in stored["inputs"].items()},
        outputs={name: Output(**_members(value)) for name, value in stored["outputs"].items()},
        package=None,
        keywords=tuple(stored["keywords"]),
        metadata=tuple(stored["metadata"]),
        job_control=tuple(JobControl(mode) for mode in stored["job_control"]),
        source=Source(stored["source"]),
        owner=row.owner,
        engine=stored["engine"],
        revision=row.revision,
        created=from_micros(row.created),
        updated=from_micros(row.updated),
        extra=stored["extra"],
        locked=stored.get("locked", False),
        sharing=sharing_of(row.public, row.groups),
    )


def process_from_row(row: Row[Any]) -> Process:
    """The process of a row with all columns."""
    process = listed_process(row)
    if row.package is None:
        return process
    stored = json.loads(row.package)
    package = Package(document=json.loads(row.document), source=bytes(row.source), **stored)
    return replace(process, package=package)


def _summary(process: Process) -> JSONObject:
    return {
        "version": process.version,
        "title": process.title,
        "description": process.description,
        "inputs": {name: _described(item) | _occurs(item) for name, item in process.inputs.items()},
        "outputs": {name: _described(item) for name, item in process.outputs.items()},
        "keywords": process.keywords,
        "metadata": process.metadata,
        "job_control": [mode.value for mode in process.job_control],
        "source": process.source.value,
        "engine": process.engine,
        "extra": process.extra,
        "locked": process.locked,
    }


def _described(item: Input | Output) -> dict[str, JSON]:
    return {
        "id": item.id,
        "title": item.title,
        "schema": item.schema,
        "description": item.description,
        "keywords": item.keywords,
        "metadata": item.metadata,
    }


def _occurs(item: Input) -> dict[str, JSON]:
    return {"min_occurs": item.min_occurs, "max_occurs": item.max_occurs}


def _members(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {**stored, "keywords": tuple(stored["keywords"]), "metadata": tuple(stored["metadata"])}


def _package(package: Package) -> JSONObject:
    return {
        "entry": package.entry,
        "media_type": package.media_type,
        "requires_container": package.requires_container,
        "requires_javascript": package.requires_javascript,
        "cwl_version": package.cwl_version,
    }
