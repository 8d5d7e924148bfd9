"""One server with 50 processes for the suites of other people's WPS clients, and a host that gives documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.web_folder import web_folder

PACKAGES = Path(__file__).parents[2] / "wps" / "packages"
NUMBER = 50
TOOL = """
cwlVersion: v1.2
class: CommandLineTool
id: tool-{number}
label: Tool {number}
doc: Gives back a message.
baseCommand: [echo, -n]
inputs:
  message: {{type: string, inputBinding: {{}}}}
  times: {{type: int, default: 1}}
outputs:
  said: {{type: stdout}}
stdout: said.txt
"""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a web server that has `lines.txt`."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "lines.txt").write_text("one\ntwo\nthree\n")
    with web_folder(folder) as url:
        yield url


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose files the server may read."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[LiveServer]:
    """A server with `NUMBER` processes at least, that may read from this machine."""
    folder = tmp_path_factory.mktemp("packages")
    for path in PACKAGES.glob("*.cwl"):
        (folder / path.name).write_bytes(path.read_bytes())
    for number in range(NUMBER):
        (folder / f"tool-{number}.cwl").write_text(TOOL.format(number=number))
    home = tmp_path_factory.mktemp("server")
    staging = {"allow_internal": True, "allow_files": [str(shared)]}
    with LiveServer(home, {"staging": staging, "packages": [str(folder)]}) as live:
        yield live


@pytest.fixture(scope="session")
def wps(server: LiveServer) -> str:
    """URL of the WPS."""
    return f"{server.url}/wps"
