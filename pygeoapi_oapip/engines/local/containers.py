"""Container engines: which one answers, and how the containers of a job are ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from typing import Literal

from .record import JobFolder

Choice = Literal["auto", "docker", "podman", "none"]
Found = Literal["docker", "podman", ""]

_TIMEOUT = 3.0
_FRESH = 30.0
"""Seconds for which an answer is believed."""


class ContainerDetector:
    """Finds out which container engine answers. The answer is kept for a while and renewed in the background.

    Args:
        choice: the setting `containers`.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._asked = 0.0
        self._renewing = False

    def found(self) -> Found:
        """`docker`, `podman`, or "" where none answers. Waits only the first time."""
        if self.choice == "none":
            return ""
        with self._lock:
            if self._found is None:
                self._renew()
            elif time.monotonic() - self._asked > _FRESH and not self._renewing:
                self._renewing = True
                threading.Thread(target=self._renew, daemon=True, name="container-detector").start()
            assert self._found is not None
            return self._found

    def _renew(self) -> None:
        names: tuple[Literal["docker", "podman"], ...] = ("docker", "podman")
        wanted = [name for name in names if self.choice in ("auto", name)]
        self._found = next((name for name in wanted if _answers(name)), "")
        self._asked = time.monotonic()
        self._renewing = False


def kill_containers(folder: JobFolder) -> None:
    """End the containers that a job has started, by the id files of its work folder."""
    plan = folder.read("plan") or {}
    engine = plan.get("containers")
    ids = [path.read_text(encoding="ascii").strip() for path in (folder.work / "cid").glob("*.cid")]
    if not engine or not any(ids):
        return
    try:
        subprocess.run([engine, "kill", *filter(None, ids)], capture_output=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return


def _answers(name: Literal["docker", "podman"]) -> bool:
    if shutil.which(name) is None or (name == "podman" and os.geteuid() == 0):
        return False  # cwltool starts podman with --userns=keep-id, which podman refuses to root
    try:
        done = subprocess.run([name, "version"], capture_output=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
