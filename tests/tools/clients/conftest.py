"""One server for the suites of other people's clients, and a host that the packages are fetched from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.web_folder import web_folder

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


@pytest.fixture(scope="session")
def host() -> Iterator[str]:
    """URL of a web server that has the packages."""
    with web_folder(PACKAGES) as url:
        yield url


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("server")
    with LiveServer(home, {"staging": {"allow_internal": True}}) as live:
        live.deploy(COUNT)
        yield live
