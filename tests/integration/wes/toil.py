"""Toil's WES server as a cluster would run it: with Celery on Redis, or without (`--bypass_celery`)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from pygeoapi_oapip.testing.live_server import processes_of

from .program import CannotStart, Program, answers, free_port

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / ".venv-toil"
OPTIONS = ("--logLevel=INFO", "--retryCount=0", "--no-prepull", "--relax-path-checks", "--statePollingWait=1")


def provide() -> None:
    """Make the environment of Toil; does nothing where it is there.

    Raises:
        CannotStart: it could not be made.
    """
    if not (VENV / "bin" / "toil").is_file():
        done = subprocess.run([ROOT / ".ci" / "setup", "toil"], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotStart(f".ci/setup toil: {done.stderr.strip()[-500:]}")


class Redis:
    """A broker without memory."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("redis-server") is None:
            raise CannotStart("not installed: redis-server")
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.program = Program("redis", ["redis-server", *options, "--dir", str(folder)], folder)

    @property
    def url(self) -> str:
        """For TOIL_WES_BROKER_URL."""
        return f"redis://127.0.0.1:{self.port}/0"


class ToilServer:
    """A running WES server.

    Args:
        celery: with a Celery worker on Redis; else the server runs the runs itself.
        options: defaults for each run (`--opt`).
        environment: variables of whoever runs the runs.
        runs: how many runs go on at once.

    Raises:
        CannotStart: with what its programs said.
    """

    def __init__(
        self,
        celery: bool = True,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        runs: int = 3,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="oapip-toil-"))
        self.work = self.folder / "work"
        self.port = free_port()
        self._environment = {
            "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONWARNINGS": "ignore",
            "TOIL_HISTORY": "False",
            **(environment or {}),
        }
        (self.folder / "tmp").mkdir()
        self.broker: Redis | None = None
        self.worker: Program | None = None
        if celery:
            self.broker = Redis(self.folder)
            self._environment["TOIL_WES_BROKER_URL"] = self.broker.url
            self.worker = self._celery(runs)
        self.server = self._toil([*OPTIONS, *options], celery)
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"{self.origin}/ga4gh/wes/v1"

    def start(self) -> None:
        """Start what does not run."""
        if self.broker is not None and not self.broker.program.running():
            port = self.broker.port
            self.broker.program.start(lambda: answers(port), 30)
        if not self.server.running():
            self.server.start(self.healthy, 120)
        self.start_worker()

    def start_worker(self) -> None:
        """Start the Celery worker, where there is one and it does not run."""
        worker = self.worker
        if worker is not None and not worker.running():
            before = worker.log.read_text(encoding="utf-8").count(" ready.") if worker.log.exists() else 0
            worker.start(lambda: worker.log.read_text(encoding="utf-8").count(" ready.") > before, 120)

    def healthy(self) -> bool:
        """True if the server answers."""
        try:
            return requests.get(f"{self.origin}/engine/v1/status", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def runs(self) -> Mapping[str, str]:
        """Run id -> state of all runs that the server ever took."""
        listed: Mapping[str, Any] = requests.get(f"{self.url}/runs", timeout=30).json()
        return {run["run_id"]: run["state"] for run in listed["workflows"]}

    def remove(self) -> None:
        """Stop and delete everything."""
        broker = None if self.broker is None else self.broker.program
        for program in (self.server, self.worker, broker):
            if program is not None:
                program.stop()
        for pid, _ in processes_of(str(self.folder)):  # steps of runs that have not ended
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def words(self) -> str:
        """The ends of the logs, for a failed test."""
        programs = (self.server, self.worker)
        return "\n\n".join(f"{program.name}:\n{program.words(40)}" for program in programs if program is not None)

    def _celery(self, runs: int) -> Program:
        celery = [str(VENV / "bin" / "celery"), "-A", "toil.server.celery_app", "worker"]
        return Program("celery", [*celery, "--loglevel=INFO", f"--concurrency={runs}"], self.folder, self._environment)

    def _toil(self, options: Sequence[str], celery: bool) -> Program:
        command = [str(VENV / "bin" / "toil"), "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--work_dir", str(self.work), *(f"--opt={option}" for option in options)]
        command += [] if celery else ["--bypass_celery"]
        return Program("toil", command, self.folder, self._environment)
