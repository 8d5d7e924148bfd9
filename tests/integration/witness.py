"""Jobs that leave a mark when they run, for tests that ask whether each ran, and only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import requests

from pygeoapi_oapip.testing.live_server import LiveServer, processes_of

PACKAGE = """
cwlVersion: v1.2
class: CommandLineTool
id: witness
baseCommand: [sh, -c]
arguments: ['echo $0 >> $1; sleep $2; echo done $0', $(inputs.token), $(inputs.file), $(inputs.seconds)]
inputs: {token: string, file: string, seconds: float}
outputs: {said: stdout}
stdout: said.txt
"""
NEWER = PACKAGE.replace("echo done", "echo newer")


class Witness:
    """A file with the token of each run.

    Args:
        file: made here; its folder must exist.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        file.touch()

    def runs(self) -> Counter[str]:
        """How often each token has run."""
        return Counter(self.file.read_text(encoding="utf-8").split())

    def processes(self) -> Mapping[int, str]:
        """The tools that run now."""
        return dict(processes_of(str(self.file)))

    def submit(self, server: LiveServer, token: str, seconds: float = 0.1) -> str:
        """Start a job and give its id."""
        return server.submit("witness", self.inputs(token, seconds))

    def offer(self, server: LiveServer, token: str, seconds: float = 0.1) -> requests.Response:
        """Ask for a job; the answer may be anything."""
        return requests.post(
            f"{server.url}/processes/witness/execution",
            json={"inputs": dict(self.inputs(token, seconds))},
            headers={"Prefer": "respond-async"},
            timeout=30,
        )

    def inputs(self, token: str, seconds: float) -> Mapping[str, object]:
        """The inputs of a job."""
        return {"token": token, "file": str(self.file), "seconds": seconds}
