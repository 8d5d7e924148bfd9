"""The OpenAPI document of the present server."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ...errors import Forbidden, Unauthorized
from ...model.process import Process
from ...store.base import ProcessPage
from ..door import Door
from . import beside, fragments, security
from .processes import GENERIC, by_query, execution_of, path_of
from .schemas30 import strict

VERSION = "3.0.3"

LIVE_PATHS = 1000
"""Processes that get an execution path of their own, those of the first page of the list. Beyond that
`/processes/{processID}/execution` stands for all: the document would outgrow its readers."""

_TAGS = (
    ("processes", "What can be executed"),
    ("execution", "Executing each process"),
    ("jobs", "Executions and their results"),
    ("deploy", "Deploying, replacing and undeploying processes"),
    ("server", "Landing page, conformance, API definition, health"),
)


def build(door: Door) -> dict[str, Any]:
    """The OpenAPI 3.0 document for the present principal and base.

    Paths of pygeoapi's document that are not ours are kept, and its components under their own names.
    """
    options = door.options
    host = options.host.openapi()
    own = _components(door)
    paths = fragments.paths()
    theirs = beside.cleaned(host, own, paths)
    page = _visible(door)
    ours = {**_complete(paths), **{path_of(item): execution_of(item) for item in page.processes}}
    return {
        "openapi": VERSION,
        "info": _info(door, host.get("info") or {}, page.processes, page.total),
        "servers": [{"url": door.links.base or "/"}],
        **({"security": [{name: []} for name in options.security]} if options.security else {}),
        "tags": _tags(theirs),
        "paths": {**(security.secured(ours) if options.security else ours), **theirs.paths},
        "components": {
            kind: {**theirs.components.get(kind, {}), **own.get(kind, {})}
            for kind in dict.fromkeys((*own, *theirs.components))
        },
    }


def _visible(door: Door) -> ProcessPage:
    """The processes that have a path; none for those who may not see any: the rest of the document is for all."""
    try:
        return door.operations.processes(door.principal, LIVE_PATHS, 0)
    except (Unauthorized, Forbidden):
        return ProcessPage((), False, 0)


def _complete(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Every execution path has the methods of the generic one, whose route answers them."""
    missing = {
        path: {**item, **by_query(path.split("/")[2])}
        for path, item in paths.items()
        if path.startswith("/processes/") and path.endswith("/execution") and "get" not in item
    }
    return {**paths, **missing}


def _components(door: Door) -> dict[str, Any]:
    options = door.options
    found = deepcopy(fragments.components())
    found["parameters"]["limitProcesses"]["schema"] |= {"default": options.page}
    found["parameters"]["limitJobs"]["schema"] |= {"default": options.jobs_page}
    found["schemas"] = {name: strict(schema) for name, schema in found["schemas"].items()}
    if options.security:
        found["securitySchemes"] = {name: dict(scheme) for name, scheme in options.security.items()}
    return found


def _info(door: Door, host: Mapping[str, Any], shown: tuple[Process, ...], total: int) -> dict[str, Any]:
    options = door.options
    left = f"{total - len(shown)} more processes are executed at `{GENERIC}`." if total > len(shown) else ""
    members = {
        "title": options.title,
        "description": "\n\n".join(text for text in (options.description, left) if text),
        "version": str(host.get("version") or "1.0.0"),
        "contact": dict(options.contact),
        "license": _license(options.license),
    }
    return {key: value for key, value in members.items() if value}


def _license(given: Mapping[str, Any]) -> dict[str, Any]:
    """A License Object must have a name."""
    return {"name": given.get("url"), **given} if given else {}


def _tags(theirs: beside.Beside) -> list[dict[str, Any]]:
    """Ours, then those of pygeoapi that an operation has."""
    used = {tag for item in theirs.paths.values() for row in item.values() if "tags" in row for tag in row["tags"]}
    further = {tag["name"]: tag for tag in theirs.tags if tag["name"] in used}
    return list(({name: {"name": name, "description": text} for name, text in _TAGS} | further).values())
