"""GetCapabilities and DescribeProcess: what the service offers, from documents that are kept until processes change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...errors import BadRequest
from ..describe import describe
from ..documents import Documents
from ..door import XML, WpsAnswer
from ..faults import VersionNotOffered
from ..processes import every_process, named_processes
from ..terms import WpsProcess
from .asked import DescribeProcess, GetCapabilities
from .call import Call
from .capabilities import Service, capabilities, wanted_sections
from .descriptions import offerings
from .elements import VERSION, serialised

_APPLICATION_XML = "application/xml"


class InvalidUpdateSequence(BadRequest):
    """The client says that it knows a later state of the service than there is."""

    code = "InvalidUpdateSequence"


class Offers:
    """Answers both operations, for all users and prefixes of one process of the server."""

    def __init__(self) -> None:
        self._documents = Documents()

    def capabilities(self, asked: GetCapabilities, call: Call) -> WpsAnswer:
        """The answer to GetCapabilities.

        Raises:
            VersionNotOffered: AcceptVersions does not name 2.0.0.
            BadRequest: an unknown section.
            InvalidUpdateSequence: a later one than the present.
        """
        if asked.accept_versions and VERSION not in asked.accept_versions:
            told = ", ".join(asked.accept_versions)[:200]
            raise VersionNotOffered(f"none of the versions {told} is offered here; 2.0.0 is", location="AcceptVersions")
        revision = call.service.revision()
        sections = wanted_sections(asked.sections)
        if asked.update_sequence:
            sections = _if_new(asked.update_sequence, revision, sections)
        service = Service(call.options, call.request.address, revision, (VERSION, "1.0.0"))
        key = ("capabilities", revision, call.principal, call.request.address, sections)
        content = self._documents.get(key, lambda: serialised(capabilities(service, sections, _summaries(call))))
        return WpsAnswer(content, media_type=_media_type(asked.accept_formats))

    def describe(self, asked: DescribeProcess, call: Call) -> WpsAnswer:
        """The answer to DescribeProcess. Raises NoSuchProcess, naming all that are not there."""
        key = ("descriptions", call.service.revision(), call.principal, asked.identifiers)
        return WpsAnswer(self._documents.get(key, lambda: _described(asked.identifiers, call)))


def _if_new(known: str, revision: str, sections: Sequence[str]) -> tuple[str, ...]:
    """OWS Common clause 7.3.4: nothing but the root where the client has this state already."""
    if known == revision:
        return ()
    if known.isdecimal() and revision.isdecimal() and int(known[:30]) > int(revision):
        raise InvalidUpdateSequence(
            f"updateSequence is at {revision} (asked for {known[:30]})", location="updateSequence"
        )
    return tuple(sections)


def _media_type(formats: Sequence[str]) -> str:
    """The first of the formats that there is; where none of them is, the one that is always there."""
    known = {_APPLICATION_XML: f"{_APPLICATION_XML}; charset=utf-8", "text/xml": XML}
    wanted = (name.partition(";")[0].strip().lower() for name in formats)
    return next((known[name] for name in wanted if name in known), XML)


def _summaries(call: Call) -> Iterator[WpsProcess]:
    """All processes without their inputs and outputs, which a summary does not tell."""
    return (
        describe(replace(process, inputs={}, outputs={})) for process in every_process(call.service, call.principal)
    )


def _described(identifiers: Sequence[str], call: Call) -> bytes:
    processes = named_processes(identifiers, call.service, call.principal)
    megabytes = call.options.max_megabytes
    return serialised(offerings([describe(process, megabytes) for process in processes], call.options.language))
