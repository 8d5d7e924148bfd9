"""Results of a job as pygeoapi's (media type, content)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import flask
from werkzeug.exceptions import HTTPException

from ..model.execution import ExecutionRequest, OutputRequest, Transmission
from ..model.identity import Principal
from ..model.job import Job
from ..model.value import FileOutput
from ..operations import Operations, Results, ServedFile
from ..results import Renderer, is_json
from ..streaming import streamed
from .host import base_url
from .rows import JSON_TYPE

_LARGEST_IN_MEMORY = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class StockRenderer(Renderer):
    """Stock pygeoapi has no route for one output, so links lead to the results with `?output=ID&path=PATH`."""

    def href(self, output_id: str, path: str = "") -> str:
        """URL of an output or of a file below it, as `ProcessManager.get_job_result` reads it."""
        return f"{self.address}?{urlencode({'output': output_id, **({'path': path} if path else {})})}"


@dataclass(frozen=True, slots=True)
class Answers:
    """Reads the results of one service for one principal."""

    service: Operations
    principal: Principal

    def rendered(self, results: Results, form: str) -> tuple[str, Any]:
        """A single file as its bytes, all else as the results document (Part 1 results.yaml)."""
        if form == "raw" and (single := _single_file(results)):
            return self.file(results.job, single, "")
        document = self._document(results)
        text = json.dumps(document, ensure_ascii=False)
        if "<" in text or ">" in text:
            # pygeoapi's own results page writes values into a script unescaped (0.21), or pygeoapi replaces these
            # characters by HTML entities in all JSON that it writes (0.24).
            return f"{JSON_TYPE}; charset=utf-8", text.encode()
        return JSON_TYPE, document

    def _document(self, results: Results) -> dict[str, Any]:
        request = ExecutionRequest.from_json(results.job.request)
        if not flask.has_request_context():
            request = _by_value(request, results)
        renderer = StockRenderer(f"{base_url()}/jobs/{results.job.id}/results", self._reader(results.job))
        return dict(renderer.document(results.outputs, request))

    def _reader(self, job: Job) -> Any:
        def read(output_id: str, path: str) -> bytes:
            return self.service.result_file(self.principal, job.id, output_id, path).read()

        return read

    def file(self, job: Job, output_id: str, path: str) -> tuple[str, Any]:
        """One file of the results.

        Raises:
            HTTPException: under Flask, with the whole response: the file is large, or was asked for by
                `?output=`, so it is streamed and ranges work.
            NoSuchOutput: it does not exist.
        """
        served = self.service.result_file(self.principal, job.id, output_id, path)
        media_type = served.media_type or "application/octet-stream"
        if not flask.has_request_context():
            return _bytes(media_type, served.read())
        size = served.size
        if size is None or size > _LARGEST_IN_MEMORY or "output" in flask.request.args:
            response = _sent(served, media_type)
            _harmless(response)
            raise HTTPException(response=response)
        flask.after_this_request(_harmless)
        return _bytes(media_type, served.read())


def _sent(served: ServedFile, media_type: str) -> flask.Response:
    if served.content is not None:
        return streamed(served.content, flask.request.environ, flask.Response, {"Content-Type": media_type})
    assert served.path is not None
    return flask.send_file(served.path.absolute(), media_type, download_name=served.name)


def _single_file(results: Results) -> str | None:
    """The id of the one output, if it is one file."""
    if len(results.outputs) != 1:
        return None
    ((output_id, value),) = results.outputs.items()
    wanted = ExecutionRequest.from_json(results.job.request).outputs or {}
    if wanted.get(output_id, OutputRequest()).transmission is Transmission.REFERENCE:
        return None
    return output_id if isinstance(value, FileOutput) and not value.secondary else None


def _bytes(media_type: str, content: bytes) -> tuple[str, Any]:
    """Content for pygeoapi, which writes `application/json` itself and so needs it parsed."""
    if media_type == JSON_TYPE and is_json(media_type):
        try:
            return media_type, json.loads(content)
        except ValueError:
            return "application/octet-stream", content
    return media_type, content


def _by_value(request: ExecutionRequest, results: Results) -> ExecutionRequest:
    outputs = {key: OutputRequest(Transmission.VALUE) for key in results.outputs}
    return ExecutionRequest(request.inputs, outputs, request.response, request.subscriber)


def _harmless(response: flask.Response) -> flask.Response:
    """A result that a browser shows cannot act in the name of this site."""
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
