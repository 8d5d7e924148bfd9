"""One server for the suites of other people's clients, and a host that the packages are fetched from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

PACKAGES = Path(__file__).parent / "packages"

COUNT = """
cwlVersion: v1.2
class: CommandLineTool
id: count
label: Count
doc: Writes numbers to files.
baseCommand: [sh, -c, 'seq $0 > numbers.txt; cat numbers.txt']
inputs:
  upto: {type: int, label: Last number, inputBinding: {}}
  kind: {type: {type: enum, symbols: [all, odd]}, default: all}
outputs:
  listed: {type: stdout}
  numbers: {type: File, outputBinding: {glob: numbers.txt}}
  files: {type: 'File[]', outputBinding: {glob: '*.txt'}}
stdout: listed.txt
"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def host() -> Iterator[str]:
    """URL of a web server that has the packages."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(PACKAGES)))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    thread.join(10)
    served.server_close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("server")
    with LiveServer(home, {"staging": {"allow_internal": True}}) as live:
        live.deploy(COUNT)
        yield live
