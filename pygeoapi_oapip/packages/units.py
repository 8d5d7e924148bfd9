"""OGC application packages (Part 2 ogcapppkg.yaml): execution units of each kind, and the description around them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urldefrag

from ..errors import AmbiguousWorkflow, InvalidPackage
from ..model.json import JSON, JSONObject
from ..model.process import Input, Package, Process
from .bundle import Member, load_bundle
from .container import container_tool, is_container
from .describe import derive_id, describe
from .document import as_list
from .fetch import Fetch
from .jsontypes import limits_of, media_types_of
from .load import load_package
from .overlay import description_of, enrich, id_of
from .schemas import file_schema

CWL_MEDIA_TYPES = ("application/cwl", "application/cwl+yaml", "application/cwl+json")
_BY_CONTENT = ("application/json", "application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml", "text/plain")
_PLACE = "executionUnit"


class Loading:
    """How the CWL of one request is loaded.

    Args:
        workflow: the `w` query parameter.
        fetch: reads what the request refers to.
        max_bytes: largest document.
    """

    def __init__(self, workflow: str | None, fetch: Fetch, max_bytes: int) -> None:
        self.workflow = workflow
        self.fetch = fetch
        self.max_bytes = max_bytes

    def load(self, source: bytes, media_type: str = "", base_url: str = "") -> Package:
        """One CWL document. Where nothing tells which of several processes is meant, it is the first of those that
        may be (Part 2 /req/cwl/deploy-w-param). Raises as `load_package`."""
        options = {"base_url": base_url, "fetch": self.fetch, "max_bytes": self.max_bytes}
        try:
            return load_package(source, media_type, entry=self.workflow, **options)  # type: ignore[arg-type]
        except AmbiguousWorkflow as error:
            first = error.members["candidates"][0]
            return load_package(source, media_type, entry=first, **options)  # type: ignore[arg-type]

    def load_all(self, members: Sequence[Member], start: str = "") -> Package:
        """Several documents. Raises as `load_bundle`."""
        if len(members) == 1:
            return self.load(members[0].source, base_url=members[0].address)
        return load_bundle(members, start, self.workflow, self.fetch, self.max_bytes)


def application_package(
    parsed: JSONObject, loading: Loading, others: Sequence[Member] = (), start: str = ""
) -> Process:
    """The process of an application package.

    Args:
        parsed: the body.
        loading: how its CWL is loaded.
        others: CWL documents beside it (multipart bodies).
        start: name of the main document.

    Raises:
        InvalidPackage, WorkflowNotFound, TooLarge: it is not valid.
        OapipError: what the fetch raises.
    """
    description = description_of(parsed)
    units = _units(parsed.get("executionUnit"))
    if len(units) == 1 and is_container(units[0]) and not others:
        return _container(parsed, units[0], description, loading)
    members = [*(_member(unit, loading) for unit in units), *others]
    if not members:
        raise InvalidPackage("`executionUnit` must be one unit (has 0).", location=_PLACE)
    package = loading.load_all(members, start)
    address = members[0].address if len(members) == 1 else ""
    named = id_of(description) or derive_id(package) or derive_id(package, urldefrag(address)[0])
    return enrich(describe(package, named), description)


def _units(value: JSON) -> list[JSONObject]:
    """The units as objects; the `unit` member of Weaver's form is taken out."""
    found = value if isinstance(value, list) else [] if value is None else [value]
    units = []
    for item in found:
        unit = {"href": item} if isinstance(item, str) else item
        if isinstance(unit, Mapping) and isinstance(unit.get("unit"), Mapping | str):
            inner = unit["unit"]
            unit = inner if isinstance(inner, Mapping) else {"value": inner}
        if not isinstance(unit, Mapping):
            raise InvalidPackage("`executionUnit` must be an object.", location=_PLACE)
        units.append(unit)
    return units


def _container(parsed: JSONObject, unit: JSONObject, description: JSONObject, loading: Loading) -> Process:
    profile = parsed.get("deploymentProfile", parsed.get("deploymentProfileName"))
    id_of(description)
    tool = container_tool(unit, description, profile)
    package = load_package(json.dumps(tool).encode("ascii"), "", max_bytes=4 * loading.max_bytes)
    process = enrich(describe(package, id_of(description)), description)
    given = {str(item["id"]): item for item in as_list(description.get("inputs"), "id")}
    found = {str(item["id"]): item for item in as_list(description.get("outputs"), "id")}
    inputs = {name: _limited(item, given[name]) for name, item in process.inputs.items()}
    outputs = {
        name: replace(item, schema=file_schema(kinds))
        if len(kinds := media_types_of(found[name])) > 1 and item.schema.get("format") == "binary"
        else item
        for name, item in process.outputs.items()
    }
    return replace(process, inputs=inputs, outputs=outputs)


def _limited(item: Input, given: JSONObject) -> Input:
    """An input of a container image with the limits that its description sets."""
    schema = {**item.schema, **limits_of(given)} if item.schema.get("format") != "binary" else item.schema
    most = given.get("maxOccurs")
    if item.max_occurs is None and isinstance(most, int) and not isinstance(most, bool) and most > 1:
        return replace(item, schema=schema, max_occurs=most)
    return replace(item, schema=schema)


def _member(unit: JSONObject, loading: Loading) -> Member:
    """The CWL document of one unit."""
    if is_container(unit):
        raise InvalidPackage("A container image must be the only `executionUnit`.", location=_PLACE)
    if "cwlVersion" in unit or "$graph" in unit:
        return Member(_encoded(unit))
    _check_type(unit)
    if "value" in unit:
        value = unit["value"]
        if isinstance(value, str):
            return Member(_decoded(value, str(unit.get("encoding") or "")))
        return Member(_encoded(value))
    if isinstance(unit.get("href"), str):
        return _fetched(str(unit["href"]), loading)
    raise InvalidPackage(
        "`executionUnit` must have `href`, `value`, `unit` or `image`, or be a CWL document.", location=_PLACE
    )


def _fetched(href: str, loading: Loading) -> Member:
    address, _ = urldefrag(href)
    if not address.startswith(("http://", "https://", "s3://")):
        raise InvalidPackage(
            f"The `href` of the executionUnit must be an http(s) URL (is {href[:200]!r}).", location=_PLACE
        )
    return Member(loading.fetch(address), (address,), href)


def _encoded(value: JSON) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _check_type(unit: JSONObject) -> None:
    kind = unit.get("mediaType") or unit.get("type")
    if kind is not None and str(kind).partition(";")[0].strip() not in (*CWL_MEDIA_TYPES, *_BY_CONTENT):
        raise InvalidPackage(
            f"An executionUnit of type {str(kind)[:100]!r} is not supported; {', '.join(CWL_MEDIA_TYPES)}, docker and "
            "oci are.",
            location=_PLACE,
        )


def _decoded(text: str, encoding: str) -> bytes:
    if encoding != "base64":
        return text.encode("utf-8", "replace")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidPackage("The value of the executionUnit is not base64.", location=_PLACE) from None
