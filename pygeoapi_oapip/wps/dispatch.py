"""Which operation of which version a request is for: KVP or XML, `service`, `version`, AcceptVersions, namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from ..errors import BadRequest
from .faults import V1, V2, InvalidParameter, MissingParameter, UnknownOperation, VersionNotOffered

NAMESPACES = {"http://www.opengis.net/wps/1.0.0": V1, "http://www.opengis.net/wps/2.0": V2}
_VERSIONS = {"1.0.0": V1, "1.0": V1, "2.0.0": V2, "2.0": V2}
OPERATIONS: Mapping[str, frozenset[str]] = {
    V1: frozenset({"getcapabilities", "describeprocess", "execute"}),
    V2: frozenset({"getcapabilities", "describeprocess", "execute", "getstatus", "getresult", "dismiss"}),
}
"""In lower case."""
_ONLY_2 = OPERATIONS[V2] - OPERATIONS[V1]
_MOST_PARAMETERS = 1000
_SHOWN = 100
_BEGINNING = 4096
"""Bytes of a document in which its root element begins."""


def read_parameters(*queries: str) -> dict[str, str]:
    """KVP: names in lower case, values decoded.

    Args:
        queries: of the URL, and of a form body.

    Raises:
        InvalidParameter: a name is there twice with different values.
        BadRequest: there are too many, or they are not UTF-8.
    """
    found: dict[str, str] = {}
    for query in queries:
        if query.count("&") >= _MOST_PARAMETERS:
            raise BadRequest(f"there are more than {_MOST_PARAMETERS} parameters")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
        except ValueError:
            raise BadRequest("the query cannot be read: UTF-8 with %-escapes is needed") from None
        for name, value in pairs:
            key = name.strip().lower()
            if found.setdefault(key, value) != value:
                raise InvalidParameter(f"{name[:_SHOWN]} is there more than once", location=name[:_SHOWN])
    return found


def raw_parameters(*queries: str) -> dict[str, str]:
    """KVP as `read_parameters`, with the values as they were sent: some have separators between escaped parts."""
    pairs = (part.partition("=") for query in queries for part in query.split("&") if part)
    return {unquote_plus(name).strip().lower(): value for name, _, value in pairs}


def version_asked(parameters: Mapping[str, str]) -> str:
    """The version in which a client reads exceptions, whatever else is wrong with its request."""
    words = [*parameters.get("acceptversions", "").split(","), parameters.get("version", "")]
    asked = next((_VERSIONS[word.strip()] for word in words if word.strip() in _VERSIONS), "")
    return asked or (V2 if parameters.get("request", "").strip().lower() in _ONLY_2 else V1)


def version_seen(content: bytes, otherwise: str) -> str:
    """The version in which the sender of an XML document reads exceptions, before or without parsing it: that of the
    first namespace of WPS in its beginning.

    Args:
        content: the document, well-formed or not.
        otherwise: the version where it names none.
    """
    head = content[:_BEGINNING].replace(b"\0", b"")
    places = {head.find(name.encode()): version for name, version in NAMESPACES.items()}
    return min(((at, version) for at, version in places.items() if at >= 0), default=(0, otherwise))[1]


def version_of_parameters(parameters: Mapping[str, str]) -> str:
    """The version of a KVP request, after looking at `service` and `request`.

    Raises:
        MissingParameter, InvalidParameter, UnknownOperation, VersionNotOffered: naming the parameter.
    """
    _check_service(parameters.get("service"))
    operation = parameters.get("request", "").strip()
    if not operation:
        raise MissingParameter("the parameter request is needed", location="request")
    known = operation.lower()
    if known not in OPERATIONS[V2]:
        raise UnknownOperation(f"there is no operation {operation[:_SHOWN]!r}", location=operation[:_SHOWN])
    accepted = parameters.get("acceptversions", "")
    if known == "getcapabilities" and accepted.strip():
        return first_acceptable(accepted.split(","))
    version = parameters.get("version", "").strip()
    found = _version(version, known) if version else (V2 if known in _ONLY_2 else V1)
    if known not in OPERATIONS[found]:
        raise UnknownOperation(f"WPS {found} has no operation {operation}", location=operation)
    return found


def version_of_document(root: Any, parameters: Mapping[str, str]) -> str:
    """The version of an XML request: its namespace decides, so a 1.0.0 Execute sent as 2.0.0 is one of 1.0.0.

    Raises:
        InvalidParameter, UnknownOperation, VersionNotOffered: naming what is wrong.
    """
    namespace, name = split(root.tag)
    version = NAMESPACES.get(namespace)
    if version is None:
        told = f"the root element must be of WPS 1.0.0 or 2.0 (is {root.tag[:_SHOWN]!r})"
        raise InvalidParameter(told, location="request")
    if name.lower() not in OPERATIONS[version] or not name[:1].isupper():
        raise UnknownOperation(f"WPS {version} has no operation {name[:_SHOWN]}", location=name[:_SHOWN])
    service = root.get("service") or parameters.get("service") or "WPS"
    _check_service(service)
    if name == "GetCapabilities":
        words = [text.strip() for text in _texts(root, "AcceptVersions", "Version")]
        return first_acceptable(words) if words else version
    attribute = (root.get("version") or "").strip()
    if attribute:
        _version(attribute, name.lower())
    return version


def first_acceptable(words: Iterable[str]) -> str:
    """OWS Common: of the versions that a client accepts, the first that is offered. Raises VersionNotOffered."""
    given = [word.strip() for word in words if word.strip()]
    found = next((_VERSIONS[word] for word in given if word in _VERSIONS), None)
    if found is None:
        told = ", ".join(given)[:_SHOWN]
        raise VersionNotOffered(f"offered are 1.0.0 and 2.0.0, accepted would be {told}", location="AcceptVersions")
    return found


def split(tag: object) -> tuple[str, str]:
    """Namespace and local name of an element's tag."""
    namespace, _, name = str(tag).rpartition("}")
    return namespace.lstrip("{"), name


def _texts(root: Any, *path: str) -> list[str]:
    """The texts of the elements at a path of local names."""
    found = [root]
    for step in path:
        found = [child for item in found for child in item if split(child.tag)[1] == step]
    return [item.text or "" for item in found]


def _check_service(service: str | None) -> None:
    if not (service or "").strip():
        raise MissingParameter("the parameter service is needed: it is WPS", location="service")
    if str(service).strip().upper() != "WPS":
        raise InvalidParameter(f"service must be WPS (is {str(service)[:_SHOWN]!r})", location="service")


def _version(version: str, operation: str) -> str:
    if version in _VERSIONS:
        return _VERSIONS[version]
    error = VersionNotOffered if operation == "getcapabilities" else InvalidParameter
    raise error(f"version must be 1.0.0 or 2.0.0 (is {version[:_SHOWN]!r})", location="version")
