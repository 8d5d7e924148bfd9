"""Container engines: which one answers, and how the containers of a job are ended."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Literal

from .record import JobFolder

Choice = Literal["auto", "docker", "podman", "none"]
Found = Literal["docker", "podman", ""]

_TIMEOUT = 3.0
_REMOVAL = 10.0
_FRESH: dict[bool, float] = {True: 30.0, False: 5.0}
"""Seconds for which an answer is believed, by whether an engine was found."""


class ContainerDetector:
    """Finds out which container engine answers, in the background. The answer is kept for a while, then renewed.

    Args:
        choice: the setting `containers`.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._lock = threading.Lock()
        self._known = threading.Event()
        self._found: Found = ""
        self._asked = 0.0
        self._asking = False

    def start(self) -> None:
        """Begin to ask, unless the answer is fresh or somebody asks already. Returns at once."""
        if self.choice == "none":
            return
        with self._lock:
            fresh = self._known.is_set() and time.monotonic() - self._asked < _FRESH[bool(self._found)]
            if fresh or self._asking:
                return
            self._asking = True
        threading.Thread(target=self._ask, daemon=True, name="container-detector").start()

    def found(self, wait: float = _TIMEOUT) -> Found:
        """`docker`, `podman`, or "" where none has answered. Waits (seconds) for the first answer only."""
        if self.choice == "none":
            return ""
        self.start()
        self._known.wait(wait)
        return self._found

    def _ask(self) -> None:
        names: tuple[Literal["docker", "podman"], ...] = ("docker", "podman")
        wanted = [name for name in names if self.choice in ("auto", name)]
        found: Found = next((name for name in wanted if _answers(name)), "")
        with self._lock:
            self._found, self._asked, self._asking = found, time.monotonic(), False
        self._known.set()


def label(kind: Literal["job", "tool"], folder: Path) -> str:
    """What marks the containers of a job (by its workspace) or of one tool (by its output folder), as `NAME=VALUE`."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
    return f"pygeoapi-oapip.{kind}={digest}"


def remove_containers(engine: str, mark: str) -> None:
    """End and remove containers, whether they run, have just been made, or have ended.

    Args:
        engine: `docker`, `podman`, or "" where no containers are used.
        mark: as `label` gives it.
    """
    if not engine:
        return
    listed = [engine, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={mark}"]
    deadline = time.monotonic() + _REMOVAL
    try:
        # again until none is left: while another process removes one, docker refuses a second removal at once
        while found := subprocess.run(
            listed, capture_output=True, text=True, timeout=_REMOVAL, check=False
        ).stdout.split():
            if time.monotonic() > deadline:
                logging.getLogger(__name__).warning("%d containers of a job are left", len(found))
                return
            subprocess.run([engine, "rm", "--force", *found], capture_output=True, timeout=_REMOVAL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        logging.getLogger(__name__).warning("containers of a job may be left: %s", type(error).__name__)


def remove_job_containers(folder: JobFolder) -> None:
    """End and remove all containers of a job."""
    plan = folder.read("plan") or {}
    remove_containers(plan.get("containers", ""), label("job", folder.workspace))


def _answers(name: Literal["docker", "podman"]) -> bool:
    if shutil.which(name) is None or (name == "podman" and os.geteuid() == 0):
        return False  # cwltool starts podman with --userns=keep-id, which podman refuses to root
    try:
        done = subprocess.run([name, "version"], capture_output=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
