"""Results of a job: all together, and each output and file by itself."""

from __future__ import annotations

from flask import Response, request

from ..errors import InvalidQuery, NoSuchJob, NoSuchOutput, ResultNotAvailable, UnknownOutput
from ..model.execution import ExecutionRequest, ResponseForm
from ..model.value import DirectoryOutput, FileOutput, Literal, OutputValue
from ..operations import Results
from ..results import find_file
from . import asked, output_pages, queries, stac_forms
from .door import Door, json_response
from .files import send
from .identifiers import checked
from .links import link
from .result_forms import kinds_of, literal, renderer, require_acceptable, respond
from .routes import Route

_FORMS = ("json", "html", "text", "zip", *stac_forms.FORMS)
"""What outputs and their files offer, each some of them."""


def job_results(door: Door, job_id: str) -> Response:
    """GET /jobs/{jobID}/results."""
    found = door.operations.results(door.principal, checked(job_id, NoSuchJob))
    wanted = _wanted(found)
    chosen = queries.words(request.args, "outputs")
    unknown = [name for name in chosen if name not in found.outputs]
    if unknown:
        raise InvalidQuery(f"outputs: the job has no output {unknown[0]!r}", location="outputs")
    if chosen:
        found = Results(found.job, found.process, {name: found.outputs[name] for name in chosen})
    how = asked.of_request()
    response = respond(door, found, wanted.response is ResponseForm.RAW, how)
    applied = [response.headers.get("Preference-Applied", ""), *how.prefer.handling()]
    if any(applied):
        response.headers["Preference-Applied"] = ", ".join(filter(None, applied))
    return response


def _wanted(found: Results) -> ExecutionRequest:
    """2.0 /req/core/job-results-exception/results-not-available: `outputs: {}` leaves nothing to fetch."""
    wanted = ExecutionRequest.from_json(found.job.request)
    if wanted.outputs is not None and not wanted.outputs:
        raise ResultNotAvailable("the request asked for no outputs")
    return wanted


def job_output(door: Door, job_id: str, output_id: str) -> Response:
    """GET /jobs/{jobID}/results/{outputID}: the output itself."""
    value = _output(door, job_id, output_id)
    page = output_pages.of_output(door, renderer(door, job_id), job_id, output_id, value)
    return page or _content(door, job_id, output_id, value)


def job_file(door: Door, job_id: str, output_id: str, path: str) -> Response:
    """GET /jobs/{jobID}/results/{outputID}/{path}: a file below an output."""
    value = _output(door, job_id, output_id)
    path = path.rstrip("/")
    found = find_file(value, path)
    if found is None:
        raise NoSuchOutput(f"output {output_id!r} has nothing under this path")
    if isinstance(found, FileOutput):
        if output_pages.asked():
            return output_pages.of_file(door, job_id, output_id, renderer(door, job_id).link(output_id, path, found))
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
        leaf = FileOutput("", served.name, served.media_type, served.size or 0)
        return output_pages.of_file(door, job_id, output_id, renderer(door, job_id).link(output_id, path, leaf))
    return send(served)


def _output(door: Door, job_id: str, output_id: str) -> OutputValue:
    door.wanted(_FORMS)  # refuses an `f` that no output has
    found = door.operations.results(door.principal, checked(job_id, NoSuchJob))
    checked(output_id, UnknownOutput)
    if output_id in found.outputs:
        return found.outputs[output_id]
    if output_id not in found.process.outputs:
        known = ", ".join(found.process.outputs) or "none"
        raise UnknownOutput(f"the process has no output {output_id!r} (outputs: {known})", location=output_id)
    _wanted(found)
    raise NoSuchOutput(f"the request did not ask for the output {output_id!r}, or the job did not make it")


def _content(door: Door, job_id: str, output_id: str, value: OutputValue) -> Response:
    if isinstance(value, DirectoryOutput):
        return _directory(door, job_id, output_id, "", value.name)
    how = asked.of_request()
    require_acceptable(how.accept, *kinds_of(value))
    if isinstance(value, FileOutput):
        return send(door.operations.result_file(door.principal, job_id, output_id, ""))
    if isinstance(value, Literal):
        return literal(value, how)
    return json_response(renderer(door, job_id).plain(output_id, value))


def _directory(door: Door, job_id: str, output_id: str, path: str, name: str) -> Response:
    """A Directory: the list of its files, an archive, or the STAC catalogue that it holds."""
    form = door.wanted(("json", "zip", "html", *stac_forms.FORMS))
    if form in stac_forms.FORMS:
        return _catalogue(door, job_id, output_id, path, form)
    if form == "zip":
        return send(door.operations.result_file(door.principal, job_id, output_id, path))
    entries = door.operations.directory(door.principal, job_id, output_id, path)
    made = renderer(door, job_id)
    prefix = f"{path}/" if path else ""
    address = made.href(output_id, path)
    rows = [
        {
            "name": entry.path,
            "href": made.href(output_id, prefix + entry.path),
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


def _catalogue(door: Door, job_id: str, output_id: str, path: str, form: str) -> Response:
    results = door.operations.results(door.principal, job_id)
    found = find_file(results.outputs[output_id], path)
    if not isinstance(found, tuple) or found[1]:
        raise NoSuchOutput(f"{path!r} of the output {output_id} holds no STAC catalogue")
    made = renderer(door, job_id, results.locate)
    return stac_forms.Catalogues(results, made).served(output_id, path, found[0], form)


ROUTES = (
    Route("/jobs/<job_id>/results", "GET", job_results),
    Route("/jobs/<job_id>/results/<output_id>", "GET", job_output),
    Route("/jobs/<job_id>/results/<output_id>/<path:path>", "GET", job_file),
)
