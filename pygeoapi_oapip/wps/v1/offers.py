"""GetCapabilities and DescribeProcess: PyWPS's templates over our descriptions, kept until processes change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...model.identity import Principal
from ...model.process import Process
from ...operations import Operations
from ..describe import describe, xml_text
from ..documents import Documents
from ..door import WpsAnswer, WpsOptions, WpsRequest
from ..faults import MissingParameter
from ..processes import every_process, named_processes
from ..terms import (
    UNBOUNDED,
    BoundingBoxCRS,
    ComplexFormats,
    Domain,
    Format,
    LiteralDomain,
    Metadata,
    WpsInput,
    WpsOutput,
    WpsProcess,
)


class Offers:
    """Answers both operations, for all users and prefixes of one process of the server."""

    def __init__(self, options: WpsOptions) -> None:
        self._options = options
        self._documents = Documents()

    def capabilities(self, request: WpsRequest, service: Operations, principal: Principal) -> WpsAnswer:
        """The answer to GetCapabilities."""
        key = ("capabilities", service.revision(), principal, request.address)

        def made() -> bytes:
            from .pywps_parts import render

            return render(
                "capabilities/main.xml", self._capabilities(request.address, every_process(service, principal))
            )

        return WpsAnswer(self._documents.get(key, made))

    def descriptions(self, identifiers: Sequence[str], service: Operations, principal: Principal) -> WpsAnswer:
        """The answer to DescribeProcess.

        Raises:
            MissingParameter: no identifier.
            NoSuchProcess: naming all that are not there.
        """
        names = tuple(dict.fromkeys(name.strip() for name in identifiers if name and name.strip()))
        if not names:
            raise MissingParameter("the identifier of a process is needed, or ALL", location="Identifier")
        key = ("descriptions", service.revision(), principal, names)

        def made() -> bytes:
            from .pywps_parts import render

            found = [
                describe(process, self._options.max_megabytes)
                for process in named_processes(names, service, principal, "Identifier")
            ]
            return render("describe/main.xml", self._descriptions(found))

        return WpsAnswer(self._documents.get(key, made))

    def _capabilities(self, address: str, processes: Iterator[Process]) -> dict[str, Any]:
        options, contact = self._options, self._options.contact
        place = dict.fromkeys(("delivery", "city", "administrativearea", "state", "postalcode", "country"), "")
        return {
            "title": xml_text(options.title),
            "abstract": xml_text(options.abstract),
            "keywords": [xml_text(word) for word in options.keywords] or ["WPS"],
            "keywords_type": [],
            "fees": xml_text(options.fees),
            "accessconstraints": [xml_text(options.access_constraints)],
            "provider": {
                "name": xml_text(contact.provider or options.title),
                "site": contact.site or address,
                "individual": xml_text(contact.name),
                "position": "",
                "voice": xml_text(contact.phone),
                "fascimile": "",
                "address": {**place, "email": xml_text(contact.email)},
            },
            "serviceurl": address,
            "language": options.language,
            "languages": [options.language],
            "processes": [_process(describe(replace(each, inputs={}, outputs={}))) for each in processes],
        }

    def _descriptions(self, found: Sequence[WpsProcess]) -> dict[str, Any]:
        processes = [
            _process(each)
            | {
                "store_supported": "true",
                "status_supported": "true" if each.asynchronous else "false",
                "inputs": [_input(item) for item in each.inputs],
                "outputs": [_put(item, "output") for item in each.outputs],
            }
            for each in found
        ]
        return {"processes": processes, "language": self._options.language, "max_size": self._options.max_megabytes}


def _process(each: WpsProcess) -> dict[str, Any]:
    return {
        "identifier": each.identifier,
        "title": each.title,
        "abstract": each.abstract,
        "version": each.version,
        "metadata": _metadata(each.metadata),
    }


def _metadata(rows: Sequence[Metadata]) -> list[Mapping[str, str | None]]:
    return [{"title": row.title, "type": "simple", "href": row.href, "role": row.role or None} for row in rows]


def _input(item: WpsInput) -> dict[str, Any]:
    most = UNBOUNDED if item.max_occurs is None else max(1, item.max_occurs)
    return {**_put(item, "input"), "min_occurs": item.min_occurs, "max_occurs": most}


def _put(item: WpsInput | WpsOutput, side: str) -> dict[str, Any]:
    found = {"identifier": item.identifier, "title": item.title, "abstract": _abstract(item), **_domain(item.domain)}
    if side == "output" and isinstance(item.domain, LiteralDomain):
        # the schema has neither for outputs
        found |= {"any_value": False, "allowed_values": [], "data": None}
    return found


def _abstract(item: WpsInput | WpsOutput) -> str:
    if _is_false(item.domain):
        return f"{item.abstract} (default: false)"
    return item.abstract


def _is_false(domain: Domain) -> bool:
    """birdy reads a boolean default by `bool(text)`, so it would send true where nothing is given and false is said."""
    return isinstance(domain, LiteralDomain) and domain.data_type == "boolean" and domain.default == "false"


def _domain(domain: Domain) -> dict[str, Any]:
    match domain:
        case LiteralDomain():
            allowed = [{"allowed_type": "value", "value": value} for value in domain.allowed_values]
            for each in domain.ranges:
                bounds = {"minval": each.minimum, "maxval": each.maximum, "range_closure": each.closure.value}
                allowed.append({"allowed_type": "range", **bounds})
            return {
                "type": "literal",
                "data_type": domain.data_type,
                "uoms": domain.uoms,
                "any_value": not allowed,
                "allowed_values": allowed,
                "data": None if _is_false(domain) else domain.default,
            }
        case ComplexFormats():
            supported = [_format(each) for each in domain.supported]
            return {"type": "complex", "data_format": _format(domain.default), "supported_formats": supported}
        case BoundingBoxCRS():
            return {"type": "bbox", "crs": domain.default, "crss": list(domain.supported)}


def _format(each: Format) -> dict[str, str]:
    return {"mime_type": each.media_type, "encoding": each.encoding, "schema": each.schema}
