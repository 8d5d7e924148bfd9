"""Answers that hold an application package: as it was deployed, or in the form that the client asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from flask import Response, request

from ..model.process import Package
from ..packages.representations import application_package, cwl_json, cwl_yaml, is_cwl, is_json
from .door import DOCUMENT_HEADERS, Door, html_response
from .links import JSON_TYPE

SHOWN_BYTES = 1024**2
"""Of a package on its page."""

FORMS = ("package", "cwl", "cwl-json", "cwl-yaml", "ogcapppkg", "json", "html")
OGCAPPPKG = "application/ogcapppkg+json"


def package_etag(package: Package) -> str:
    """The validator of a package as it was deployed."""
    return f'"{sha256(package.source).hexdigest()[:32]}"'


def package_response(
    door: Door, package: Package, describe: Callable[[], Mapping[str, Any]], process_id: str
) -> Response:
    """Part 2 package-response-body: what was deployed, byte for byte, unless Accept or `f` asks for another form.

    Args:
        door: the door.
        package: what was deployed.
        describe: makes the process description.
        process_id: of the page.
    """
    form = door.wanted(FORMS)
    if form == "html":
        return html_response(door.page("package", _shown(package), process_id=process_id))
    body, media_type = _form(package, form, describe)
    etag = package_etag(package) if body is package.source else f'"{sha256(body).hexdigest()[:32]}"'
    headers = [("ETag", etag), *DOCUMENT_HEADERS]
    if request.headers.get("If-None-Match") and request.if_none_match.contains_weak(etag.strip('"')):
        return Response(status=304, headers=headers)
    return Response(body, 200, headers, content_type=media_type)


def _form(package: Package, form: str, describe: Callable[[], Mapping[str, Any]]) -> tuple[bytes, str]:
    deployed = (package.source, package.media_type)
    own = package.media_type.partition(";")[0]
    if form == "package" or (form == "json" and is_json(package)) or (form == "cwl" and is_cwl(package)):
        return deployed
    if form == "ogcapppkg":
        return deployed if own == OGCAPPPKG else (application_package(package, describe()), OGCAPPPKG)
    if form == "cwl":
        return cwl_yaml(package), "application/cwl"
    if form == "cwl-yaml":
        plain = is_cwl(package) and not is_json(package)
        return (package.source if plain else cwl_yaml(package)), "application/cwl+yaml"
    plain = is_cwl(package) and is_json(package)
    kind = JSON_TYPE if form == "json" else "application/cwl+json"
    return (package.source if plain else cwl_json(package)), kind


def _shown(package: Package) -> Mapping[str, Any]:
    source = package.source
    text = source[:SHOWN_BYTES].decode("utf-8", "replace") + ("\n…" if len(source) > SHOWN_BYTES else "")
    return {"mediaType": package.media_type, "size": len(source), "source": text}
