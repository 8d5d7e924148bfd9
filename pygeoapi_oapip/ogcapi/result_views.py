"""Results of a job: as a document, raw, as parts, and each output and file by itself."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from flask import Response, request

from ..errors import InvalidQuery, NoSuchJob, NoSuchOutput, ResultNotAvailable
from ..model.execution import ExecutionRequest, OutputRequest, ResponseForm, Transmission
from ..model.value import DirectoryOutput, FileOutput, Literal, OutputValue
from ..operations import Results
from ..results import Renderer, find_file, is_json
from . import negotiation, output_pages, queries
from .door import DOCUMENT_HEADERS, Door, html_response, json_response
from .files import send
from .identifiers import checked
from .links import OGC_REL, link
from .multipart import Part, related
from .routes import Route

_FORMS = ("json", "html", "multipart")


def synchronous(door: Door, job_id: str) -> Response:
    """The answer of a synchronous execution: as `job_results`, but one output is raw if the request says nothing,
    and no output at all is 204 (2.0 /req/core/process-execute-empty-outputs)."""
    found = door.operations.results(door.principal, job_id)
    wanted = ExecutionRequest.from_json(found.job.request)
    if wanted.outputs is not None and not wanted.outputs:
        return Response(status=204)
    raw = wanted.response is ResponseForm.RAW or (wanted.response is None and len(found.outputs) == 1)
    return _respond(door, found, wanted, raw)


def job_results(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/results."""
    found = door.operations.results(door.principal, checked(job_id, NoSuchJob))
    wanted = ExecutionRequest.from_json(found.job.request)
    if wanted.outputs is not None and not wanted.outputs:
        raise ResultNotAvailable("the request asked for no outputs")
    chosen = queries.words(request.args, "outputs")
    unknown = [name for name in chosen if name not in found.outputs]
    if unknown:
        raise InvalidQuery(f"outputs: the job has no output {unknown[0]!r}", location="outputs")
    if chosen:
        found = Results(found.job, found.process, {name: found.outputs[name] for name in chosen})
    return _respond(door, found, wanted, wanted.response is ResponseForm.RAW)


def _respond(door: Door, found: Results, wanted: ExecutionRequest, raw: bool) -> Response:
    form = door.wanted(_FORMS)
    explicit = request.args.get("f")
    if form == "html":
        document = _renderer(door, found.job.id).document(found.outputs, wanted)
        return html_response(door.page("results", document, job_id=found.job.id))
    if raw and not explicit and (answer := _raw(door, found, wanted)) is not None:
        return answer
    if form == "multipart":
        return _parts(door, found, wanted)
    return json_response(_renderer(door, found.job.id).document(found.outputs, wanted))


def _raw(door: Door, found: Results, wanted: ExecutionRequest) -> Response | None:
    """Part 1 1.0 raw; None where the client names JSON in Accept and the raw form is not JSON."""
    modes = {key: (wanted.outputs or {}).get(key, OutputRequest()).transmission for key in found.outputs}
    if found.outputs and all(mode is Transmission.REFERENCE for mode in modes.values()):
        return _references(_renderer(door, found.job.id), found.outputs)
    wants_json = negotiation.names_json(request.headers.get("Accept"))
    if len(found.outputs) != 1:
        return None if wants_json else _parts(door, found, wanted)
    output_id, value = next(iter(found.outputs.items()))
    if wants_json and not _is_json(value):
        return None
    return _one(door, found.job.id, output_id, value, archive=True)


def _is_json(value: OutputValue) -> bool:
    if isinstance(value, FileOutput):
        return is_json(value.media_type)
    return not isinstance(value, DirectoryOutput)


def _references(renderer: Renderer, outputs: Mapping[str, OutputValue]) -> Response:
    """Part 1 1.0 raw-ref: no body, one Link header for each output."""
    response = Response(status=204)
    for output_id in outputs:
        name = quote(output_id, safe=" ")
        response.headers.add("Link", f'<{renderer.href(output_id)}>; rel="{OGC_REL}results"; title="{name}"')
    return response


def _parts(door: Door, found: Results, wanted: ExecutionRequest) -> Response:
    renderer = _renderer(door, found.job.id)

    def part(output_id: str, value: OutputValue) -> Part:
        transmission = (wanted.outputs or {}).get(output_id, OutputRequest()).transmission
        if transmission is Transmission.REFERENCE:
            return Part(output_id, "application/octet-stream", location=renderer.href(output_id))
        if isinstance(value, FileOutput | DirectoryOutput):
            served = door.operations.result_file(door.principal, found.job.id, output_id, "")
            return Part(output_id, served.media_type, file=served.path)
        return Part.of_json(output_id, renderer.plain(output_id, value))

    return related([part(output_id, value) for output_id, value in found.outputs.items()])


def job_output(door: Door, job_id: str, output_id: str) -> Response:
    """GET /jobs/{jobID}/results/{outputID}: the output itself."""
    value = _output(door, job_id, output_id)
    page = output_pages.of_output(door, _renderer(door, job_id), job_id, output_id, value)
    return page or _one(door, job_id, output_id, value, archive=False)


def job_file(door: Door, job_id: str, output_id: str, path: str) -> Response:
    """GET /jobs/{jobID}/results/{outputID}/{path}: a file below an output."""
    value = _output(door, job_id, output_id)
    path = path.rstrip("/")
    found = find_file(value, path)
    if found is None:
        raise NoSuchOutput(f"output {output_id!r} has nothing under this path")
    if isinstance(found, FileOutput):
        if output_pages.asked():
            return output_pages.of_file(door, job_id, output_id, _renderer(door, job_id).link(output_id, path, found))
        return send(door.operations.result_file(door.principal, job_id, output_id, path))
    if found[1] == "":
        return _directory(door, job_id, output_id, path, found[0].name)
    return _below_directory(door, job_id, output_id, path)


def _below_directory(door: Door, job_id: str, output_id: str, path: str) -> Response:
    try:
        served = door.operations.result_file(door.principal, job_id, output_id, path)
    except NoSuchOutput:
        return _directory(door, job_id, output_id, path, path.rpartition("/")[2])
    if output_pages.asked():
        leaf = FileOutput("", served.name, served.media_type, served.path.stat().st_size)
        return output_pages.of_file(door, job_id, output_id, _renderer(door, job_id).link(output_id, path, leaf))
    return send(served)


def _output(door: Door, job_id: str, output_id: str) -> OutputValue:
    checked(output_id, NoSuchOutput)
    outputs = door.operations.results(door.principal, checked(job_id, NoSuchJob)).outputs
    if output_id not in outputs:
        raise NoSuchOutput(f"the job has no output {output_id!r}")
    return outputs[output_id]


def _one(door: Door, job_id: str, output_id: str, value: OutputValue, archive: bool) -> Response:
    if isinstance(value, FileOutput):
        return send(door.operations.result_file(door.principal, job_id, output_id, ""))
    if isinstance(value, DirectoryOutput):
        if archive:
            return send(door.operations.result_file(door.principal, job_id, output_id, ""))
        return _directory(door, job_id, output_id, "", value.name)
    if isinstance(value, Literal):
        return _literal(door, value)
    return json_response(_renderer(door, job_id).plain(output_id, value))


def _literal(door: Door, value: Literal) -> Response:
    simple = isinstance(value.value, str | int | float) and not isinstance(value.value, bool)
    offered = ("json", "text", "html") if simple else ("json", "html")
    if door.wanted(offered) == "text":
        headers = list(DOCUMENT_HEADERS)
        return Response(str(value.value), 200, headers, content_type="text/plain; charset=utf-8")
    return json_response(value.value)


def _directory(door: Door, job_id: str, output_id: str, path: str, name: str) -> Response:
    """A Directory: the list of its files, or an archive."""
    form = door.wanted(("json", "zip", "html"))
    if form == "zip":
        return send(door.operations.result_file(door.principal, job_id, output_id, path))
    entries = door.operations.directory(door.principal, job_id, output_id, path)
    renderer = _renderer(door, job_id)
    prefix = f"{path}/" if path else ""
    address = renderer.href(output_id, path)
    rows = [
        {
            "name": entry.path,
            "href": renderer.href(output_id, prefix + entry.path),
            "type": entry.media_type,
            "size": entry.size,
        }
        for entry in entries
    ]
    links = [
        link(f"{address}?f=json", "self", "application/json", "Files of this folder"),
        link(f"{address}?f=zip", "alternate", "application/zip", "The folder as an archive"),
    ]
    document = {"name": name, "files": rows, "links": links}
    return door.document("directory", document, form, job_id=job_id, output_id=output_id)


def _renderer(door: Door, job_id: str) -> Renderer:
    def read(output_id: str, path: str) -> bytes:
        return door.operations.result_file(door.principal, job_id, output_id, path).path.read_bytes()

    return Renderer(door.links.results(job_id), read)


ROUTES = (
    Route("/jobs/<job_id>/results", "GET", job_results),
    Route("/jobs/<job_id>/results/<output_id>", "GET", job_output),
    Route("/jobs/<job_id>/results/<output_id>/<path:path>", "GET", job_file),
)
