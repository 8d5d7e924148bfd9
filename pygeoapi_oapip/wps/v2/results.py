"""wps:StatusInfo, wps:Result and the raw forms of literals and bounding boxes (14-065 clauses 9.5 and 9.9 to 9.12)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from ...model.job import JobStatus
from ..door import Element
from ..media_types import BASE64
from ..terms import BoxMade, ComplexMade, LiteralMade, OutputAsked, OutputMade, ReferenceMade
from ..xmlguard import parse
from .descriptions import LITERAL_XML, TEXT
from .elements import HREF, OWS, WPS, XSD, bare_root, ows, put, root, wps

STATUS: Mapping[JobStatus, str] = MappingProxyType(
    {
        JobStatus.CREATED: "Accepted",
        JobStatus.ACCEPTED: "Accepted",
        JobStatus.RUNNING: "Running",
        JobStatus.SUCCESSFUL: "Succeeded",
        JobStatus.FAILED: "Failed",
        JobStatus.DISMISSED: "Dismissed",
    }
)
"""Words of WPS 2.0.0 for those of OGC API; `Dismissed` is that of its dismiss extension."""

_AS_IT_IS = OutputAsked("")


@dataclass(frozen=True, slots=True)
class StatusInfo:
    """What wps:StatusInfo tells of a job."""

    job_id: str
    status: str
    """A value of `STATUS`."""
    percent: int | None = None
    next_poll: datetime | None = None
    expires: datetime | None = None


def status_info(info: StatusInfo) -> Element:
    """The answer to GetStatus and Dismiss, and to an asynchronous Execute."""
    document = root("StatusInfo")
    wps(document, "JobID", info.job_id)
    wps(document, "Status", info.status)
    if info.expires is not None:
        wps(document, "ExpirationDate", _time(info.expires))
    if info.next_poll is not None:
        wps(document, "NextPoll", _time(info.next_poll))
    if info.percent is not None:
        wps(document, "PercentCompleted", str(info.percent))
    return document


def result(
    job_id: str, outputs: Sequence[OutputMade], asked: Mapping[str, OutputAsked], expires: datetime | None = None
) -> Element:
    """The answer to a synchronous Execute and to GetResult where a document is wanted.

    Args:
        job_id: of the job.
        outputs: of the job.
        asked: how each is wanted, by id; only the media type of literals counts, all else is in `outputs` already.
        expires: when the job is removed; None: not known, or never.
    """
    document = root("Result")
    wps(document, "JobID", job_id)
    if expires is not None:
        wps(document, "ExpirationDate", _time(expires))
    for item in outputs:
        parent = wps(document, "Output", attributes={"id": item.identifier})
        _value(parent, item, asked.get(item.identifier, _AS_IT_IS))
    return document


def _value(parent: Element, item: OutputMade, asked: OutputAsked) -> None:
    value = item.value
    match value:
        case ReferenceMade():
            attributes = {HREF: value.href, **_format(value.media_type, value.encoding, value.schema)}
            wps(parent, "Reference", attributes=attributes)
        case LiteralMade():
            _literal_data(parent, value, asked)
        case BoxMade():
            data = wps(parent, "Data", attributes=_format(LITERAL_XML))
            _fill_box(ows(data, "BoundingBox"), value)
        case ComplexMade():
            _complex(parent, value)


def _literal_data(parent: Element, value: LiteralMade, asked: OutputAsked) -> None:
    if is_plain(asked):
        wps(parent, "Data", value.text, _format(TEXT))
    else:
        data = wps(parent, "Data", attributes=_format(LITERAL_XML))
        put(wps(data, "LiteralValue", attributes=_literal_attributes(value)), value.text)


def _complex(parent: Element, value: ComplexMade) -> None:
    data = wps(parent, "Data", attributes=_format(value.media_type, value.encoding, value.schema))
    if value.encoding == BASE64:
        data.text = base64.b64encode(value.content).decode("ascii")
    elif value.is_xml:
        data.append(parse(value.content))
    else:
        put(data, value.content.decode("utf-8", "replace"))


def is_plain(asked: OutputAsked) -> bool:
    """Whether a literal is wanted as text, and not as wps:LiteralValue."""
    return asked.media_type.partition(";")[0].strip().lower() == TEXT


def literal_value(value: LiteralMade) -> Element:
    """A literal as a document of its own: its raw form (the suite of OGC wants it so)."""
    document = bare_root("LiteralValue", _literal_attributes(value), WPS)
    put(document, value.text)
    return document


def bounding_box(value: BoxMade) -> Element:
    """A bounding box as a document of its own."""
    document = bare_root("BoundingBox", namespace=OWS)
    _fill_box(document, value)
    return document


def _fill_box(element: Element, value: BoxMade) -> None:
    element.set("crs", value.crs)
    element.set("dimensions", str(len(value.lower)))
    ows(element, "LowerCorner", _numbers(value.lower))
    ows(element, "UpperCorner", _numbers(value.upper))


def _numbers(values: Sequence[float]) -> str:
    return " ".join(repr(value) for value in values)


def _literal_attributes(value: LiteralMade) -> dict[str, str]:
    return {"dataType": f"{XSD}#{value.data_type}", "uom": value.uom}


def _format(media_type: str, encoding: str = "", schema: str = "") -> dict[str, str]:
    return {"mimeType": media_type, "encoding": encoding, "schema": schema}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
