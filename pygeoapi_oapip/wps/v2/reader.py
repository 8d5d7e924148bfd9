"""Requests of WPS 2.0.0 in XML -> values. The XML was parsed by `xmlguard`, so it has no DTD and no entities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..door import Element
from ..faults import InvalidParameter, MissingParameter, UnknownOperation
from .asked import OPERATIONS, Asked, DescribeProcess, Dismiss, GetCapabilities, GetResult, GetStatus
from .elements import OWS, OWS_1, VERSION, VERSIONS, WPS, WPS_1
from .execute_reader import read_execute
from .nodes import attribute, child, children, name_of, text_of


def read(document: Element) -> Asked:
    """The request that a document is.

    Args:
        document: its root.

    Raises:
        UnknownOperation: the root is no request of WPS 2.0.0.
        MissingParameter, InvalidParameter: something in it is missing or wrong; the locator names it.
    """
    namespace, name = name_of(document)
    if (namespace, name) == (WPS_1, "GetCapabilities"):
        # a client of both versions may ask in the words of the older one, and name this one in AcceptVersions
        return _capabilities(document)
    if namespace != WPS or name not in OPERATIONS:
        shown = f"{{{namespace}}}{name}"[:200]
        raise UnknownOperation(f"{shown} is no request of WPS {VERSION} ({', '.join(OPERATIONS)})", location="request")
    service = attribute(document, "service")
    if not service:
        raise MissingParameter("the attribute service is missing (it must be WPS)", location="service")
    if service != "WPS":
        raise InvalidParameter(f"service must be WPS (is {service[:60]!r})", location="service")
    version = attribute(document, "version")
    if name != "GetCapabilities" and not version:
        raise MissingParameter(f"the attribute version is missing (it must be {VERSION})", location="version")
    if version not in ("", *VERSIONS):
        told = f"version must be {VERSION} in the namespace {WPS} (is {version[:60]!r})"
        raise InvalidParameter(told, location="version")
    return _READERS[name](document)


def _capabilities(document: Element) -> Asked:
    return GetCapabilities(
        accept_versions=_listed(document, "AcceptVersions", "Version"),
        sections=_listed(document, "Sections", "Section"),
        accept_formats=_listed(document, "AcceptFormats", "OutputFormat"),
        update_sequence=attribute(document, "updateSequence"),
    )


def _listed(document: Element, group: str, member: str) -> tuple[str, ...]:
    """The members of a group, in either namespace of OWS Common."""
    found = []
    for namespace in (OWS, OWS_1):
        parent = child(document, group, namespace)
        found += [] if parent is None else [text_of(item).strip() for item in children(parent, member, namespace)]
    return tuple(filter(None, found))


def _describe(document: Element) -> Asked:
    identifiers = [text_of(item).strip() for item in children(document, "Identifier", OWS)]
    found = tuple(dict.fromkeys(filter(None, identifiers)))
    if not found:
        raise MissingParameter("DescribeProcess names no process (ows:Identifier)", location="identifier")
    return DescribeProcess(found, attribute(document, "lang"))


def _job(document: Element) -> str:
    found = child(document, "JobID", WPS)
    job_id = "" if found is None else text_of(found).strip()
    if not job_id:
        raise MissingParameter("the request names no job (wps:JobID)", location="jobID")
    return job_id


_READERS: Mapping[str, Callable[[Element], Asked]] = MappingProxyType(
    {
        "GetCapabilities": _capabilities,
        "DescribeProcess": _describe,
        "Execute": read_execute,
        "GetStatus": lambda document: GetStatus(_job(document)),
        "GetResult": lambda document: GetResult(_job(document)),
        "Dismiss": lambda document: Dismiss(_job(document)),
    }
)
