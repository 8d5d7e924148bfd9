"""The door over FakeOperations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pygeoapi_oapip.model.process import Input, JobControl, Output, Package, Process, Source
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal, RecordOutput
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import DoorOptions
from pygeoapi_oapip.testing.operations import FakeOperations

BASE = "https://example.org/api"


class ReadingClient(FlaskClient):
    """Reads and closes each answer at once, so that no file stays open."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"buffered": True, **kwargs})


def echo_process(process_id: str = "echo", source: Source = Source.DEPLOYED) -> Process:
    package = Package({"class": "CommandLineTool"}, "", b"cwlVersion: v1.2\n", "application/cwl+yaml")
    return Process(
        id=process_id,
        version="1.2.3",
        title="Echo",
        description="Gives back what it gets.",
        inputs={
            "message": Input("message", "Message", {"type": "string"}),
            "many": Input("many", "Many", {"type": "number"}, min_occurs=0, max_occurs=None),
        },
        outputs={"message": Output("message", "Message", {"type": "string"})},
        package=package,
        keywords=("test",),
        job_control=(JobControl.SYNC, JobControl.ASYNC, JobControl.DISMISS),
        source=source,
    )


@pytest.fixture
def operations(tmp_path: Path) -> FakeOperations:
    fake = FakeOperations(tmp_path)
    fake.processes_by_id["echo"] = echo_process()
    fake.processes_by_id["fixed"] = echo_process("fixed", Source.CONFIGURED)
    fake.outputs = {"message": Literal("hello")}
    return fake


@pytest.fixture
def client(operations: FakeOperations) -> FlaskClient:
    """The door as a client sees it."""
    options = DoorOptions(BASE + "/", title="Test service", description="For tests.", body_bytes=10_000)
    app = create_app(operations, options)
    app.test_client_class = ReadingClient
    return app.test_client()


TIFF = bytes(range(256)) * 4


@pytest.fixture
def results(operations: FakeOperations) -> bytes:
    """Every execution makes outputs of all kinds; the content of `map`."""
    root = operations.workspace
    (root / "map.tif").write_bytes(TIFF)
    (root / "ä b.txt").write_text("hello", encoding="utf-8")
    (root / "evil.html").write_text("<script>alert(1)</script>", encoding="utf-8")
    (root / "tiles" / "1").mkdir(parents=True)
    (root / "tiles" / "1" / "2.txt").write_text("tile", encoding="utf-8")
    (root / "secret.txt").write_text("not a result", encoding="utf-8")
    text = FileOutput("ä b.txt", "ä b.txt", "text/plain", 5)
    operations.outputs = {
        "score": Literal(0.5),
        "map": FileOutput("map.tif", "map.tif", "image/tiff", len(TIFF)),
        "texts": ListOutput((text, text)),
        "tiles": DirectoryOutput("tiles", "tiles"),
        "page": FileOutput("evil.html", "evil.html", "text/html", 25),
        "record": RecordOutput({"text": text}),
        "odd": FileOutput("map.tif", "map.tif", "bad\r\nX-Evil: 1", len(TIFF)),
        "gone": FileOutput("gone.txt", "gone.txt", "text/plain", 1),
    }
    echo = operations.processes_by_id["echo"]
    described = {name: Output(name, name, {}) for name in operations.outputs}
    operations.processes_by_id["echo"] = replace(echo, outputs=described)
    return TIFF
