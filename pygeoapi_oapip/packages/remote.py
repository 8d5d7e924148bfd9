"""A process of another OGC API - Processes server: its description (Part 1 process.yaml) as a process of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..errors import UnresolvableReference
from ..model.json import JSON, JSONObject
from ..model.process import Input, JobControl, Output, Package, Process

CLASS = "RemoteProcess"
"""`class` of the document of such a package, where a CWL document has its own."""
ENGINE = "remote"
"""Name of the engine that runs such packages."""
_EXECUTE = ("http://www.opengis.net/def/rel/ogc/1.0/execute", "execute")
_MOST = 1000
"""Inputs or outputs of a process."""


def is_remote(package: Package) -> bool:
    """True for the package of a process of another server."""
    return package.document.get("class") == CLASS


def read_remote(document: JSON, address: str) -> Process:
    """The process of a description.

    Args:
        document: what the other server answered.
        address: URL of the description.

    Raises:
        UnresolvableReference: it is no process description.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("id"), str):
        raise UnresolvableReference(f"{address} is not the description of a process")
    inputs = {name: _input(name, item) for name, item in _members(document, "inputs", address).items()}
    outputs = {name: _output(name, item) for name, item in _members(document, "outputs", address).items()}
    title = _text(document.get("title")) or str(document["id"])
    body: dict[str, JSON] = {
        "class": CLASS,
        "process": address,
        "execution": _execution(document, address),
        "byReference": "reference" in _list(document.get("outputTransmission")),
        "outputs": {name: dict(output.schema) for name, output in outputs.items()},
    }
    source = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Process(
        id=address,
        version=_text(document.get("version")) or "1.0.0",
        title=title,
        description=_text(document.get("description")) or title,
        inputs=inputs,
        outputs=outputs,
        package=Package(body, "", source, "application/json", cwl_version=""),
        job_control=(JobControl.ASYNC, JobControl.DISMISS),
        engine=ENGINE,
        revision=0,
    )


def remote_process(package: Package) -> Process:
    """The process that a package of `read_remote` came from."""
    process = read_remote(json.loads(package.source), str(package.document["process"]))
    return replace(process, package=package)


def asking_for(package: Package, output: str) -> Package:
    """The same package, of whose outputs only one is asked for."""
    schemas: Any = package.document["outputs"]
    return replace(package, document={**package.document, "outputs": {output: schemas[output]}})


def _execution(document: JSONObject, address: str) -> str:
    """The link of the description, if it stays on that server; else the path of the standard."""
    for item in _list(document.get("links")):
        if isinstance(item, Mapping) and item.get("rel") in _EXECUTE and isinstance(item.get("href"), str):
            try:
                found = urljoin(address, str(item["href"]))
                if urlsplit(found)[:2] == urlsplit(address)[:2]:
                    return found
            except ValueError:
                continue
    return f"{address.partition('?')[0].rstrip('/')}/execution"


def _members(document: JSONObject, name: str, address: str) -> dict[str, JSONObject]:
    found = document.get(name) or {}
    if isinstance(found, Sequence) and not isinstance(found, str):
        found = {str(item.get("id")): item for item in found if isinstance(item, Mapping)}
    if not isinstance(found, Mapping) or len(found) > _MOST:
        raise UnresolvableReference(f"{address} is not the description of a process: {name} is not an object")
    return {str(key): item if isinstance(item, Mapping) else {} for key, item in found.items()}


def _input(name: str, item: JSONObject) -> Input:
    least, most = item.get("minOccurs", 1), item.get("maxOccurs", 1)
    return Input(
        id=name,
        title=_text(item.get("title")) or name,
        schema=_schema(item),
        description=_text(item.get("description")),
        min_occurs=least if isinstance(least, int) and not isinstance(least, bool) else 1,
        max_occurs=most if isinstance(most, int) and not isinstance(most, bool) else None,
    )


def _output(name: str, item: JSONObject) -> Output:
    return Output(name, _text(item.get("title")) or name, _schema(item), _text(item.get("description")))


def _schema(item: JSONObject) -> JSONObject:
    """The schema; one that is only told by reference allows everything here, and is checked there."""
    schema = item.get("schema")
    return schema if isinstance(schema, Mapping) and "$ref" not in schema else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
