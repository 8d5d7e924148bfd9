"""The CWL input object of a wrapped package: addresses where the package has Files and Directories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidInputs
from ..model.json import JSON, JSONObject
from ..model.process import Package
from ..model.value import InputValue
from .cwltypes import TypeReader
from .joborder import FileSource, build_job_order
from .wrap import Tools, Wrapped, stageable

ELSEWHERE = frozenset({"http", "https", "s3", "ftp", "ftps", "sftp", "gs"})
"""Schemes of addresses that stage-in tools get; all others are read by this server."""

_OWN = ("class", "location", "format")
"""Members of a File or Directory object that an address can stand for."""


class _AsGiven:
    """Makes objects of references without reading any."""

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """The address itself."""
        return {"class": "Directory" if is_directory else "File", "location": href}

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """Content has no address."""
        return {"class": "File", "contents": ""}


class _Fetched:
    """Leaves the addresses of some inputs alone."""

    def __init__(self, files: FileSource, staged: Mapping[str, str]) -> None:
        self._files = files
        self._staged = staged

    def reference(self, input_id: str, href: str, media_type: str, is_directory: bool) -> JSONObject:
        """As `FileSource`."""
        source = _AsGiven() if input_id in self._staged else self._files
        return source.reference(input_id, href, media_type, is_directory)

    def literal(self, input_id: str, content: bytes, media_type: str, index: int) -> JSONObject:
        """As `FileSource`."""
        return self._files.literal(input_id, content, media_type, index)


def local_inputs(package: Package, tools: Tools, inputs: Mapping[str, InputValue]) -> frozenset[str]:
    """The inputs that no stage-in tool can fetch: given by content, as local files, or with secondary files.

    Args:
        package: the application.
        tools: of the administrator.
        inputs: of a request, with the results of nested processes in place.

    Raises:
        InvalidInputs: an input has values of both kinds, or one that does not fit.
    """
    order = build_job_order(package, inputs, _AsGiven())
    found = set()
    for item in TypeReader(package.document, package.entry).inputs():
        if item.id not in order or stageable(tools, item.type, True) is None:
            continue
        kinds = {_is_elsewhere(leaf) for leaf in _leaves(order[item.id])}
        if len(kinds) > 1:
            raise InvalidInputs(
                f"inputs.{item.id}: give all values by addresses ({', '.join(sorted(ELSEWHERE))}), or none",
                location=f"inputs.{item.id}",
            )
        if kinds == {False}:
            found.add(item.id)
    return frozenset(found)


def wrapped_order(
    package: Package, wrapped: Wrapped, inputs: Mapping[str, InputValue], files: FileSource
) -> dict[str, JSON]:
    """The values of the package's own inputs.

    Args:
        package: the application.
        wrapped: what `wrap` made of it.
        inputs: of the request.
        files: stages what no tool fetches.

    Raises:
        OapipError: as `build_job_order`.
    """
    order = build_job_order(package, inputs, _Fetched(files, wrapped.staged_in))
    return {name: _addressed(value, wrapped.staged_in.get(name, "")) for name, value in order.items()}


def at_leaves(value: JSON, change: Callable[[JSONObject], JSON]) -> JSON:
    """The same arrays with all objects changed."""
    if isinstance(value, list | tuple):
        return [at_leaves(item, change) for item in value]
    return change(value) if isinstance(value, Mapping) else value


def _addressed(value: JSON, form: str) -> JSON:
    if not form:
        return value
    return at_leaves(value, lambda leaf: {"value": leaf["location"]} if form == "uri" else leaf["location"])


def _leaves(value: Any) -> Iterator[JSONObject]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, Mapping):
        yield value


def _is_elsewhere(leaf: JSONObject) -> bool:
    location = leaf.get("location")
    if not isinstance(location, str) or set(leaf) - set(_OWN):
        return False
    return urlsplit(location).scheme.lower() in ELSEWHERE
