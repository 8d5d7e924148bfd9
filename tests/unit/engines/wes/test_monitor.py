"""What the administrator is told of a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.wes.api import COMPLETE, STATES, page_of, run_log_of, service_info_of, state_of
from pygeoapi_oapip.engines.wes.engine import WesEngine
from pygeoapi_oapip.errors import EngineUnavailable
from pygeoapi_oapip.model.answer import Answer
from pygeoapi_oapip.model.run import RunState
from pygeoapi_oapip.settings import WesEngine as Settings
from pygeoapi_oapip.testing.wes_server import Fault, WesServer

from .conftest import PATIENCE


def health(server: WesServer, tmp_path: Path, **settings: Any) -> tuple[bool, str]:
    engine = WesEngine("hpc", Settings(**{"url": server.url, **settings}), tmp_path / "home")
    found = engine.health(PATIENCE)
    engine.close()
    return found.ok, found.detail


def test_a_good_server_is_named_with_its_versions(server: WesServer, tmp_path: Path) -> None:
    assert health(server, tmp_path) == (True, "cwltool 3; CWL v1.0, v1.1, v1.2")


def test_options_without_effect_are_told(server: WesServer, tmp_path: Path) -> None:
    ok, detail = health(server, tmp_path, batch_system="slurm")
    assert ok and "`batch_system` has no effect" in detail


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("GET", "service-info", "text", 200), "no WES server (text/html)"),
        (Fault("GET", "service-info", "text", 404), "no WES server is at this address"),
        (Fault("GET", "service-info", "status", 503), "503: out of order"),
        (Fault("GET", "service-info", "status", 403), "refuses the credentials (403)"),
        (Fault("GET", "service-info", "before"), "broke the connection"),
        (Fault("GET", "runs/.*/status", "status", 401), "refuses the credentials (401)"),
    ],
    ids=lambda item: getattr(item, "kind", None),
)
def test_what_is_wrong_is_said_plainly(server: WesServer, tmp_path: Path, fault: Fault, words: str) -> None:
    server.faults.append(fault)
    ok, detail = health(server, tmp_path)
    assert not ok and words in detail


def test_a_wrong_path_is_said_plainly(server: WesServer, tmp_path: Path) -> None:
    ok, detail = health(server, tmp_path, url=f"{server.url}/elsewhere")
    assert not ok and "`url`" in detail


def test_the_answer_does_not_wait_for_the_server(tmp_path: Path, server: WesServer) -> None:
    server.faults.append(Fault("GET", "service-info", "silence", seconds=1.0))
    engine = WesEngine("hpc", Settings(url=server.url), tmp_path / "home")
    assert engine.health(0.0).detail == "has not answered yet"
    assert engine.health(PATIENCE).ok
    engine.close()


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status, body, "http://x", {"content-type": "application/json"})


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"workflow_type_versions": []}', b'"x"', b"\xff", b"[" * 100_000]
)
def test_what_is_no_service_info_is_no_server(body: bytes) -> None:
    with pytest.raises(EngineUnavailable):
        service_info_of(answer(body))


def test_spellings_of_cwl_versions() -> None:
    info = service_info_of(answer(b'{"workflow_type_versions": {"cwl": {"workflow_type_version": ["1.0", "V1.2"]}}}'))
    assert (info.spelled("v1.0"), info.spelled("v1.2"), info.spelled("v1.1")) == ("1.0", "V1.2", "")


@pytest.mark.parametrize("body", [{}, {"runs": "x"}, {"runs": None}, {"workflows": {}}])
def test_what_is_no_list_is_a_fault(body: Any) -> None:
    with pytest.raises(EngineUnavailable):
        page_of(body)


def test_rows_of_both_versions_of_the_list() -> None:
    old = page_of({"workflows": [{"run_id": "a", "state": "running"}, {"state": "x"}, 7], "next_page_token": None})
    assert [(run.run_id, run.state, run.tags) for run in old.runs] == [("a", "RUNNING", None)]
    new = page_of({"runs": [{"run_id": "a", "state": "QUEUED", "tags": {"x": 1}}], "next_page_token": "2"})
    assert (new.runs[0].tags, new.next_token) == ({"x": "1"}, "2")


@pytest.mark.parametrize("body", [{}, {"state": None}, {"state": 7}, {"state": ""}])
def test_a_run_without_a_state_is_a_fault(body: Any) -> None:
    with pytest.raises(EngineUnavailable):
        state_of(body)


def test_a_run_with_strange_members_is_read_as_far_as_it_goes() -> None:
    strange: Any = {"state": "complete", "run_log": [], "task_logs": [7, {"name": 7, "exit_code": "x"}], "outputs": 7}
    log = run_log_of(strange)
    assert (log.state, log.outputs, log.request, [task.exit_code for task in log.tasks]) == (COMPLETE, {}, None, [None])


def test_every_state_of_the_specification_is_in_the_table() -> None:
    specified = "UNKNOWN QUEUED INITIALIZING RUNNING PAUSED COMPLETE EXECUTOR_ERROR SYSTEM_ERROR CANCELED CANCELING"
    assert {*specified.split(), "PREEMPTED"} == set(STATES)
    assert {word for word, (state, _) in STATES.items() if state is RunState.SUCCEEDED} == {COMPLETE}
