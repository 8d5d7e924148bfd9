"""One real server for all tests of this folder: two web processes, a worker, SQLite, the local engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

ECHO = """
cwlVersion: v1.2
class: CommandLineTool
id: say
label: Echo
doc: Repeats a message.
baseCommand: echo
inputs:
  message: {type: string, inputBinding: {}}
outputs:
  said: {type: stdout}
"""

PAUSE = """
cwlVersion: v1.2
class: CommandLineTool
id: pause
baseCommand: [sh, -c]
arguments: ['echo first; setsid sleep 300 & sleep $0', $(inputs.seconds)]
inputs: {seconds: int}
outputs: {said: stdout}
stdout: said.txt
"""


UNTIL = """
cwlVersion: v1.2
class: CommandLineTool
id: until
label: Runs until there is a file.
baseCommand: [sh, -c, 'while [ ! -e "$0" ]; do sleep 0.1; done; echo done']
inputs: {file: {type: string, inputBinding: {}}}
outputs: {said: stdout}
stdout: said.txt
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("server")
    (home / "packages").mkdir()
    (home / "data").mkdir()
    (home / "configured.cwl").write_text(ECHO)
    manager = {
        "packages": [str(home / "packages")],
        "staging": {"allow_files": [str(home / "data")]},
        "callbacks": {"allow_internal": True, "allow_hosts": ["127.0.0.1"], "timeout": 15},
    }
    processor = {"name": "pygeoapi_oapip.processor.CWLProcessor", "package": str(home / "configured.cwl")}
    resources = {"configured": {"type": "process", "processor": {**processor, "sync": True}}}
    with LiveServer(home, manager, resources) as live:
        live.deploy(ECHO)
        live.deploy(PAUSE)
        live.deploy(UNTIL)
        yield live


@pytest.fixture
def data(server: LiveServer) -> Path:
    return server.home / "data"
