"""wps:ProcessOfferings (14-065 clause 9.8.2, and the native process model of clause 8), and process summaries."""

from __future__ import annotations

from collections.abc import Sequence

from ..door import Element
from ..terms import (
    BoundingBoxCRS,
    Closure,
    ComplexFormats,
    Domain,
    Format,
    LiteralDomain,
    Metadata,
    Range,
    WpsInput,
    WpsOutput,
    WpsProcess,
)
from .elements import HREF, LANG, OWS, XLINK, XSD, local, ows, root, wps

TEXT = "text/plain"
LITERAL_XML = "text/xml"
"""Media type of wps:LiteralValue, and of ows:BoundingBox."""

_REFERENCE = f"{{{OWS}}}reference"


def offerings(processes: Sequence[WpsProcess], language: str) -> Element:
    """The answer to DescribeProcess.

    Args:
        processes: in the order in which they were asked for.
        language: of titles and abstracts.
    """
    document = root("ProcessOfferings")
    for process in processes:
        offering = wps(document, "ProcessOffering", attributes=properties(process))
        described = wps(offering, "Process", attributes={LANG: language})
        identify(described, process)
        for item in process.inputs:
            _input(described, item)
        for output in process.outputs:
            _output(described, output)
    return document


def summary(parent: Element, process: WpsProcess) -> None:
    """A wps:ProcessSummary, which says nothing of inputs and outputs."""
    identify(wps(parent, "ProcessSummary", attributes=properties(process)), process)


def properties(process: WpsProcess) -> dict[str, str]:
    """The attributes that offerings and summaries share."""
    modes = {"sync-execute": process.sync, "async-execute": process.asynchronous, "dismiss": process.dismiss}
    return {
        "jobControlOptions": " ".join(word for word, there in modes.items() if there),
        "outputTransmission": "value reference",
        "processVersion": process.version,
    }


def identify(parent: Element, thing: WpsProcess | WpsInput | WpsOutput) -> None:
    """Title, abstract, keywords, identifier and metadata, in the order of the schema."""
    ows(parent, "Title", thing.title)
    ows(parent, "Abstract", thing.abstract)
    if thing.keywords:
        keywords = ows(parent, "Keywords")
        for word in thing.keywords:
            ows(keywords, "Keyword", word)
    ows(parent, "Identifier", thing.identifier)
    for row in thing.metadata:
        _metadata(parent, row)


def _metadata(parent: Element, row: Metadata) -> None:
    ows(
        parent,
        "Metadata",
        attributes={
            f"{{{XLINK}}}type": "simple",
            HREF: row.href,
            f"{{{XLINK}}}title": row.title,
            f"{{{XLINK}}}role": row.role,
        },
    )


def _input(parent: Element, item: WpsInput) -> None:
    most = "unbounded" if item.max_occurs is None else str(item.max_occurs)
    described = wps(parent, "Input", attributes={"minOccurs": str(item.min_occurs), "maxOccurs": most})
    identify(described, item)
    # a literal comes as text in most requests, and goes out as wps:LiteralValue where nothing else is asked for
    _data(described, item.domain, (TEXT, LITERAL_XML))


def _output(parent: Element, item: WpsOutput) -> None:
    described = wps(parent, "Output")
    identify(described, item)
    _data(described, item.domain, (LITERAL_XML, TEXT))


def _data(parent: Element, domain: Domain, literal_formats: tuple[str, str]) -> None:
    match domain:
        case LiteralDomain():
            _literal(parent, domain, literal_formats)
        case ComplexFormats():
            _complex(parent, domain)
        case BoundingBoxCRS():
            _box(parent, domain)


def _literal(parent: Element, domain: LiteralDomain, formats: tuple[str, str]) -> None:
    data = wps(parent, "LiteralData")
    for at, kind in enumerate(formats):
        _format(data, Format(kind), at == 0)
    for at, uom in enumerate(domain.uoms or ("",)):
        described = local(data, "LiteralDataDomain", attributes={"default": "true" if at == 0 else ""})
        _values(described, domain)
        ows(described, "DataType", domain.data_type, {_REFERENCE: f"{XSD}#{domain.data_type}"})
        if uom:
            ows(described, "UOM", uom)
        if domain.default is not None:
            ows(described, "DefaultValue", domain.default)


def _values(parent: Element, domain: LiteralDomain) -> None:
    if not domain.allowed_values and not domain.ranges:
        ows(parent, "AnyValue")
        return
    allowed = ows(parent, "AllowedValues")
    for value in domain.allowed_values:
        ows(allowed, "Value", value)
    for bounds in domain.ranges:
        _range(allowed, bounds)


def _range(parent: Element, bounds: Range) -> None:
    closure = "" if bounds.closure is Closure.CLOSED else bounds.closure.value
    described = ows(parent, "Range", attributes={f"{{{OWS}}}rangeClosure": closure})
    if bounds.minimum:
        ows(described, "MinimumValue", bounds.minimum)
    if bounds.maximum:
        ows(described, "MaximumValue", bounds.maximum)


def _complex(parent: Element, domain: ComplexFormats) -> None:
    data = wps(parent, "ComplexData")
    for item in domain.supported:
        _format(data, item, item == domain.default, domain.max_megabytes)


def _format(parent: Element, item: Format, default: bool, megabytes: int | None = None) -> None:
    attributes = {
        "mimeType": item.media_type,
        "encoding": item.encoding,
        "schema": item.schema,
        "maximumMegabytes": str(megabytes or ""),
        "default": "true" if default else "",
    }
    wps(parent, "Format", attributes=attributes)


def _box(parent: Element, domain: BoundingBoxCRS) -> None:
    data = wps(parent, "BoundingBoxData")
    _format(data, Format(LITERAL_XML), True)
    for name in domain.supported:
        wps(data, "SupportedCRS", name, {"default": "true" if name == domain.default else ""})
