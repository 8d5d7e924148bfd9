"""What the WPS door and its two bindings agree on: a request that was read safely, an answer, and who makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import OapipError
from ..model.identity import Principal
from ..operations import Operations, ServedFile
from .terms import ReferenceGiven
from .waiting import Waiting

Element = Any
"""An lxml element; lxml has no types."""

XML = "text/xml; charset=utf-8"
"""Content-Type of every document of ours."""


class Read(Protocol):
    """Reads a reference of a request, under the same guard as those of OGC API."""

    def __call__(self, reference: ReferenceGiven) -> bytes:
        """The content, with `encoding` undone.

        Raises:
            UnresolvableReference, AddressForbidden, TooLarge, Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Contact:
    """Who offers the service; "" where not known."""

    provider: str = ""
    site: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class WpsOptions:
    """What the administrator decides, and what the bindings need besides the operations."""

    read: Read
    title: str = "WPS"
    abstract: str = ""
    keywords: tuple[str, ...] = ()
    fees: str = "NONE"
    access_constraints: str = "NONE"
    contact: Contact = field(default_factory=Contact)
    language: str = "en-US"
    max_wait: float = 3600.0
    """Seconds that a synchronous request is waited for."""
    waiting: Waiting = field(default_factory=Waiting)
    """Waits for them."""
    retention: float = 0.0
    """Seconds that an ended job is kept; 0: without end."""
    max_megabytes: int = 50
    """Largest request, which holds all complex data by value."""


@dataclass(frozen=True, slots=True)
class WpsRequest:
    """A request. Its XML was parsed by `xmlguard`."""

    method: str
    """`GET` or `POST`."""
    address: str
    """URL of this WPS as the client came to it, without query: `https://host/wps`, `https://host/alice/wps`."""
    base: str
    """URL of the API that serves jobs and results, without `/` at its end, for example `https://host/alice/ogc-api`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """KVP: names in lower case, values decoded once."""
    document: Element | None = None
    """The root of an XML body; None: the request is KVP."""
    version: str = ""
    """That the request asked for in `version`, AcceptVersions or its namespace; "" where it did not."""
    raw: Mapping[str, str] = field(default_factory=dict)
    """KVP as in `parameters`, values not decoded."""
    statuses: str = ""
    """URL below which the status document of 1.0.0 of each job is, without `/` at its end."""


@dataclass(frozen=True, slots=True)
class WpsAnswer:
    """An answer."""

    content: bytes | str
    status: int = 200
    media_type: str = XML
    headers: tuple[tuple[str, str], ...] = ()
    file: ServedFile | None = None
    """A file that is sent instead of `content` (raw outputs may be large)."""


class Binding(Protocol):
    """One version of WPS."""

    def answer(self, request: WpsRequest, service: Operations, principal: Principal) -> WpsAnswer:
        """Do what is asked. Raises OapipError, of which the door makes `failure`."""
        ...

    def failure(self, error: OapipError) -> WpsAnswer:
        """An exception report of this version."""
        ...


MakeBinding = Callable[[WpsOptions], Binding]
"""`wps.v1.binding.make_binding`, `wps.v2.binding.make_binding`."""
