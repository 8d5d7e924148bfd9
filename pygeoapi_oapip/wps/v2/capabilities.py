"""wps:Capabilities (14-065 clause 9.7, OWS Common 2.0 clause 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...errors import BadRequest
from ..door import Contact, Element, WpsOptions
from ..terms import WpsProcess
from .asked import OPERATIONS
from .descriptions import summary
from .elements import HREF, VERSION, ows, root, wps

SECTIONS = ("ServiceIdentification", "ServiceProvider", "OperationsMetadata", "Languages", "Contents")

_BY_POST_ALONE = frozenset({"Execute"})
"""As the standard says; pairs for Execute are taken too (`kvp`)."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the capabilities tell of the service."""

    options: WpsOptions
    address: str
    """URL of all operations, without query."""
    update_sequence: str
    """Changes whenever the processes do."""
    versions: Sequence[str] = (VERSION,)


def wanted_sections(names: Iterable[str]) -> tuple[str, ...]:
    """The sections that a request wants, in the order of the document.

    Args:
        names: of the request; case does not count; none and `All` stand for all.

    Raises:
        BadRequest: there is no such section.
    """
    known = {name.lower(): name for name in SECTIONS}
    found = set()
    for name in names:
        if name.lower() not in known and name.lower() != "all":
            raise BadRequest(
                f"there is no section {name!r} (sections: {', '.join(SECTIONS)}, All)", location="Sections"
            )
        found.add(known.get(name.lower(), "All"))
    return SECTIONS if not found or "All" in found else tuple(name for name in SECTIONS if name in found)


def capabilities(service: Service, sections: Sequence[str], processes: Iterable[WpsProcess]) -> Element:
    """The capabilities document.

    The schema of OGC wants Contents, whatever sections are asked for; OWS Common clause 7.3.3 wants those that are
    asked for, and that is done.

    Args:
        service: the service.
        sections: out of SECTIONS; none of them where the client knows this update sequence already.
        processes: the contents; read only where they are wanted.
    """
    document = root("Capabilities", {"service": "WPS", "version": VERSION, "updateSequence": service.update_sequence})
    options = service.options
    if "ServiceIdentification" in sections:
        _identification(document, service)
    if "ServiceProvider" in sections:
        _provider(document, options.contact)
    if "OperationsMetadata" in sections:
        _operations(document, service.address)
    if "Languages" in sections:
        ows(ows(document, "Languages"), "Language", options.language)
    if "Contents" in sections:
        _contents(document, processes)
    return document


def _identification(parent: Element, service: Service) -> None:
    options = service.options
    section = ows(parent, "ServiceIdentification")
    ows(section, "Title", options.title)
    if options.abstract:
        ows(section, "Abstract", options.abstract)
    if options.keywords:
        keywords = ows(section, "Keywords")
        for word in options.keywords:
            ows(keywords, "Keyword", word)
    ows(section, "ServiceType", "WPS", {"codeSpace": "OGC"})
    for version in service.versions:
        ows(section, "ServiceTypeVersion", version)
    ows(section, "Fees", options.fees)
    ows(section, "AccessConstraints", options.access_constraints)


def _provider(parent: Element, contact: Contact) -> None:
    section = ows(parent, "ServiceProvider")
    ows(section, "ProviderName", contact.provider or contact.name or "unknown")
    if contact.site:
        ows(section, "ProviderSite", attributes={HREF: contact.site})
    person = ows(section, "ServiceContact")
    if contact.name:
        ows(person, "IndividualName", contact.name)
    if contact.phone or contact.email:
        details = ows(person, "ContactInfo")
        if contact.phone:
            ows(ows(details, "Phone"), "Voice", contact.phone)
        if contact.email:
            ows(ows(details, "Address"), "ElectronicMailAddress", contact.email)


def _operations(parent: Element, address: str) -> None:
    section = ows(parent, "OperationsMetadata")
    for name in OPERATIONS:
        http = ows(ows(ows(section, "Operation", attributes={"name": name}), "DCP"), "HTTP")
        if name not in _BY_POST_ALONE:
            ows(http, "Get", attributes={HREF: f"{address}?"})
        ows(http, "Post", attributes={HREF: address})


def _contents(parent: Element, processes: Iterable[WpsProcess]) -> None:
    section = wps(parent, "Contents")
    for process in processes:
        summary(section, process)
