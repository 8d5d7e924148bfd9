"""One server with 50 processes for the suites of other people's WPS clients, and a host that gives documents."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

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


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and writes no log; what is posted comes back."""

    def do_POST(self) -> None:
        """Give back the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a web server that has `lines.txt`."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "lines.txt").write_text("one\ntwo\nthree\n")
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    thread.join(10)
    served.server_close()


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
