"""A minimal WES server in a thread: a stand-in for tests, that answers like the GA4GH WES 1.1 specification says.

It really runs the CWL that it is sent, with cwltool (through `engines.local`), and has nothing of any real server: no
routes of its own beyond the logs, no options, no authentication but the one that a test asks for.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from ..engines.local.engine import LocalEngine
from ..model.execution import Plan
from ..model.process import Package
from ..model.run import RunRef, RunState, StepReport
from ..settings import LocalEngine as LocalSettings

BASE = "/ga4gh/wes/v1"
STATES: Mapping[RunState, str] = {
    RunState.QUEUED: "QUEUED",
    RunState.RUNNING: "RUNNING",
    RunState.SUCCEEDED: "COMPLETE",
    RunState.FAILED: "EXECUTOR_ERROR",
    RunState.CANCELLED: "CANCELED",
    RunState.LOST: "SYSTEM_ERROR",
}
_LOG_LINE = re.compile(r"\S+Z (DEBUG|INFO|WARNING|ERROR) \[([^\]]*)\] (.*)")


@dataclass
class Fault:
    """What goes wrong with a request.

    Attributes:
        method, path: of the request; the path is a regular expression, below the base.
        kind: `status`, `text` (a page that is no JSON), `half` (the body is cut), `before` and `after` (the connection
            is cut before or after the request is done), `silence` (the request is done late), `late` (its answer comes
            late).
        status: of the answer.
        seconds: of silence.
        times: how often.
    """

    method: str
    path: str
    kind: str
    status: int = 500
    seconds: float = 0.0
    times: int = 1


@dataclass
class WesRun:
    """A run of the server."""

    run_id: str
    request: dict[str, Any]
    reference: RunRef | None = None
    created: float = field(default_factory=time.time)
    state: str = ""
    """Not "": what it says, whatever is true."""
    outputs_after: int = 0
    """Answers that have no outputs, though it is COMPLETE."""


class WesServer:
    """A context manager.

    Args:
        folder: where runs are kept: `{folder}/runs/{run id}/outputs`, and the state of cwltool.
        credentials: Authorization header that is asked for; "": none.

    Attributes:
        runs: by id.
        requests: `METHOD path` of each request, in order.
        faults: what goes wrong.
        lists: whether there is a list of runs.
        tags: whether that list has tags (WES 1.1).
        repeats: whether a run repeats its request.
        page: largest page of the list.
        versions: of CWL.
    """

    def __init__(self, folder: Path, credentials: str = "") -> None:
        self.folder = folder
        self.credentials = credentials
        self.runs: dict[str, WesRun] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lists = self.tags = self.repeats = True
        self.page = 1000
        self.versions = ["v1.0", "v1.1", "v1.2"]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._engine = LocalEngine("wes", LocalSettings(workers=4, cores=4, containers="none"), folder / "home")
        self._server = make_server("127.0.0.1", 0, self._application, threaded=True, request_handler=_Quiet)
        self._server.daemon_threads = False  # type: ignore[attr-defined]  # closing waits for requests under way
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its address, without the base."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> WesServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        for run in self.runs.values():
            if run.reference is not None:
                self._engine.cancel(run.reference)
        self._engine.quit()

    def count(self, method: str, path: str = "") -> int:
        """How many requests there were: of a method, with a path that a regular expression fits."""
        return sum(bool(re.fullmatch(f"{method} {path or '.*'}", request)) for request in list(self.requests))

    def of_job(self, job_id: str) -> list[WesRun]:
        """The runs that were started for a job."""
        return [run for run in self.runs.values() if job_id in run.request.get("workflow_url", "")]

    def _application(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        path = request.path.removeprefix(BASE).strip("/") if request.path.startswith(BASE) else request.path
        with self._lock:
            self.requests.append(f"{request.method} {path}")
            fault = self._fault(request.method, path)
        if fault is not None and fault.kind not in ("after", "late"):
            if fault.kind == "silence":
                self._over.wait(fault.seconds)
            else:
                return self._broken(fault, environ, start)
        with request:
            response = self._answered(request, path)
        if fault is not None and fault.kind == "after":
            return self._broken(fault, environ, start)
        if fault is not None and fault.kind == "late":
            self._over.wait(fault.seconds)
        return response(environ, start)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method == method and re.fullmatch(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _broken(self, fault: Fault, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if fault.kind == "status":
            return _json({"msg": "out of order", "status_code": fault.status}, fault.status)(environ, start)
        if fault.kind == "text":
            page = "<!doctype html><title>Welcome</title>"
            return Response(page, fault.status, content_type="text/html")(environ, start)
        if fault.kind == "half":
            start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "5000")])
            return self._cut(environ, b'{"run_id": "')
        return self._cut(environ, b"")

    def _cut(self, environ: dict[str, Any], content: bytes) -> Iterator[bytes]:
        if content:
            yield content
        connection: socket.socket = environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)

    def _answered(self, request: Request, path: str) -> Response:
        if self.credentials and request.headers.get("Authorization") != self.credentials:
            return _error(401, "who are you?")
        match [request.method, *path.split("/")]:
            case ["GET", "service-info"]:
                return _json(self._service_info())
            case ["GET", "runs"] if self.lists:
                return self._list(request)
            case ["POST", "runs"]:
                return self._start(request)
            case [method, "runs", run_id, *rest] if run_id in self.runs:
                return self._run(method, self.runs[run_id], rest)
            case ["GET", "", "logs", run_id] if run_id in self.runs:
                return Response(self._log(run_id), content_type="text/plain; charset=utf-8")
        return _error(404, "The requested workflow run wasn't found.")

    def _service_info(self) -> dict[str, Any]:
        return {
            "id": "org.example.wes",
            "name": "minimal WES server of a test",
            "type": {"group": "org.ga4gh", "artifact": "wes", "version": "1.1.0"},
            "supported_wes_versions": ["1.1.0"],
            "workflow_type_versions": {"CWL": {"workflow_type_version": self.versions}},
            "workflow_engine_versions": {"cwltool": {"workflow_engine_version": ["3"]}},
            "supported_filesystem_protocols": ["file"],
            "default_workflow_engine_parameters": [],
            "system_state_counts": {},
            "auth_instructions_url": "https://example.org",
            "tags": {},
        }

    def _list(self, request: Request) -> Response:
        size = min(self.page, int(request.args.get("page_size", self.page)))
        begin = int(request.args.get("page_token") or 0)
        every = sorted(self.runs.values(), key=lambda run: run.created)
        rows = [
            {
                "run_id": run.run_id,
                "state": self.state(run),
                **({"tags": json.loads(run.request.get("tags", "{}"))} if self.tags else {}),
            }
            for run in every[begin : begin + size]
        ]
        return _json({"runs": rows, "next_page_token": str(begin + size) if begin + size < len(every) else ""})

    def _start(self, request: Request) -> Response:
        if request.mimetype != "multipart/form-data":
            return _error(415, "multipart/form-data is needed")
        fields = dict(request.form)
        if fields.get("workflow_type") != "CWL" or fields.get("workflow_type_version") not in self.versions:
            return _error(400, "workflow_type or workflow_type_version is not supported")
        run = WesRun(str(uuid4()), fields)
        home = self.folder / "runs" / run.run_id
        for part in request.files.getlist("workflow_attachment"):
            target = (home / "execution" / str(part.filename)).resolve()
            if not target.is_relative_to(home / "execution"):
                return _error(400, "an attachment has a name that is not allowed")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(part.stream.read())
        document, _, entry = fields.get("workflow_url", "").partition("#")
        try:
            packed = json.loads((home / "execution" / document).read_bytes())
        except (OSError, ValueError):
            return _error(400, "workflow_url names no attached document")
        order = _placed(json.loads(fields.get("workflow_params", "{}")), home / "execution")
        package = Package(packed, f"#{entry}" if entry else "", b"", "", cwl_version=fields["workflow_type_version"])
        self.runs[run.run_id] = run
        run.reference = self._engine.submit(Plan(run.run_id, "run", package, order, home, "wes"))
        return _json({"run_id": run.run_id})

    def _run(self, method: str, run: WesRun, rest: list[str]) -> Response:
        if method == "POST" and rest == ["cancel"]:
            if self.state(run) in ("EXECUTOR_ERROR", "SYSTEM_ERROR"):
                return _error(403, "a run that failed cannot be cancelled")
            assert run.reference is not None
            self._engine.cancel(run.reference)
            return _json({"run_id": run.run_id})
        if rest == ["status"]:
            return _json({"run_id": run.run_id, "state": self.state(run)})
        return _json(self._whole(run)) if not rest else _error(404, "there is nothing of this name")

    def state(self, run: WesRun) -> str:
        """The state of a run in words of WES."""
        if run.state or run.reference is None:
            return run.state or "SYSTEM_ERROR"
        report = self._engine.poll([run.reference]).get(run.run_id)
        return STATES[report.state] if report else "SYSTEM_ERROR"

    def _whole(self, run: WesRun) -> dict[str, Any]:
        report = self._engine.poll([run.reference]).get(run.run_id) if run.reference else None
        outputs: Any = {}
        if self.state(run) == "COMPLETE":
            run.outputs_after -= 1
            if run.outputs_after < 0:
                record = self.folder / "runs" / run.run_id / "run" / "exit.json"
                outputs = json.loads(record.read_bytes()).get("outputs", {})
        steps = report.steps if report else ()
        return {
            "run_id": run.run_id,
            **({"request": _repeated(run.request)} if self.repeats else {}),
            "state": self.state(run),
            "run_log": {
                "name": "run",
                "start_time": report.started.isoformat() if report and report.started else None,
                "stderr": f"../../../../logs/{run.run_id}",
            },
            "task_logs": [_task(step) for step in steps],
            "outputs": outputs,
        }

    def _log(self, run_id: str) -> str:
        """The log as cwltool prints it."""
        path = self.folder / "runs" / run_id / "logs" / "job.log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return "".join(f"{_as_cwltool_says(line)}\n" for line in lines)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing: the tests look at `requests`."""


def basic(username: str, password: str) -> str:
    """The header of HTTP Basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _error(status: int, text: str) -> Response:
    return _json({"msg": text, "status_code": status}, status)


def _repeated(fields: Mapping[str, str]) -> dict[str, Any]:
    texts = ("workflow_params", "tags", "workflow_engine_parameters")
    return {name: json.loads(value) if name in texts else value for name, value in fields.items()}


def _placed(value: Any, folder: Path) -> Any:
    """A job order with its relative locations made absolute."""
    if isinstance(value, dict):
        found = {key: _placed(item, folder) for key, item in value.items()}
        location = found.get("location")
        if isinstance(location, str) and not re.match(r"[a-z0-9]+:", location):
            found["location"] = (folder / location).as_uri()
        return found
    return [_placed(item, folder) for item in value] if isinstance(value, list) else value


def _task(step: StepReport) -> dict[str, Any]:
    return {
        "id": step.name,
        "name": step.name,
        "start_time": step.started.isoformat() if step.started else None,
        "end_time": step.finished.isoformat() if step.finished else None,
        "exit_code": step.exit_code,
        "system_logs": [],
        "tes_uri": "",
    }


def _as_cwltool_says(line: str) -> str:
    found = _LOG_LINE.fullmatch(line)
    if found is None:
        return line
    return f"{found[1]} [job {found[2]}] {found[3]}" if found[2] else f"{found[1]} {found[3]}"
