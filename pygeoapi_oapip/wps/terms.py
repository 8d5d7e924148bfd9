"""What WPS 1.0.0 and 2.0.0 both speak of: descriptions, execute requests and outputs, as frozen plain values.

No XML and no HTTP here: readers make these values of requests (or of a server's answers), writers make XML of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNBOUNDED = 2**31 - 1
"""`maxOccurs` of WPS 1.0.0 where `max_occurs` is None: its schema knows numbers only, and clients read 32 bits."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """ows:Metadata."""

    title: str
    href: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of complex data; "" where not said."""

    media_type: str
    encoding: str = ""
    """`base64`, or "" for text and raw bytes."""
    schema: str = ""


class Closure(StrEnum):
    """ows:rangeClosure."""

    CLOSED = "closed"
    OPEN = "open"
    OPEN_CLOSED = "open-closed"
    CLOSED_OPEN = "closed-open"


@dataclass(frozen=True, slots=True)
class Range:
    """ows:Range; "" where there is no bound on that side."""

    minimum: str = ""
    maximum: str = ""
    closure: Closure = Closure.CLOSED


@dataclass(frozen=True, slots=True)
class LiteralDomain:
    """What a literal may be. No allowed values and no ranges: any value."""

    data_type: str
    """Local name in XML Schema: `string`, `integer`, `double`, `boolean`, `dateTime`, ..."""
    allowed_values: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()
    default: str | None = None
    uoms: tuple[str, ...] = ()
    """The first is the default."""


@dataclass(frozen=True, slots=True)
class ComplexFormats:
    """What complex data may be."""

    default: Format
    supported: tuple[Format, ...]
    """All, the default among them."""
    max_megabytes: int | None = None


@dataclass(frozen=True, slots=True)
class BoundingBoxCRS:
    """Reference systems of a bounding box."""

    default: str
    supported: tuple[str, ...]
    """All, the default among them."""


Domain = LiteralDomain | ComplexFormats | BoundingBoxCRS


@dataclass(frozen=True, slots=True)
class WpsInput:
    """An input of a process description."""

    identifier: str
    title: str
    abstract: str
    domain: Domain
    min_occurs: int = 1
    max_occurs: int | None = 1
    """None: unbounded (2.0.0 `unbounded`; 1.0.0 `UNBOUNDED`)."""
    keywords: tuple[str, ...] = ()
    metadata: tuple[Metadata, ...] = ()


@dataclass(frozen=True, slots=True)
class WpsOutput:
    """An output of a process description."""

    identifier: str
    title: str
    abstract: str
    domain: Domain
    keywords: tuple[str, ...] = ()
    metadata: tuple[Metadata, ...] = ()


@dataclass(frozen=True, slots=True)
class WpsProcess:
    """A process description. Titles and abstracts are never empty (QGIS refuses a process without abstract)."""

    identifier: str
    title: str
    abstract: str
    version: str
    inputs: tuple[WpsInput, ...] = ()
    outputs: tuple[WpsOutput, ...] = ()
    keywords: tuple[str, ...] = ()
    metadata: tuple[Metadata, ...] = ()
    sync: bool = True
    asynchronous: bool = True
    dismiss: bool = True

    def input(self, identifier: str) -> WpsInput | None:
        """The input of this id."""
        return next((item for item in self.inputs if item.identifier == identifier), None)

    def output(self, identifier: str) -> WpsOutput | None:
        """The output of this id."""
        return next((item for item in self.outputs if item.identifier == identifier), None)


@dataclass(frozen=True, slots=True)
class LiteralGiven:
    """A literal in a request."""

    text: str
    data_type: str = ""
    uom: str = ""


@dataclass(frozen=True, slots=True)
class ComplexGiven:
    """Complex data by value in a request."""

    content: str
    """Character data as it stood there, or the one element below it, serialised."""
    media_type: str = ""
    encoding: str = ""
    schema: str = ""


@dataclass(frozen=True, slots=True)
class BoxGiven:
    """A bounding box in a request; corners in the axis order in which they were written."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    crs: str = ""
    """"": the default of the input."""
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class ReferenceGiven:
    """Data by reference in a request."""

    href: str
    media_type: str = ""
    encoding: str = ""
    schema: str = ""
    method: str = "GET"
    """`GET` or `POST`."""
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    """Sent with POST: text, or the one element, serialised."""
    body_reference: str = ""
    """Address of the body; "" where there is none."""


Given = LiteralGiven | ComplexGiven | BoxGiven | ReferenceGiven


class Form(StrEnum):
    """How the results of a synchronous execution come."""

    DOCUMENT = "document"
    RAW = "raw"


class Mode(StrEnum):
    """WPS 2.0.0 execution modes; 1.0.0 knows SYNC, and ASYNC (`storeExecuteResponse` with `status`)."""

    SYNC = "sync"
    ASYNC = "async"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class OutputAsked:
    """An output that a request asks for; "" where not said."""

    identifier: str
    as_reference: bool = False
    media_type: str = ""
    encoding: str = ""
    schema: str = ""
    uom: str = ""
    title: str = ""
    """1.0.0: the client's own title and abstract, which lineage repeats."""
    abstract: str = ""


@dataclass(frozen=True, slots=True)
class ExecuteAsked:
    """An Execute request of either version."""

    identifier: str
    inputs: tuple[tuple[str, Given], ...] = ()
    """(input id, value) in the order of the request; an id that is there several times is an array."""
    form: Form = Form.DOCUMENT
    outputs: tuple[OutputAsked, ...] | None = None
    """None: all."""
    mode: Mode = Mode.SYNC
    lineage: bool = False
    store: bool = False
    """1.0.0 `storeExecuteResponse`."""
    status: bool = False
    """1.0.0 `status`."""


@dataclass(frozen=True, slots=True)
class LiteralMade:
    """A literal output."""

    text: str
    data_type: str = "string"
    uom: str = ""


@dataclass(frozen=True, slots=True)
class ComplexMade:
    """Complex data by value, ready to stand in a document."""

    content: bytes
    """Bytes of the data itself, not encoded."""
    media_type: str
    encoding: str = ""
    """`base64` where it cannot stand in XML as text: the writer encodes it."""
    schema: str = ""
    is_xml: bool = False
    """True: the content is one well-formed XML document, whose root may stand in the answer as an element."""


@dataclass(frozen=True, slots=True)
class BoxMade:
    """A bounding box."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    crs: str


@dataclass(frozen=True, slots=True)
class ReferenceMade:
    """Data by reference: the address under which `/jobs/{id}/results/{output}` serves it."""

    href: str
    media_type: str = ""
    encoding: str = ""
    schema: str = ""


Made = LiteralMade | ComplexMade | BoxMade | ReferenceMade


@dataclass(frozen=True, slots=True)
class OutputMade:
    """An output of a job."""

    identifier: str
    title: str
    abstract: str
    value: Made
