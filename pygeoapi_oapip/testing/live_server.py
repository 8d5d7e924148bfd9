"""A real server in a folder of its own, started with `oapip serve`, for tests and benchmarks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import yaml

START_LIMIT = 240.0
INTERPRETER = "OAPIP_TEST_PYTHON"
"""Environment variable: the Python that has the server, where the tests run in another one (`.venv-tools`)."""
_SERVING = re.compile(r"serving (http://\S+)")


class LiveServer:
    """`oapip serve` on a free port, as a context manager.

    Args:
        home: folder for its configuration, database and jobs; a second server in the same folder goes on where
            the first one ended.
        manager: keys of the `server.manager` block that differ from the defaults.
        resources: the `resources` block.
        workers: number of web processes.
    """

    def __init__(
        self,
        home: Path,
        manager: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        workers: int = 2,
    ) -> None:
        self.home = home
        self.url = ""
        self._workers = workers
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        home.mkdir(parents=True, exist_ok=True)
        self.configuration = home / "pygeoapi-config.yml"
        self.configuration.write_text(yaml.safe_dump(_document(home, manager or {}, resources or {})))

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait for the ready line. Raises RuntimeError with what it printed."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OAPIP_", "PYGEOAPI_"))}
        self._process = subprocess.Popen(
            [
                os.environ.get(INTERPRETER, sys.executable),
                "-m",
                "pygeoapi_oapip.cli",
                "serve",
                "--config",
                str(self.configuration),
            ]
            + ["--bind", "127.0.0.1:0", "--workers", str(self._workers), "--log-level", "warning"],
            cwd=self.home,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines = []
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, ready), daemon=True)
        self._reader.start()
        if not ready.wait(START_LIMIT) or not self.url:
            self.kill()
            raise RuntimeError("the server did not start:\n" + self.output())

    def stop(self) -> int:
        """SIGTERM, and wait for the end. Returns the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(120)
        self._process = None
        if self._reader is not None:
            self._reader.join(10)
        return code

    def kill(self) -> None:
        """`kill -9` of the supervisor."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(120)

    def kill_all(self) -> None:
        """`kill -9` of the supervisor and everything below it, as when the machine is switched off."""
        self.kill()
        while found := self.processes():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def running(self) -> bool:
        """True while the supervisor lives."""
        return self._process is not None and self._process.poll() is None

    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    def processes(self) -> Mapping[int, str]:
        """Process id -> command line of each living process that works for this server: supervisor, web, worker, fork
        server and the children of jobs. Found by the folder, which is in their command line, environment or files."""
        return dict(processes_of(str(self.home)))

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a path of the server."""
        return requests.get(self.url + path, timeout=240, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        """POST to a path of the server."""
        return requests.post(self.url + path, timeout=240, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        """PUT to a path of the server."""
        return requests.put(self.url + path, timeout=240, **options)

    def dismiss(self, job_id: str) -> requests.Response:
        """DELETE a job."""
        return requests.delete(f"{self.url}/jobs/{job_id}", timeout=60)

    def deploy(self, package: bytes | str, media_type: str = "application/cwl+yaml") -> str:
        """Deploy a package and give its process id."""
        answer = self.post("/processes", data=package, headers={"Content-Type": media_type})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(self, process_id: str, inputs: Mapping[str, Any], **options: Any) -> str:
        """Start a job and give its id."""
        headers = {"Prefer": "respond-async"}
        answer = self.post(f"/processes/{process_id}/execution", json={"inputs": inputs}, headers=headers, **options)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def ended(self, job_id: str, timeout: float = 240.0) -> Mapping[str, Any]:
        """Wait for the end of a job and give its status document."""
        deadline = time.monotonic() + timeout
        while True:
            answer = self.get(f"/jobs/{job_id}")
            assert answer.status_code != 404, f"job {job_id} is not known"
            status: Mapping[str, Any] = answer.json()
            if status["status"] in ("successful", "failed", "dismissed"):
                return status
            assert time.monotonic() < deadline, f"job {job_id} is still {status}"
            time.sleep(0.05)

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                if found := _SERVING.search(line):
                    self.url = found[1]
                    ready.set()
        ready.set()


def _document(home: Path, manager: Mapping[str, Any], resources: Mapping[str, Any]) -> Mapping[str, Any]:
    from ..wiring import default_configuration

    document = default_configuration("http://localhost:5000", home)
    document["server"]["url"] = "${OAPIP_URL:-http://localhost:5000}"
    # a machine that is busy must not turn a wait for a result into a 201
    document["server"]["manager"].update({"sync": {"max_wait": 200}, **manager})
    document["resources"] = dict(resources)
    return document


def processes_of(mark: str) -> Iterator[tuple[int, str]]:
    """Process id and command line of each living process that has the mark in its command line or environment."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and (mark in command or mark in environment):
            yield int(folder.name), command.strip()
