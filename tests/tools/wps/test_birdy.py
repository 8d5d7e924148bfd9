"""birdy's WPSClient, unchanged. It cannot give a bounding box: it takes names of reference systems for formats."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from owslib.util import ServiceException

from pygeoapi_oapip.testing.live_server import LiveServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    birdy = pytest.importorskip("birdy")
    from birdy.utils import sanitize

pytestmark = pytest.mark.filterwarnings("ignore:The use of .*username:DeprecationWarning")  # how it calls OWSLib
TEXT = "a\nb\nc\n"


@pytest.fixture
def client(wps: str) -> Any:
    return birdy.WPSClient(wps)


@pytest.fixture
def following(wps: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client that sends all asynchronously and asks until the end."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return birdy.WPSClient(wps, progress=True)


def test_it_is_made_on_a_server_with_many_processes(wps: str, server: LiveServer) -> None:
    start = time.monotonic()
    client = birdy.WPSClient(wps)
    assert time.monotonic() - start < 240
    listed = server.get("/processes?limit=1000").json()["processes"]
    assert len(listed) > 50
    for process in listed:
        assert callable(getattr(client, sanitize(process["id"]))), process["id"]
    assert "Counts the lines" in client.survey.__doc__


def test_a_call_gives_outputs_by_name(client: Any) -> None:
    found = client.survey(document=TEXT, names=["x", "y"], factor=2.0, unit="foot").get()
    assert (found.lines, found.mean, found.said) == (3, 6.0, "x y foot")
    assert found.table.endswith("table.csv") or found.table.startswith("http")


def test_references_are_fetched_as_objects(client: Any) -> None:
    found = client.survey(document=TEXT).get(asobj=True)
    assert found.table == b"1,a\n2,b\n3,c\n" and found.map.startswith(b"II*\0")
    assert (found.said, found.mean, found.names) == ("metre", 4.5, [])


def test_defaults_that_it_sends_are_those_of_the_description(client: Any) -> None:
    execution = client.tool_7(message="hello")
    assert execution.isSucceeded()
    assert execution.get(asobj=True).said == "hello"


def test_a_file_of_this_machine_is_named_to_a_server_on_it(client: Any, shared: Path) -> None:
    """To another machine it sends the content. `staging.allow_files` names the folder."""
    path = shared / "lines.txt"
    path.write_text(TEXT)
    assert client.survey(document=path).get().lines == 3


def test_an_address_is_sent_as_a_reference(client: Any, host: str) -> None:
    assert client.survey(document=f"{host}/lines.txt").get().lines == 3


def test_asynchronous_calls_are_followed(following: Any) -> None:
    execution = following.survey(document=TEXT)
    assert execution.isSucceeded() and execution.get().lines == 3


def test_a_job_that_fails_is_an_exception_with_the_reason_at_the_execution(client: Any, following: Any) -> None:
    for one in (client, following):
        execution = one.fails()
        assert "exit" in execution.errors[0].text
        with pytest.raises(birdy.exceptions.ProcessFailed):
            execution.get()


def test_wrong_values_are_refused_with_our_words(client: Any) -> None:
    with pytest.raises((ServiceException, birdy.exceptions.ProcessFailed), match="mile"):
        client.survey(document=TEXT, unit="mile").get()


def test_a_process_with_an_optional_box_runs_without_it(client: Any) -> None:
    assert client.echo(message="hello", bbox=None).get().message == "hello"
