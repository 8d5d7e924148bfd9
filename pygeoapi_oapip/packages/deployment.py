"""Part 2 deploy and replace bodies: CWL, or an OGC application package around it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urldefrag

from ..errors import InvalidPackage, UnsupportedMediaType
from ..model.json import JSON, JSONObject
from ..model.process import Input, JobControl, Output, Package, Process
from .cwltypes import text_of
from .describe import derive_id, describe
from .document import as_list
from .guard import parse_mapping
from .load import Fetch, load_package

CWL_MEDIA_TYPES = ("application/cwl", "application/cwl+yaml", "application/cwl+json")
APPLICATION_PACKAGE = "application/ogcapppkg+json"
BY_CONTENT = ("application/json", "application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "")
"""Media types that do not tell what is in the body, so that the body itself is looked at."""

_CONTAINERS = ("docker", "oci")
_ID = re.compile(r"[A-Za-z0-9_.-]+")
_KNOWN = frozenset(
    {"id", "title", "description", "version", "keywords", "metadata", "jobControlOptions", "inputs", "outputs"}
)
_OF_THE_SERVER = frozenset({"links", "outputTransmission", "mutable", "process", "processDescription", "executionUnit"})


def read_deployment(body: bytes, media_type: str, *, workflow: str | None, fetch: Fetch, max_bytes: int) -> Process:
    """The process that a deploy or replace request defines.

    Args:
        body: CWL (YAML or JSON), or an OGC application package (Part 2 ogcapppkg.yaml).
        media_type: of the Content-Type header, without parameters; "" if there was none.
        workflow: the `w` query parameter.
        fetch: reads what the body refers to.
        max_bytes: largest accepted body, and largest accepted CWL document behind an `href`.

    Raises:
        UnsupportedMediaType: `media_type` is none of CWL, OGC application package, JSON or YAML.
        InvalidPackage, WorkflowNotFound, AmbiguousWorkflow, TooLarge: the body.
        OapipError: what `fetch` raises.
    """
    kind = require_media_type(media_type)
    parsed = parse_mapping(body, max_bytes=max_bytes)
    if "executionUnit" in parsed or "processDescription" in parsed:
        reading = _ApplicationPackage(parsed, workflow, fetch, max_bytes)
        package = replace(reading.package(), source=body, media_type=_media_type(kind, APPLICATION_PACKAGE))
        return reading.described(package)
    if kind == APPLICATION_PACKAGE or not {"cwlVersion", "class", "$graph"} & set(parsed):
        raise InvalidPackage(
            "The body is neither CWL (`cwlVersion` and `class` or `$graph`) nor an OGC application package "
            "(`executionUnit`)."
        )
    guess = "application/cwl+json" if body.lstrip()[:1] == b"{" else "application/cwl+yaml"
    package = load_package(body, _media_type(kind, guess), entry=workflow, fetch=fetch, max_bytes=max_bytes)
    return describe(package)


def require_media_type(media_type: str) -> str:
    """The plain lower-case form of the media type of a package.

    Raises:
        UnsupportedMediaType: it is none of CWL, OGC application package, JSON or YAML (Part 2
            /req/deploy-replace-undeploy/deploy-unsupported-media-type).
    """
    kind = media_type.lower().partition(";")[0].strip()
    known = (*CWL_MEDIA_TYPES, APPLICATION_PACKAGE, *BY_CONTENT)
    if kind not in known:
        raise UnsupportedMediaType(
            f"Packages of type {kind} cannot be deployed; these can: {', '.join(filter(None, known))}."
        )
    return kind


def _media_type(kind: str, meant: str) -> str:
    return meant if kind in BY_CONTENT else kind


class _ApplicationPackage:
    """An OGC application package that is being read."""

    def __init__(self, parsed: JSONObject, workflow: str | None, fetch: Fetch, max_bytes: int) -> None:
        self.parsed = parsed
        self.workflow = workflow
        self.fetch = fetch
        self.max_bytes = max_bytes
        self.address = ""

    def package(self) -> Package:
        """The CWL package of the execution unit."""
        units = self.parsed.get("executionUnit")
        found = units if isinstance(units, list) else [] if units is None else [units]
        if len(found) != 1:
            raise InvalidPackage(f"`executionUnit` must be one unit (has {len(found)}).", location="executionUnit")
        unit = {"href": found[0]} if isinstance(found[0], str) else found[0]
        if not isinstance(unit, Mapping):
            raise InvalidPackage("`executionUnit` must be an object.", location="executionUnit")
        return self.unit(unit)

    def unit(self, unit: JSONObject) -> Package:
        if isinstance(unit.get("unit"), Mapping | str):
            return self.value(unit["unit"], unit)
        if "cwlVersion" in unit or "$graph" in unit:
            return self.value(unit, {})
        if unit.get("type") in _CONTAINERS or "image" in unit:
            raise InvalidPackage(
                "An executionUnit that is a container image is not supported yet; deploy a CWL CommandLineTool with a "
                "DockerRequirement instead.",
                location="executionUnit",
            )
        _check_unit_type(unit)
        if "value" in unit:
            return self.value(unit["value"], unit)
        if isinstance(unit.get("href"), str):
            return self.reference(str(unit["href"]))
        raise InvalidPackage(
            "`executionUnit` must have `href`, `value` or `unit`, or be a CWL document.", location="executionUnit"
        )

    def value(self, value: JSON, unit: JSONObject) -> Package:
        if isinstance(value, str):
            source = _decoded(value, str(unit.get("encoding") or ""))
        else:
            source = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return load_package(source, "", entry=self.workflow, fetch=self.fetch, max_bytes=self.max_bytes)

    def reference(self, href: str) -> Package:
        address, _ = urldefrag(href)
        if not address.startswith(("http://", "https://", "s3://")):
            raise InvalidPackage(
                f"The `href` of the executionUnit must be an http(s) URL (is {href[:200]!r}).", location="executionUnit"
            )
        self.address = address
        content = self.fetch(address)
        return load_package(content, "", entry=self.workflow, base_url=href, fetch=self.fetch, max_bytes=self.max_bytes)

    def described(self, package: Package) -> Process:
        """The process, with what the process description says of it."""
        description: Any = self.parsed.get("processDescription")
        if description is None:
            return describe(package, derive_id(package) or derive_id(package, self.address))
        if isinstance(description, Mapping) and isinstance(description.get("process"), Mapping):
            description = {**description, **description["process"]}
        if not isinstance(description, Mapping) or "href" in description:
            raise InvalidPackage("`processDescription` must be an object by value.", location="processDescription")
        return _enrich(
            describe(package, _id_of(description) or derive_id(package) or derive_id(package, self.address)),
            description,
        )


def _check_unit_type(unit: JSONObject) -> None:
    kind = unit.get("mediaType") or unit.get("type")
    if kind is not None and str(kind).partition(";")[0] not in (*CWL_MEDIA_TYPES, *BY_CONTENT, "text/plain"):
        raise InvalidPackage(
            f"An executionUnit of type {str(kind)[:100]!r} is not supported; {', '.join(CWL_MEDIA_TYPES)} are.",
            location="executionUnit",
        )


def _decoded(text: str, encoding: str) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidPackage("The value of the executionUnit is not base64.", location="executionUnit") from None


def _id_of(description: JSONObject) -> str | None:
    given = description.get("id")
    if given is None:
        return None
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise InvalidPackage(
            f"The process id {str(given)[:100]!r} is not allowed: letters, digits, `_`, `.` and `-` are.",
            location="processDescription.id",
        )
    return given


def _enrich(process: Process, description: JSONObject) -> Process:
    members: dict[str, Any] = {
        key: _text(description, key) for key in ("title", "description", "version") if description.get(key) is not None
    }
    if description.get("keywords") is not None:
        members["keywords"] = _keywords(description["keywords"])
    if description.get("metadata") is not None:
        members["metadata"] = _metadata(description["metadata"])
    if description.get("jobControlOptions") is not None:
        members["job_control"] = _job_control(description["jobControlOptions"])
    return replace(
        process,
        **members,
        inputs=_enrich_all(process.inputs, description.get("inputs"), "inputs"),
        outputs=_enrich_all(process.outputs, description.get("outputs"), "outputs"),
        extra={key: value for key, value in description.items() if key not in _KNOWN | _OF_THE_SERVER},
    )


def _text(description: JSONObject, key: str) -> str:
    value = description[key]
    if isinstance(value, Mapping | bool):
        raise InvalidPackage(f"`{key}` of the process description must be text.", location=f"processDescription.{key}")
    return text_of(value)


def _keywords(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidPackage("`keywords` of the process description must be a list of words.")
    return tuple(value)


def _metadata(value: JSON) -> tuple[JSONObject, ...]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise InvalidPackage("`metadata` of the process description must be a list of objects.")
    return tuple(value)


def _job_control(value: JSON) -> tuple[JobControl, ...]:
    words = value if isinstance(value, list) else []
    wanted = [option for option in JobControl if option.value in words]
    if not words or len(wanted) != len(set(map(str, words))):
        known = ", ".join(JobControl)
        raise InvalidPackage(f"`jobControlOptions` must be a list of {known} (is {json.dumps(value)[:100]}).")
    if JobControl.SYNC not in wanted and JobControl.ASYNC not in wanted:
        raise InvalidPackage("`jobControlOptions` must have sync-execute or async-execute.")
    return tuple(wanted)


_Described = TypeVar("_Described", Input, Output)


def _enrich_all(known: Mapping[str, _Described], given: JSON, kind: str) -> Mapping[str, _Described]:
    """Titles and texts of inputs or outputs; their types are CWL's."""
    if given is None:
        return known
    if not isinstance(given, Mapping | list):
        raise InvalidPackage(f"`{kind}` of the process description must be an object keyed by id.")
    found = dict(known)
    for item in as_list(given, "id"):
        name = str(item.get("id", "")) if isinstance(item, Mapping) else str(item)
        if name not in known:
            raise InvalidPackage(
                f"The process description has {kind}.{name}, which the CWL has not ({', '.join(known) or 'none'}).",
                location=f"processDescription.{kind}.{name}",
            )
        found[name] = _enrich_one(known[name], item if isinstance(item, Mapping) else {}, f"{kind}.{name}")
    return found


def _enrich_one(known: _Described, item: JSONObject, place: str) -> _Described:
    members: dict[str, Any] = {}
    for key in ("title", "description"):
        if isinstance(item.get(key), str):
            members[key] = item[key]
        elif item.get(key) is not None:
            raise InvalidPackage(f"{place}.{key} of the process description must be text.")
    if item.get("keywords") is not None:
        members["keywords"] = _keywords(item["keywords"])
    if item.get("metadata") is not None:
        members["metadata"] = (*known.metadata, *_metadata(item["metadata"]))
    return replace(known, **members)


__all__ = ["read_deployment"]
