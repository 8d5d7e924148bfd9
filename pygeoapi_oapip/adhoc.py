"""Ad-hoc execution: a request that brings its own CWL (Part 3 class `cwl-workflows`; docs/adhoc-cwl.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BadRequest, UnsupportedMediaType
from .model.json import JSON, JSONObject
from .model.process import AD_HOC, JobControl, Process, Source
from .operations import Deployment
from .packages.guard import parse_mapping
from .packages.parts import Part, is_multipart, join_parts, read_parts
from .packages.units import CWL_MEDIA_TYPES

ENDPOINT = Process(
    id=AD_HOC,
    version="1.0.0",
    title="Ad-hoc CWL",
    description="Executes the CWL that comes with the request, without deploying it. Its inputs and outputs are those "
    "of that CWL.",
    inputs={},
    outputs={},
    package=None,
    keywords=("CWL",),
    job_control=(JobControl.ASYNC, JobControl.SYNC, JobControl.DISMISS),
    source=Source.BUILTIN,
)
"""What `GET /processes/CWL` describes."""

EXECUTE_PROFILE = "ogc-execute-request"
_JSON = ("application/json", "application/ogcapppkg+json", "application/x-www-form-urlencoded", "")
_YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
_PACKAGE = ("executionUnit", "processDescription", "deploymentProfile", "deploymentProfileName")
_REQUEST = ("inputs", "outputs", "response", "subscriber", "mode")
_FIELDS = ("inputs", "outputs", "response", "subscriber", "mode", "w")

Parse = Callable[[bytes], JSON]
"""Reads JSON strictly. Raises BadRequest."""


@dataclass(frozen=True, slots=True)
class AdHoc:
    """What an ad-hoc request says."""

    deployment: Deployment
    """The CWL, as if it were to be deployed."""
    request: JSONObject
    """The execute request (execute.yaml)."""


def read_adhoc(body: bytes, content_type: str, query: Mapping[str, str], parse: Parse) -> AdHoc:
    """Read an ad-hoc request in any of its forms.

    Args:
        body: the whole body.
        content_type: the Content-Type header.
        query: `w`, and for bare CWL `inputs`, `outputs` and `response`.
        parse: reads JSON.

    Raises:
        UnsupportedMediaType: the body is neither CWL nor JSON nor multipart.
        BadRequest: the body has no CWL, or a part of it cannot be read.
    """
    kind = content_type.partition(";")[0].strip().lower()
    workflow = query.get("w") or None
    if is_multipart(kind):
        return _from_parts(body, content_type, workflow, parse)
    if kind in (*CWL_MEDIA_TYPES, *_YAML):
        return _from_cwl(body, kind, query, parse)
    if kind not in _JSON and body.lstrip()[:1] != b"{":
        raise UnsupportedMediaType(
            f"An ad-hoc execution takes {', '.join(CWL_MEDIA_TYPES)}, application/json or multipart/related "
            f"(is {kind[:100]})."
        )
    return _from_json(body, workflow, query, parse)


def _from_cwl(body: bytes, kind: str, query: Mapping[str, str], parse: Parse) -> AdHoc:
    """Bare CWL; what it is given are its defaults, or the JSON of the query parameters."""
    request = {key: _parameter(key, query[key], parse) for key in ("inputs", "outputs", "response") if query.get(key)}
    return AdHoc(Deployment(body, kind, query.get("w") or None, kind), request)


def _parameter(key: str, text: str, parse: Parse) -> JSON:
    if key in ("response", "mode"):
        return text.strip()
    try:
        return parse(text.encode("utf-8", "replace"))
    except BadRequest as error:
        raise BadRequest(f"{key}: {error.detail}", location=key) from None


def _from_json(body: bytes, workflow: str | None, query: Mapping[str, str], parse: Parse) -> AdHoc:
    value = parse(body) if body.strip() else {}
    if not isinstance(value, Mapping):
        raise BadRequest("the body must be a JSON object")
    if "cwlVersion" in value:
        return _from_cwl(body, "application/cwl+json", query, parse)
    request = {key: value[key] for key in _REQUEST if key in value}
    if value.get("executionUnit") is not None:
        package = {key: value[key] for key in _PACKAGE if key in value}
        return AdHoc(_deployment(package, "application/ogcapppkg+json", workflow), request)
    for name in ("process", "cwl"):
        if isinstance(value.get(name), Mapping):
            return AdHoc(_deployment(value[name], "application/cwl+json", workflow), request)
    raise BadRequest(
        "the body has no CWL: send CWL itself (application/cwl, +json, +yaml), an execute request with `executionUnit` "
        "({value or href, type}) or with CWL as `process`, or both as parts of multipart/related"
    )


def _deployment(document: Any, kind: str, workflow: str | None) -> Deployment:
    return Deployment(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"), kind, workflow, kind)


def _from_parts(body: bytes, content_type: str, workflow: str | None, parse: Parse) -> AdHoc:
    """Part 3 /req/cwl-workflows/adhoc-cwl-multipart-content, and form fields as GA4GH WES has them."""
    found = read_parts(body, content_type)
    cwl = [part for part in found.parts if _is_cwl(part)]
    if not cwl:
        raise BadRequest("no part of the body has CWL (`Content-Type: application/cwl`, or the form field `cwl`)")
    fields = {part.name: part for part in found.parts if part.name in _FIELDS and part not in cwl}
    request: dict[str, Any] = {}
    for part in found.parts:
        if part not in cwl and part.name not in fields and _is_request(part):
            request |= _request(part, parse)
    for name, part in fields.items():
        if name != "w":
            request[name] = _field(name, part, parse)
    if "w" in fields:
        workflow = fields["w"].content.decode("utf-8", "replace").strip() or workflow
    files = {name: part for part in found.parts if part not in cwl for name in (part.filename, part.content_id) if name}
    if files and "inputs" in request:
        request["inputs"] = _with_files(request["inputs"], files)
    if len(cwl) == 1:
        kind = cwl[0].media_type if cwl[0].media_type in CWL_MEDIA_TYPES else ""
        return AdHoc(Deployment(cwl[0].content, kind, workflow, kind), request)
    joined, joined_type = join_parts(cwl, found.start)
    return AdHoc(Deployment(joined, "multipart/related", workflow, joined_type), request)


def _is_cwl(part: Part) -> bool:
    return part.media_type in CWL_MEDIA_TYPES or part.name == "cwl" or part.filename.endswith(".cwl")


def _is_request(part: Part) -> bool:
    return part.profile.endswith(EXECUTE_PROFILE) or (part.media_type in ("application/json", "") and not part.filename)


def _request(part: Part, parse: Parse) -> JSONObject:
    value = parse(part.content)
    if not isinstance(value, Mapping):
        raise BadRequest("the part with the execute request must be a JSON object")
    return {key: value[key] for key in _REQUEST if key in value}


def _field(name: str, part: Part, parse: Parse) -> JSON:
    if name in ("response", "mode"):
        return part.content.decode("utf-8", "replace").strip()
    if part.media_type in _YAML or part.filename.endswith((".yml", ".yaml")):
        return parse_mapping(part.content, max_bytes=len(part.content))
    return parse(part.content)


def _with_files(value: JSON, files: Mapping[str, Part]) -> JSON:
    """The inputs with the files that came as parts in place of the links and File objects that name them."""
    if isinstance(value, Mapping):
        address = value.get("href") or value.get("location") or value.get("path")
        part = files.get(address.removeprefix("cid:").removeprefix("./")) if isinstance(address, str) else None
        if part is None:
            return {key: _with_files(item, files) for key, item in value.items()}
        kind = str(value.get("type") or part.media_type or "application/octet-stream")
        content = base64.b64encode(part.content).decode("ascii")
        return {"value": content, "encoding": "base64", "mediaType": kind}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_with_files(item, files) for item in value]
    return value
