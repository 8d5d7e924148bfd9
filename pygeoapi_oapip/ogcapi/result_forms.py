"""Which form the results of a job are served in: document, raw, links, parts or page (docs/execution.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from flask import Response

from ..errors import NoSuchOutput, NotAcceptable
from ..model.execution import ExecutionRequest, OutputRequest, ResponseForm, Transmission
from ..model.value import DirectoryOutput, FileOutput, Literal, OutputValue
from ..operations import Results, ServedFile
from ..results import ARCHIVE, Locate, Renderer, here, is_json
from . import negotiation, profiles
from .asked import Asked
from .door import DOCUMENT_HEADERS, Door, html_response, json_response
from .files import send
from .links import OGC_REL
from .multipart import Part, related
from .stac_forms import Catalogues

FORMS = ("json", "html", "multipart")
_NEVER_REFUSED = (
    *negotiation.MEDIA_TYPES["json"],
    *negotiation.MEDIA_TYPES["html"],
    *negotiation.MEDIA_TYPES["multipart"],
    "application/octet-stream",
)


def synchronous(door: Door, job_id: str, asked: Asked) -> Response:
    """The answer of a synchronous execution: as that of GET results, but one output is raw if the request does not say
    which form (2.0 /req/core/process-execute-sync-one), and no output at all is 204 (-empty-outputs)."""
    found = door.operations.results(door.principal, job_id)
    wanted = ExecutionRequest.from_json(found.job.request)
    if wanted.outputs is not None and not wanted.outputs:
        return _no_content()
    raw = wanted.response is ResponseForm.RAW or (wanted.response is None and len(found.outputs) == 1)
    return respond(door, found, raw, asked)


def respond(door: Door, found: Results, raw: bool, asked: Asked) -> Response:
    """Results in the form that was asked for; `Preference-Applied` names `return`, if that decided.

    Args:
        door: the door.
        found: the outputs to serve.
        raw: whether the request, or its default, is for the raw form (Part 1 1.0 `response`).
        asked: representation and preferences.

    Raises:
        InvalidQuery: `f` is not offered.
        NotAcceptable: the request is one of 2.0 (no `response`), and Accept names only what there is not.
    """
    wanted = ExecutionRequest.from_json(found.job.request)
    form = asked.wanted(FORMS)
    returns = asked.prefer.returns
    if form == "html":
        document = renderer(door, found.job.id).document(found.outputs, wanted)
        return html_response(door.page("results", document, job_id=found.job.id))
    if form == "json" and not asked.f and returns != "minimal" and (held := _catalogue(door, found, asked)) is not None:
        return held
    if returns == "minimal" and form == "json":
        return _applied(_document(door, found, _by_link(wanted)), "return=minimal")
    if raw and not asked.f and (answer := _raw(door, found, wanted, asked)) is not None:
        by_value = returns == "representation" and answer.status_code == 200
        return _applied(answer, "return=representation") if by_value else answer
    if form == "multipart":
        return _parts(door, found, wanted)
    if wanted.response is None and not asked.f:
        require_acceptable(asked.accept, "application/json", "multipart/related")
    if returns == "representation":
        return _applied(_document(door, found, _by_value(wanted, found)), "return=representation")
    return _document(door, found, wanted)


def _catalogue(door: Door, found: Results, asked: Asked) -> Response | None:
    """The STAC Collection that is all of the results, except for those who ask for an archive."""
    if negotiation.wanted(None, asked.accept, ("json", "zip")) == "zip":
        return None
    held = Catalogues(found, renderer(door, found.job.id)).body()
    return None if held is None else json_response(held)


def _document(door: Door, found: Results, wanted: ExecutionRequest) -> Response:
    made = renderer(door, found.job.id, found.locate)
    document = replace(made, catalogue=Catalogues(found, made).collection).document(found.outputs, wanted)
    return profiles.linked(json_response(document), profiles.RESULTS)


def _applied(response: Response, preference: str) -> Response:
    response.headers["Preference-Applied"] = preference
    return response


def _by_link(wanted: ExecutionRequest) -> ExecutionRequest:
    """Files as links, values as they are: `transmissionMode` does not count."""
    outputs = {key: replace(item, transmission=None) for key, item in (wanted.outputs or {}).items()}
    return replace(wanted, outputs=outputs)


def _by_value(wanted: ExecutionRequest, found: Results) -> ExecutionRequest:
    """Files as contents, except where the request asks for a reference."""
    given = wanted.outputs or {}
    items = {key: given.get(key, OutputRequest()) for key in found.outputs}
    outputs = {key: replace(item, transmission=item.transmission or Transmission.VALUE) for key, item in items.items()}
    return replace(wanted, outputs=outputs)


def _raw(door: Door, found: Results, wanted: ExecutionRequest, asked: Asked) -> Response | None:
    """Part 1 1.0 raw; None where the client names JSON in Accept and the raw form is not JSON."""
    modes = [_wanted_output(wanted, key).transmission for key in found.outputs]
    if found.outputs and all(mode is Transmission.REFERENCE for mode in modes):
        return _references(renderer(door, found.job.id, found.locate), found.outputs)
    wants_json = negotiation.names_json(asked.accept)
    if len(found.outputs) != 1:
        return None if wants_json else _parts(door, found, wanted)
    output_id, value = next(iter(found.outputs.items()))
    if wants_json and not _is_json(value):
        return None
    if wanted.response is None:
        require_acceptable(asked.accept, *kinds_of(value))
    return _one(door, found.job.id, output_id, value, asked, _wanted_output(wanted, output_id))


def _wanted_output(wanted: ExecutionRequest, output_id: str) -> OutputRequest:
    return (wanted.outputs or {}).get(output_id, OutputRequest())


def require_acceptable(accept: str | None, *kinds: str) -> None:
    """Refuse an Accept header that leaves nothing: every type that it names is another one.

    A header that names JSON or HTML is never refused, since clients send it with every request.

    Args:
        accept: the header; none accepts all.
        kinds: the media types that there are.

    Raises:
        NotAcceptable: naming them.
    """
    if not negotiation.accepts_one_of(accept, (*kinds, *_NEVER_REFUSED)):
        raise NotAcceptable(f"the result is there as {' or '.join(kinds)}, and Accept allows none of these")


def kinds_of(value: OutputValue) -> tuple[str, ...]:
    """The media types that an output can be served as."""
    if isinstance(value, FileOutput):
        return (value.media_type or "application/octet-stream",)
    if isinstance(value, DirectoryOutput):
        return (ARCHIVE, "application/json")
    return ("application/json", "text/plain") if isinstance(value, Literal) else ("application/json",)


def _is_json(value: OutputValue) -> bool:
    if isinstance(value, FileOutput):
        return is_json(value.media_type)
    return not isinstance(value, DirectoryOutput)


def _references(made: Renderer, outputs: Mapping[str, OutputValue]) -> Response:
    """Part 1 1.0 raw-ref: no body, one Link header for each output."""
    response = _no_content()
    for output_id, value in outputs.items():
        name, kind = quote(output_id, safe=" "), kinds_of(value)[0]
        address = _located(made, output_id, value)
        response.headers.add("Link", f'<{address}>; rel="{OGC_REL}results"; title="{name}"; type="{_quotable(kind)}"')
    return response


def _located(made: Renderer, output_id: str, value: OutputValue) -> str:
    elsewhere = made.locate(value) if isinstance(value, FileOutput) else ""
    return elsewhere or made.href(output_id)


def _no_content() -> Response:
    response = Response(status=204)
    # Flask would say text/html of nothing
    del response.headers["Content-Type"]
    return response


def _quotable(kind: str) -> str:
    return kind if kind.isprintable() and '"' not in kind and kind.isascii() else "application/octet-stream"


def _parts(door: Door, found: Results, wanted: ExecutionRequest) -> Response:
    """Part 1 1.0 raw-value-multi and raw-mixed-multi."""
    made = renderer(door, found.job.id, found.locate)

    def part(output_id: str, value: OutputValue) -> Part:
        if _wanted_output(wanted, output_id).transmission is Transmission.REFERENCE:
            return Part(output_id, kinds_of(value)[0], location=_located(made, output_id, value))
        if isinstance(value, FileOutput | DirectoryOutput):
            served = _existing(door.operations.result_file(door.principal, found.job.id, output_id, ""))
            return Part(output_id, served.media_type, file=served)
        return Part.of_json(output_id, made.plain(output_id, value))

    return related([part(output_id, value) for output_id, value in found.outputs.items()])


def _one(door: Door, job_id: str, output_id: str, value: OutputValue, asked: Asked, wanted: OutputRequest) -> Response:
    if isinstance(value, FileOutput | DirectoryOutput):
        return send(door.operations.result_file(door.principal, job_id, output_id, ""))
    if isinstance(value, Literal):
        return literal(value, asked, wanted.media_type)
    return json_response(renderer(door, job_id).plain(output_id, value))


def literal(value: Literal, asked: Asked, media_type: str = "") -> Response:
    """A literal output: JSON, or plain text where that is asked for and the value is a text or a number.

    Args:
        value: the output.
        asked: representation.
        media_type: that the execute request asked for; counts where the present request says nothing.
    """
    simple = isinstance(value.value, str | int | float) and not isinstance(value.value, bool)
    offered: tuple[str, ...] = ("json", "text", "html") if simple else ("json", "html")
    if simple and media_type.startswith("text/plain") and not asked.f and asked.accept in (None, "", "*/*"):
        offered = ("text",)
    if asked.wanted(offered) == "text":
        headers = list(DOCUMENT_HEADERS)
        return Response(str(value.value), 200, headers, content_type="text/plain; charset=utf-8")
    return json_response(value.value)


def renderer(door: Door, job_id: str, locate: Locate = here) -> Renderer:
    """Makes the documents of one job, with addresses of the present request; pages need no others.

    Args:
        door: the door.
        job_id: the job.
        locate: of `Results`, for documents whose links may lead elsewhere.
    """

    def read(output_id: str, path: str) -> bytes:
        return _existing(door.operations.result_file(door.principal, job_id, output_id, path)).read()

    return Renderer(door.links.results(job_id), read, locate)


def _existing(served: ServedFile) -> ServedFile:
    if served.path is not None and not served.path.is_file():
        raise NoSuchOutput("this result is not there any more")
    return served
