"""CWL package -> OGC process description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urldefrag

from ..errors import InvalidPackage
from ..model.json import JSONObject
from ..model.process import Input, JobControl, Output, Package, Process
from .cwltypes import Parameter, TypeReader, requirement, text_of
from .document import process_id, reachable
from .schemaorg import keywords_of, metadata_of, terms_of
from .schemas import default_fits, schema_of, type_text

MAIN = "main"
"""What CWL calls the entry point of a `$graph`, so that it names no process among others."""

DEFAULT_VERSION = "1.0.0"
"""Of packages that do not say `s:softwareVersion`; Part 1 demands a version."""

SHORT = 60
"""Seconds: where every tool of a package has a ToolTimeLimit up to this, it may be run synchronously."""

CWL_TYPE = "https://w3id.org/cwl/cwl#type"
CWL_DEFAULT = "https://w3id.org/cwl/cwl#default"
CWL_SECONDARY = "https://w3id.org/cwl/cwl#secondaryFiles"


def describe(package: Package, process_id: str | None = None, *, address: str = "") -> Process:
    """The process that a package defines.

    Args:
        package: as `load_package` made it.
        process_id: the id to give it; None: the entry point's.
        address: path or URL of the package: its file name is the id where the entry point has none, or `main`.

    Raises:
        InvalidPackage: no id can be derived; give one.
    """
    reader = TypeReader(package.document, package.entry)
    outer = package.document if "$graph" in package.document else {}
    terms = terms_of([reader.process, outer], reader.namespaces)
    identifier = _clean_id(process_id) if process_id is not None else derive_id(package, address)
    if not identifier:
        raise InvalidPackage(
            "The process has no id. Give the CWL process an `id` of letters, digits, `_`, `.` or `-`, "
            "or deploy it with a process description that has one."
        )
    title = text_of(reader.process.get("label")) or text_of(terms.get("name")) or identifier
    return Process(
        id=identifier,
        version=str(terms.get("softwareVersion") or terms.get("version") or DEFAULT_VERSION),
        title=title,
        description=text_of(reader.process.get("doc")) or text_of(terms.get("description")) or title,
        inputs={item.id: _input(item) for item in reader.inputs()},
        outputs={item.id: _output(item) for item in reader.outputs()},
        package=package,
        keywords=keywords_of(terms),
        metadata=metadata_of(terms),
        job_control=_job_control(package),
    )


def derive_id(package: Package, address: str = "") -> str:
    """The id of the package's entry point, made fit for a URL, or the name of its file where that says more.

    Args:
        package: as `load_package` made it.
        address: as in `describe`.

    Returns:
        "" where neither has one.
    """
    own = _clean_id(process_id(TypeReader(package.document, package.entry).process))
    if own and own != MAIN:
        return own
    name = unquote(urldefrag(address)[0].rpartition("/")[2])
    return _clean_id(name.partition(".")[0]) or own


def _clean_id(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")


def _input(item: Parameter) -> Input:
    array = item.type.kind == "array"
    schema = schema_of(item.type.items[0] if array else item.type, given=True)
    metadata = _metadata(item)
    if item.has_default:
        if not array and default_fits(item.type, item.default):
            schema["default"] = item.default
        else:
            metadata.append({"title": "Default", "role": CWL_DEFAULT, "value": _as_value(item.default)})
    return Input(
        id=item.id,
        title=item.label or item.id,
        description=item.doc or item.label,
        schema=schema,
        min_occurs=0 if item.optional else 1,
        max_occurs=None if array else 1,
        metadata=tuple(metadata),
    )


def _output(item: Parameter) -> Output:
    return Output(
        id=item.id,
        title=item.label or item.id,
        description=item.doc or item.label,
        schema=schema_of(item.type),
        metadata=tuple(_metadata(item)),
    )


def _metadata(item: Parameter) -> list[JSONObject]:
    found: list[JSONObject] = [{"title": "CWL type", "role": CWL_TYPE, "value": type_text(item.type)}]
    files = item.type.items[0] if item.type.kind == "array" else item.type
    if files.secondary:
        patterns = ", ".join(files.secondary)
        found.append({"title": "Secondary files", "role": CWL_SECONDARY, "value": patterns})
    return found


def _as_value(value: Any) -> Any:
    """metadata.yaml `value`: text or an object."""
    return value if isinstance(value, str | Mapping) else {"value": value}


def _job_control(package: Package) -> tuple[JobControl, ...]:
    asynchronous = (JobControl.ASYNC, JobControl.DISMISS)
    return (JobControl.SYNC, *asynchronous) if _is_short(package) else asynchronous


def _is_short(package: Package) -> bool:
    """True if every tool is an ExpressionTool, or may take no longer than SHORT seconds."""
    everything = reachable(package.document, package.entry)
    return all(_limited(item) for item in everything if item.get("class") == "CommandLineTool")


def _limited(tool: JSONObject) -> bool:
    limit = (requirement(tool, "ToolTimeLimit") or {}).get("timelimit")
    return isinstance(limit, int | float) and not isinstance(limit, bool) and 0 < limit <= SHORT
