"""Texts of users do not become lines of the log, headers of answers, or commands of a terminal."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from werkzeug.http import parse_options_header

from pygeoapi_oapip.cli.logformat import log_configuration
from pygeoapi_oapip.errors import StoreUnavailable
from pygeoapi_oapip.model.identity import Principal
from pygeoapi_oapip.model.value import FileOutput
from pygeoapi_oapip.ogcapi.application import create_app
from pygeoapi_oapip.ogcapi.door import DoorOptions
from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.store.sql import SqlAuditStore
from pygeoapi_oapip.testing.operations import FakeOperations
from tests.http.conftest import echo_process

from .site import Site

FORGED = "x\r\n2026-01-01 00:00:00,000 ERROR [1] pygeoapi_oapip: forged\x1b[2J\x9b2J\u2028\u202eend"


@pytest.fixture
def written() -> Any:
    """What the log of the server holds, in its own format."""
    block = log_configuration("debug")["formatters"]["line"]
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(block["()"](block["format"]))
    logger = logging.getLogger("pygeoapi_oapip")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def lines(stream: io.StringIO) -> list[str]:
    text = stream.getvalue()
    assert text and not set(text) & set("\r\x1b\x9b\x00\u2028\u202e"), text
    found = text.splitlines()
    assert not [line for line in found if line.startswith("2026-01-01")], text
    return found


def test_texts_of_a_message_stay_on_its_line(written: io.StringIO) -> None:
    logging.getLogger("pygeoapi_oapip.test").warning("the user %s of %s", FORGED, FORGED)
    assert len(lines(written)) == 1


def test_traceback_cannot_look_like_a_line(written: io.StringIO) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger("pygeoapi_oapip.test").exception("failed")
    assert all(line.startswith("    ") for line in lines(written)[1:])


def test_path_of_a_request_that_fails_is_written_in_one_line(tmp_path: Path, written: io.StringIO) -> None:
    class Broken(FakeOperations):
        def process(self, principal: Principal, process_id: str) -> Any:
            raise RuntimeError(FORGED)

    app = create_app(Broken(tmp_path), DoorOptions("https://example.org"))
    answer = app.test_client().get("/processes/echo%0d%0a2026-01-01%20forged%1b%5b2J")
    assert answer.status_code == 404, "no id has such characters"
    answer = app.test_client().get("/processes/echo")
    assert answer.status_code == 500 and "forged" not in answer.text
    lines(written)


def test_audit_that_cannot_be_written_is_told_in_one_line(site: Site, written: io.StringIO, monkeypatch: Any) -> None:
    def append(*_: Any) -> None:
        raise StoreUnavailable("down\n2026-01-01 forged")

    monkeypatch.setattr(SqlAuditStore, "append", append)
    principal = Principal(FORGED, frozenset({"user"}))
    site.wired.service.execute(principal, "echo", {"inputs": {"message": "x"}}, Preference(wait=0))
    assert any("the audit lacks an entry" in line for line in lines(written))


@pytest.mark.parametrize(
    "name",
    [
        'a"; filename="evil.exe',
        "a\r\nSet-Cookie: a=b",
        "a\nX-Evil: 1",
        "a\\..\\evil",
        "../../evil",
        "a\x00b",
        "\u202egpj.exe",
        "ä;b=c",
        "'><script>alert(1)</script>",
        "\ud800",
    ],
)
def test_name_of_a_file_stays_in_its_header(tmp_path: Path, name: str) -> None:
    operations = FakeOperations(tmp_path)
    operations.processes_by_id["echo"] = echo_process()
    (operations.workspace / "a.bin").write_bytes(b"x")
    operations.outputs = {"message": FileOutput("a.bin", name, "text/html", 1)}
    client = create_app(operations, DoorOptions("https://example.org")).test_client()
    ran = client.post(
        "/processes/echo/execution",
        json={"inputs": {"message": "x"}},
        headers={"Prefer": "wait=10"},
        buffered=True,
    )
    job = ran.headers["Location"].removeprefix("https://example.org")
    answer = client.get(f"{job}/results/message", buffered=True)
    assert answer.status_code == 200, answer.text
    assert answer.data == b"x"
    assert "Set-Cookie" not in answer.headers and "X-Evil" not in answer.headers
    disposition = answer.headers["Content-Disposition"]
    assert not set(disposition) & set("\r\n\x00")
    kind, parameters = parse_options_header(disposition)
    assert kind == "inline" and set(parameters) == {"filename"}
    assert not {"/", "\\", "\u202e"} & set(parameters["filename"])
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
