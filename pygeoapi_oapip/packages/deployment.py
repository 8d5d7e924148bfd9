"""Part 2 deploy and replace bodies: CWL, an OGC application package around it, or several documents in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import InvalidPackage, UnsupportedMediaType
from ..model.json import JSONObject
from ..model.process import Process
from .bundle import Member
from .describe import describe
from .fetch import Fetch
from .guard import parse_mapping
from .overlay import description_of, id_of
from .parts import FORM, RELATED, Part, is_multipart, read_parts
from .units import CWL_MEDIA_TYPES, Loading, application_package

APPLICATION_PACKAGE = "application/ogcapppkg+json"
BY_CONTENT = ("application/json", "application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "")
"""Media types that do not tell what is in the body, so that the body itself is looked at."""

_CWL_MEMBERS = frozenset({"cwlVersion", "class", "$graph"})
_PACKAGE_MEMBERS = frozenset({"executionUnit", "processDescription"})


def read_deployment(body: bytes, content_type: str, *, workflow: str | None, fetch: Fetch, max_bytes: int) -> Process:
    """The process that a deploy or replace request defines.

    Args:
        body: CWL (YAML or JSON), an OGC application package (Part 2 ogcapppkg.yaml), or a multipart body of these.
        content_type: the Content-Type header; "" if there was none.
        workflow: the `w` query parameter.
        fetch: reads what the body refers to.
        max_bytes: largest accepted body, and largest accepted CWL document behind an `href`.

    Raises:
        UnsupportedMediaType: none of CWL, OGC application package, JSON, YAML or multipart.
        InvalidPackage, WorkflowNotFound, TooLarge: the body.
        OapipError: what `fetch` raises.
    """
    kind = require_media_type(content_type)
    loading = Loading(workflow, fetch, max_bytes)
    if is_multipart(kind):
        process = _multipart(body, content_type, loading)
        return _deployed_as(process, body, content_type)
    parsed = parse_mapping(body, max_bytes=max_bytes)
    if _PACKAGE_MEMBERS & set(parsed):
        return _deployed_as(application_package(parsed, loading), body, _media_type(kind, APPLICATION_PACKAGE))
    if kind == APPLICATION_PACKAGE or not _CWL_MEMBERS & set(parsed):
        raise InvalidPackage(
            "The body is neither CWL (`cwlVersion` and `class` or `$graph`) nor an OGC application package "
            "(`executionUnit`)."
        )
    guess = "application/cwl+json" if body.lstrip()[:1] == b"{" else "application/cwl+yaml"
    return describe(loading.load(body, _media_type(kind, guess)))


def require_media_type(media_type: str) -> str:
    """The plain lower-case form of the media type of a package.

    Raises:
        UnsupportedMediaType: it is none of CWL, OGC application package, JSON, YAML or multipart (Part 2
            /req/deploy-replace-undeploy/deploy-unsupported-media-type).
    """
    kind = media_type.lower().partition(";")[0].strip()
    known = (*CWL_MEDIA_TYPES, APPLICATION_PACKAGE, *BY_CONTENT, *RELATED, FORM)
    if kind not in known:
        raise UnsupportedMediaType(
            f"Packages of type {kind[:100]} cannot be deployed; these can: {', '.join(filter(None, known))}."
        )
    return kind


def given_id(body: bytes, content_type: str, max_bytes: int) -> str:
    """The id that the process description of a body gives; "" where there is none (CWL gives ids of its own kind).

    Raises:
        InvalidPackage, TooLarge: the body.
    """
    if is_multipart(content_type):
        parsed = [_mapping(part.content) for part in read_parts(body, content_type).parts if _may_describe(part)]
        found = [item for item in parsed if _PACKAGE_MEMBERS & set(item)]
        return id_of(description_of(found[0])) if found else ""
    return id_of(description_of(parse_mapping(body, max_bytes=max_bytes)))


def _deployed_as(process: Process, body: bytes, media_type: str) -> Process:
    package = process.package
    return (
        process if package is None else replace(process, package=replace(package, source=body, media_type=media_type))
    )


def _media_type(kind: str, meant: str) -> str:
    return meant if kind in BY_CONTENT else kind


def _multipart(body: bytes, content_type: str, loading: Loading) -> Process:
    parts = read_parts(body, content_type)
    described = [
        parsed
        for part in parts.parts
        if _may_describe(part) and _PACKAGE_MEMBERS & set(parsed := _mapping(part.content))
    ]
    if len(described) > 1:
        raise InvalidPackage("More than one part of the body has a process description.")
    members = cwl_members(parts.parts, loading)
    if not members and not described:
        raise InvalidPackage("The body has no part with CWL (`Content-Type: application/cwl`).")
    if described:
        return application_package(described[0], loading, members, parts.start)
    return describe(loading.load_all(members, parts.start))


def cwl_members(parts: Sequence[Part], loading: Loading) -> list[Member]:
    """The CWL documents among the parts of a body; an empty part stands for its Content-Location."""
    found = []
    for part in parts:
        if part.media_type in CWL_MEDIA_TYPES or part.filename.endswith(".cwl") or _is_cwl(part):
            names = (part.filename, part.content_id, part.location)
            source = part.content
            if not source.strip() and part.location.startswith(("http://", "https://")):
                source = loading.fetch(part.location)
            found.append(Member(source, names, part.location if part.location.startswith("http") else ""))
    return found


def _may_describe(part: Part) -> bool:
    return part.media_type in (APPLICATION_PACKAGE, *BY_CONTENT)


def _is_cwl(part: Part) -> bool:
    return _may_describe(part) and "cwlVersion" in _mapping(part.content)


def _mapping(content: bytes) -> JSONObject:
    """A part as an object; {} where it is something else, which is then no part of ours."""
    try:
        return parse_mapping(content, max_bytes=len(content))
    except InvalidPackage:
        return {}
