"""One server for the suites that read its API definition: configured, deployed and built-in processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

REPEAT = """
cwlVersion: v1.2
class: CommandLineTool
id: repeat
label: Repeat
doc: Repeats a message.
baseCommand: echo
inputs:
  message: {type: string, label: Message, inputBinding: {}}
  times: {type: int?, default: 1}
  kind: {type: {type: enum, symbols: [loud, soft]}, default: loud}
  notes: {type: 'File[]?', format: 'https://www.iana.org/assignments/media-types/text/plain'}
outputs:
  said: {type: stdout}
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("server")
    package = home / "repeat.cwl"
    package.write_text(REPEAT)
    processor = {"name": "pygeoapi_oapip.processor.CWLProcessor", "package": str(package), "sync": True}
    with LiveServer(
        home, {"sync": {"max_wait": "2s"}}, {"repeat": {"type": "process", "processor": processor}}
    ) as live:
        live.deploy(REPEAT.replace("id: repeat", "id: deployed"))
        yield live
