"""A small OGC API - Processes server in a thread, whose jobs do what a test tells them: for tests of clients."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import uuid4

from .fake_server import FakeServer


@dataclass
class Reply:
    """An answer."""

    status: int = 200
    body: Any = None
    """JSON, or bytes as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RemoteJob:
    """A job of the server."""

    process: str
    request: Any
    created: float = field(default_factory=time.monotonic)
    dismissed: bool = False


@dataclass
class RemoteScript:
    """What the jobs of a process do; times are seconds after their creation."""

    ends: float = 0.0
    fails: str = ""
    """Not "": the message of the failure."""
    message: str = "hello"
    results: Any = None


class RemoteServer(FakeServer):
    """A context manager.

    Attributes:
        descriptions: process id -> description, as GET answers it.
        scripts: process id -> what its jobs do.
        jobs: job id -> job.
        requests: `METHOD path` of each request, in order.
        replies: path, or `METHOD path` -> answers to give in place of the real ones, one each.
        broken: paths at which the connection is cut after the request was read and done, once each.
    """

    def __init__(self) -> None:
        self.descriptions: dict[str, Any] = {}
        self.scripts: dict[str, RemoteScript] = {}
        self.jobs: dict[str, RemoteJob] = {}
        self.requests: list[str] = []
        self.replies: dict[str, list[Reply]] = {}
        self.broken: list[str] = []
        super().__init__(self._handler())

    def address(self, process_id: str) -> str:
        """Of a process description."""
        return f"{self.url}/processes/{process_id}"

    def answer(self, method: str, path: str, body: Any) -> Reply:
        """What a request does, and the answer."""
        for key in (path, f"{method} {path}"):
            if self.replies.get(key):
                return self.replies[key].pop(0)
        match [method, *path.strip("/").split("/")]:
            case ["GET", "processes", name] if name in self.descriptions:
                return Reply(200, self.descriptions[name])
            case ["POST", "processes", name, "execution"] if name in self.scripts:
                return self._start(name, body)
            case [_, "jobs", job_id, *rest] if job_id in self.jobs:
                return self._job(method, job_id, rest)
        return Reply(404, {"title": "Not found", "detail": f"there is no {path}"})

    def status(self, job_id: str) -> dict[str, Any]:
        """The statusInfo of a job."""
        job = self.jobs[job_id]
        script = self.scripts[job.process]
        status, message = "running", script.message
        if job.dismissed:
            status = "dismissed"
        elif time.monotonic() - job.created >= script.ends:
            status, message = ("failed", script.fails) if script.fails else ("successful", message)
        return {"jobID": job_id, "type": "process", "status": status, "message": message, "progress": 50}

    def _start(self, name: str, body: Any) -> Reply:
        job_id = str(uuid4())
        self.jobs[job_id] = RemoteJob(name, body)
        return Reply(201, self.status(job_id), {"Location": f"{self.url}/jobs/{job_id}"})

    def _job(self, method: str, job_id: str, rest: list[str]) -> Reply:
        if method == "DELETE":
            self.jobs[job_id].dismissed = True
            return Reply(200, self.status(job_id))
        if rest == ["results"]:
            return Reply(200, self.scripts[self.jobs[job_id].process].results)
        return Reply(200, self.status(job_id))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                server.requests.append(f"{self.command} {self.path}")
                reply = server.answer(self.command, self.path, json.loads(raw) if raw else None)
                if self.path in server.broken:
                    server.broken.remove(self.path)
                    self.close_connection = True
                    return
                self.send(reply)

            def send(self, reply: Reply) -> None:
                is_bytes = isinstance(reply.body, bytes)
                content = reply.body if is_bytes else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the tests look at `requests`."""

        methods: dict[str, Callable[[Any], None]] = {
            f"do_{name}": Handler.handle_one for name in ("GET", "POST", "DELETE")
        }
        return type("RemoteHandler", (Handler,), methods)
