"""wps:ExecuteResponse (05-007r7 clause 10.3).

PyWPS's template of it is not used: it writes failures that the schema does not allow, and with one fixed code, content
unescaped into the document, and every output wherever one was asked for.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ...model.job import JobStatus
from ..door import Element
from ..faults import Report
from ..media_types import BASE64
from ..terms import (
    BoxGiven,
    BoxMade,
    ComplexGiven,
    ComplexMade,
    Given,
    LiteralGiven,
    LiteralMade,
    OutputAsked,
    OutputMade,
    ReferenceGiven,
    ReferenceMade,
    WpsProcess,
)
from ..xmlguard import parse
from .failures import with_exception
from .vocabulary import HREF, LANG, WPS, ows, root, wps

_DATA_TYPES = "http://www.w3.org/TR/xmlschema-2/#"


@dataclass(frozen=True, slots=True)
class Status:
    """Where a job is."""

    status: JobStatus
    time: datetime
    percent: int = 0
    message: str = ""
    failure: Report | None = None
    """Where it failed or was dismissed."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the job was started with."""

    inputs: Sequence[tuple[str, Given]]
    outputs: Sequence[OutputAsked]


@dataclass(frozen=True, slots=True)
class Response:
    """All that a document says."""

    process: WpsProcess
    status: Status
    language: str
    service: str
    """URL of GetCapabilities."""
    location: str = ""
    """URL of the status document; "" where the client did not ask to have it stored."""
    outputs: Sequence[OutputMade] = ()
    lineage: Lineage | None = None


def execute_response(response: Response) -> Element:
    """The document."""
    attributes = {"service": "WPS", "version": "1.0.0", LANG: response.language, "serviceInstance": response.service}
    document = root(WPS, "ExecuteResponse", {**attributes, "statusLocation": response.location})
    process = wps(document, "Process", attributes={f"{{{WPS}}}processVersion": response.process.version})
    _named(process, response.process.identifier, response.process.title, response.process.abstract)
    _status(document, response.status)
    if response.lineage is not None:
        _lineage(document, response.lineage, response.process)
    if response.outputs:
        parent = wps(document, "ProcessOutputs")
        for item in response.outputs:
            _output(parent, item)
    return document


def _named(element: Element, identifier: str, title: str = "", abstract: str = "") -> Element:
    ows(element, "Identifier", identifier)
    ows(element, "Title", title or identifier)
    if abstract:
        ows(element, "Abstract", abstract)
    return element


def _status(document: Element, status: Status) -> None:
    moment = status.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parent = wps(document, "Status", attributes={"creationTime": moment})
    match status.status:
        case JobStatus.CREATED | JobStatus.ACCEPTED:
            wps(parent, "ProcessAccepted", status.message or "The job is accepted.")
        case JobStatus.RUNNING:
            percent = {"percentCompleted": str(min(max(status.percent, 0), 99))}
            wps(parent, "ProcessStarted", status.message or "The job is running.", percent)
        case JobStatus.SUCCESSFUL:
            wps(parent, "ProcessSucceeded", status.message or "The job has succeeded.")
        case JobStatus.FAILED | JobStatus.DISMISSED:
            failure = status.failure or Report(
                "NoApplicableCode", "", status.message or f"The job {status.status}.", 400
            )
            failed = wps(parent, "ProcessFailed")
            # birdy takes the text before the report for the message, and cannot do without
            failed.text = "\n"
            report = ows(failed, "ExceptionReport", attributes={"version": "1.0.0"})
            with_exception(report, failure)


def _lineage(document: Element, lineage: Lineage, process: WpsProcess) -> None:
    if lineage.inputs:
        parent = wps(document, "DataInputs")
        for name, given in lineage.inputs:
            described = process.input(name)
            item = wps(parent, "Input")
            _named(item, name, described.title if described else "")
            _given(item, given)
    if lineage.outputs:
        parent = wps(document, "OutputDefinitions")
        for asked in lineage.outputs:
            definition = process.output(asked.identifier)
            attributes = {
                "asReference": "true" if asked.as_reference else "false",
                "uom": asked.uom,
                **_format(asked.media_type, asked.encoding, asked.schema),
            }
            item = wps(parent, "Output", attributes=attributes)
            _named(item, asked.identifier, asked.title or (definition.title if definition else ""), asked.abstract)


def _given(item: Element, given: Given) -> None:
    match given:
        case ReferenceGiven():
            attributes = {HREF: given.href, **_format(given.media_type, given.encoding, given.schema)}
            wps(item, "Reference", attributes=attributes)
        case LiteralGiven():
            kind = f"{_DATA_TYPES}{given.data_type}" if given.data_type else ""
            wps(wps(item, "Data"), "LiteralData", given.text, {"dataType": kind, "uom": given.uom})
        case BoxGiven():
            _box(wps(item, "Data"), given.lower, given.upper, given.crs)
        case ComplexGiven():
            attributes = _format(given.media_type, given.encoding, given.schema)
            wps(wps(item, "Data"), "ComplexData", given.content, attributes)


def _output(parent: Element, item: OutputMade) -> None:
    element = _named(wps(parent, "Output"), item.identifier, item.title, item.abstract)
    match item.value:
        case ReferenceMade() as value:
            # of all references of 1.0.0, only this one has `href` in no namespace
            attributes = {"href": value.href, **_format(value.media_type, value.encoding, value.schema)}
            wps(element, "Reference", attributes=attributes)
        case LiteralMade() as value:
            attributes = {"dataType": f"{_DATA_TYPES}{value.data_type}", "uom": value.uom}
            wps(wps(element, "Data"), "LiteralData", value.text, attributes)
        case BoxMade() as value:
            _box(wps(element, "Data"), value.lower, value.upper, value.crs)
        case ComplexMade() as value:
            _complex(wps(element, "Data"), value)


def _complex(data: Element, value: ComplexMade) -> None:
    element = wps(data, "ComplexData", attributes=_format(value.media_type, value.encoding, value.schema))
    if value.encoding == BASE64:
        element.text = base64.b64encode(value.content).decode("ascii")
    elif value.is_xml:
        element.append(parse(value.content))
    else:
        element.text = value.content.decode("utf-8")


def _box(data: Element, lower: Sequence[float], upper: Sequence[float], crs: str) -> None:
    attributes = {"crs": crs, "dimensions": str(len(lower))}
    box = wps(data, "BoundingBoxData", attributes=attributes)
    for name, corner in (("LowerCorner", lower), ("UpperCorner", upper)):
        ows(box, name, " ".join(map(_number, corner)))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _format(media_type: str, encoding: str = "", schema: str = "") -> dict[str, str]:
    return {"mimeType": media_type, "encoding": encoding, "schema": schema}
