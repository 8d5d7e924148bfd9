"""Outputs of a job -> neutral WPS values, and the raw form of one of them (table in docs/wps-mapping.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ..errors import NoSuchOutput
from ..model.execution import ExecutionRequest, OutputRequest, Transmission
from ..model.identity import Principal
from ..model.json import JSON
from ..model.process import Output
from ..model.value import DirectoryOutput, FileOutput, Literal, OutputValue
from ..operations import Operations, Results, ServedFile
from ..results import LARGEST_INLINE, Renderer
from . import reference_systems as systems
from .describe import domain_of, text_of
from .media_types import ARCHIVE, BASE64, BINARY, is_binary, is_xml, own_name, same, wps_name
from .terms import (
    BoundingBoxCRS,
    BoxMade,
    ComplexFormats,
    ComplexMade,
    LiteralDomain,
    LiteralMade,
    Made,
    OutputAsked,
    OutputMade,
    ReferenceMade,
)

JSON_TYPE = "application/json"
_PLAIN = "text/plain"
_EMPTY = OutputAsked("")


@dataclass(frozen=True, slots=True)
class RawMade:
    """One output as the body of an answer."""

    media_type: str
    content: bytes = b""
    file: ServedFile | None = None
    """Sent instead of `content`."""
    name: str = ""
    """A file name for it; "" for literals."""


def asked_of(request: ExecutionRequest) -> Mapping[str, OutputAsked]:
    """What the request of a job says of its outputs, whichever door it came by."""
    return {
        name: OutputAsked(name, item.transmission is Transmission.REFERENCE, item.media_type, item.encoding)
        for name, item in (request.outputs or {}).items()
    }


class Maker:
    """Makes the outputs of one job.

    Args:
        service: reads the files.
        principal: who asks.
        results: of the job.
        base: URL of the API that serves jobs, without `/` at its end.
    """

    def __init__(self, service: Operations, principal: Principal, results: Results, base: str) -> None:
        self._results = results
        job_id = results.job.id

        def read(output_id: str, path: str) -> bytes:
            return _read(service.result_file(principal, job_id, output_id, path))

        self._file: Callable[[str], ServedFile] = lambda name: service.result_file(principal, job_id, name, "")
        self._renderer = Renderer(f"{base}/jobs/{job_id}/results", read)

    def made(self, asked: Mapping[str, OutputAsked] | None = None) -> tuple[OutputMade, ...]:
        """Each output that the job was asked for and that is not null.

        Args:
            asked: how each is wanted; None: as the request of the job says.

        Raises:
            NoSuchOutput: a file is not there any more.
        """
        wanted = asked_of(ExecutionRequest.from_json(self._results.job.request)) if asked is None else asked
        found = []
        for name, value in self._results.outputs.items():
            definition = self._results.process.outputs[name]
            if not (isinstance(value, Literal) and value.value is None):
                title = definition.title or name
                made = self.value(definition, value, wanted.get(name, _EMPTY))
                found.append(OutputMade(name, title, definition.description or title, made))
        return tuple(found)

    def value(self, definition: Output, value: OutputValue, asked: OutputAsked) -> Made:
        """One output, as a reference where it was asked for so or is too large for a document."""
        if isinstance(value, FileOutput):
            return self._of_file(definition.id, value, asked)
        if isinstance(value, DirectoryOutput):
            return self._of_directory(definition.id, asked)
        if not isinstance(value, Literal):
            plain = self._renderer.plain(definition.id, value)
            return self._of_json(definition.id, plain, asked)
        return self._of_literal(definition, value.value, asked)

    def raw(self, name: str, asked: OutputAsked = _EMPTY) -> RawMade:
        """One output as it is, without a document around it.

        Raises:
            NoSuchOutput: the job has no such output, or no value for it.
        """
        value = self._results.outputs.get(name)
        if value is None or (isinstance(value, Literal) and value.value is None):
            raise NoSuchOutput(f"the job has no output {name}", location=name)
        if isinstance(value, FileOutput | DirectoryOutput):
            kind = _media_type(value, asked)
            file_name = value.name if isinstance(value, FileOutput) else f"{value.name}.zip"
            return RawMade(kind, file=_existing(self._file(name)), name=file_name)
        definition = self._results.process.outputs[name]
        if isinstance(value, Literal):
            if isinstance(domain_of(definition.schema, produced=True), LiteralDomain) or isinstance(value.value, str):
                kind = asked.media_type or _PLAIN
                return RawMade(f"{kind}; charset=utf-8", text_of(value.value).encode("utf-8", "replace"))
            return RawMade(asked.media_type or JSON_TYPE, _json(value.value))
        return RawMade(asked.media_type or JSON_TYPE, _json(self._renderer.plain(name, value)))

    def _of_literal(self, definition: Output, value: JSON, asked: OutputAsked) -> Made:
        domain = domain_of(definition.schema, produced=True)
        plain = not isinstance(value, Mapping | list | tuple)
        if isinstance(domain, BoundingBoxCRS) and isinstance(value, Mapping):
            return self._of_box(definition.id, value, domain, asked)
        if isinstance(domain, LiteralDomain) and plain:
            if asked.as_reference:
                return ReferenceMade(f"{self._renderer.href(definition.id)}?f=text", _PLAIN)
            return LiteralMade(text_of(value), domain.data_type)
        if isinstance(value, str) and isinstance(domain, ComplexFormats):
            return self._of_bytes(definition.id, value.encode("utf-8", "replace"), _PLAIN, asked)
        return self._of_json(definition.id, value, asked)

    def _of_box(self, name: str, value: Mapping[str, JSON], domain: BoundingBoxCRS, asked: OutputAsked) -> Made:
        numbers = [float(cast(float, number)) for number in cast("Sequence[JSON]", value.get("bbox") or ())]
        if asked.as_reference or len(numbers) not in (4, 6):
            return self._of_json(name, dict(value), asked)
        half = len(numbers) // 2
        crs = systems.urn_of(str(value.get("crs") or domain.default))
        return BoxMade(tuple(numbers[:half]), tuple(numbers[half:]), crs)

    def _of_json(self, name: str, value: JSON, asked: OutputAsked) -> Made:
        return self._of_bytes(name, _json(value), JSON_TYPE, asked)

    def _of_bytes(self, name: str, content: bytes, media_type: str, asked: OutputAsked) -> Made:
        if asked.as_reference:
            # the address serves literals as JSON, whatever they are
            return ReferenceMade(self._renderer.href(name), JSON_TYPE)
        return complex_made(content, asked.media_type or media_type, asked)

    def _of_file(self, name: str, value: FileOutput, asked: OutputAsked) -> Made:
        kind = _media_type(value, asked)
        if asked.as_reference or value.size > LARGEST_INLINE:
            return ReferenceMade(self._renderer.href(name), kind, schema=asked.schema)
        return complex_made(_read(self._file(name)), kind, asked)

    def _of_directory(self, name: str, asked: OutputAsked) -> Made:
        reference = ReferenceMade(self._renderer.href(name), ARCHIVE)
        if asked.as_reference:
            return reference
        archive = _existing(self._file(name))
        if archive.size is None or archive.size > LARGEST_INLINE:
            return reference
        return complex_made(_read(archive), ARCHIVE, asked)


def complex_made(content: bytes, media_type: str, asked: OutputAsked = _EMPTY) -> ComplexMade:
    """Content by value: as an element where it is XML, as text where it can be, else in base64."""
    if asked.encoding.lower() == BASE64 or not _is_xml_text(content, media_type):
        return ComplexMade(content, media_type, BASE64, asked.schema)
    return ComplexMade(content, media_type, "", asked.schema, is_xml(media_type) and _is_well_formed(content))


def _is_xml_text(content: bytes, media_type: str) -> bool:
    from .describe import xml_text

    if is_binary(media_type) and not same(media_type, BINARY):
        return False
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return xml_text(text) == text and "\r" not in text


def _is_well_formed(content: bytes) -> bool:
    from .faults import UnreadableXML
    from .xmlguard import parse

    try:
        parse(content)
    except UnreadableXML:
        return False
    return True


def _media_type(value: FileOutput | DirectoryOutput, asked: OutputAsked) -> str:
    """What the content is called: as the client called it, if that is a name of it."""
    own = (value.media_type or BINARY) if isinstance(value, FileOutput) else ARCHIVE
    known = asked.media_type and own_name(asked.media_type, (own,)) == own
    return asked.media_type if known or same(asked.media_type, own) else wps_name(own)


def _json(value: JSON) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _existing(served: ServedFile) -> ServedFile:
    if served.path is not None and not served.path.is_file():
        raise NoSuchOutput("this result is not there any more")
    return served


def _read(served: ServedFile) -> bytes:
    return _existing(served).read()


__all__ = ["Maker", "OutputRequest", "RawMade", "asked_of", "complex_made"]
