"""The OpenAPI 3.0 document: our routes from the fragments in `openapi/`, the live processes, and pygeoapi's own."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast
from urllib.parse import quote

import yaml

from ..model.process import Input, Process
from .door import Door

LIVE_PATHS = 200
"""Processes that get an execution path of their own, with the schemas of their inputs. Beyond that the document would
outgrow its readers; `/processes/{processID}/execution` stands for all."""

_TAGS = (
    ("server", "Landing page, conformance, health"),
    ("processes", "What can be executed (Part 1)"),
    ("deploy", "Deploy, replace, undeploy (Part 2)"),
    ("jobs", "Executions and their results (Part 1)"),
)


@lru_cache(maxsize=16)
def _fragment(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath("openapi", name).read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


@lru_cache(maxsize=1)
def _own_paths() -> dict[str, Any]:
    """The path items of all fragments `openapi/paths*.yaml`; a path stands in one of them only."""
    found: dict[str, Any] = {}
    for item in sorted(files(__package__).joinpath("openapi").iterdir(), key=lambda entry: entry.name):
        if item.name.startswith("paths"):
            found |= _fragment(item.name)
    return found


def build(door: Door) -> dict[str, Any]:
    """The document for the present principal and base.

    Paths of pygeoapi's document that are not ours are kept, and its components under their own names.
    """
    options = door.options
    host = options.host.openapi()
    components = deepcopy(_fragment("components.yaml"))
    components["parameters"]["limitProcesses"]["schema"] |= {"default": options.page, "maximum": options.max_page}
    components["parameters"]["limitJobs"]["schema"] |= {"default": options.jobs_page, "maximum": options.max_page}
    processes = door.operations.processes(door.principal, LIVE_PATHS, 0).processes
    return {
        "openapi": "3.0.3",
        "info": _info(door, host.get("info", {})),
        "servers": [{"url": door.links.base or "/"}],
        "tags": _merged_tags(host),
        "paths": {
            **_host_paths(host),
            **_own_paths(),
            **{_path(item): _execution(item) for item in processes},
        },
        "components": _merged_components(host.get("components", {}), components),
    }


def _info(door: Door, host: Mapping[str, Any]) -> dict[str, Any]:
    options = door.options
    members = {
        "title": options.title,
        "description": options.description,
        "version": str(host.get("version") or "1.0.0"),
        "contact": dict(options.contact),
        "license": dict(options.license),
    }
    return {key: value for key, value in members.items() if value}


def _host_paths(host: Mapping[str, Any]) -> dict[str, Any]:
    paths: Mapping[str, Any] = host.get("paths") or {}
    return {path: item for path, item in paths.items() if not path.startswith(("/processes", "/jobs"))}


def _merged_tags(host: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = [{"name": name, "description": text} for name, text in _TAGS]
    names = {name for name, _ in _TAGS}
    return own + [tag for tag in host.get("tags") or () if tag.get("name") not in names]


def _merged_components(host: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    kinds = dict.fromkeys([*own, *host])
    return {kind: {**host.get(kind, {}), **own.get(kind, {})} for kind in kinds}


def _path(process: Process) -> str:
    return f"/processes/{quote(process.id, safe='')}/execution"


def _execution(process: Process) -> dict[str, Any]:
    generic = _own_paths()["/processes/{processID}/execution"]["post"]
    inputs = {key: _input_schema(item) for key, item in process.inputs.items()}
    required = [key for key, item in process.inputs.items() if item.min_occurs > 0]
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/execute"},
            {
                "type": "object",
                "properties": {
                    "inputs": {"type": "object", "properties": inputs, **({"required": required} if required else {})}
                },
            },
        ]
    }
    return {
        "post": {
            **generic,
            "operationId": f"execute.{process.id}",
            "summary": f"Execute {process.title or process.id}",
            **({"description": process.description} if process.description else {}),
            "requestBody": {"content": {"application/json": {"schema": schema}}},
        }
    }


def _input_schema(item: Input) -> dict[str, Any]:
    """By value (once, or as an array where several are allowed) or by reference."""
    single = dict(item.schema)
    many = item.max_occurs is None or item.max_occurs > 1
    choices: list[dict[str, Any]] = [single, {"$ref": "#/components/schemas/link"}]
    if many:
        choices.append({"type": "array", "items": {}})
    return {"title": item.title or item.id, "anyOf": choices}
