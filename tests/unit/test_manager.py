from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from pygeoapi.process.base import JobNotFoundError, JobResultNotFoundError, ProcessorExecuteError, UnknownProcessError
from pygeoapi.util import JobStatus, RequestedProcessExecutionMode, Subscriber
from werkzeug.exceptions import HTTPException

from pygeoapi_oapip import wiring
from pygeoapi_oapip.errors import InvalidInputs, MethodNotAllowed, StoreUnavailable
from pygeoapi_oapip.manager import ProcessManager
from pygeoapi_oapip.model.process import Input, Output, Process
from pygeoapi_oapip.model.value import DirectoryOutput, FileOutput, ListOutput, Literal
from pygeoapi_oapip.operations import Preference
from pygeoapi_oapip.settings import Settings
from pygeoapi_oapip.testing.operations import FakeOperations

DEFINITION = {"name": "pygeoapi_oapip.manager.ProcessManager", "connection": "sqlite://", "output_dir": "jobs"}
WAIT = RequestedProcessExecutionMode.wait
ASYNC = RequestedProcessExecutionMode.respond_async


@dataclass
class FakeWired:
    service: FakeOperations
    settings: Settings = field(default_factory=Settings)
    starts: int = 0

    def start_background(self) -> None:
        self.starts += 1


def echo(process_id: str = "echo") -> Process:
    inputs = {"message": Input("message", "Message", {"type": "string"}, min_occurs=0, max_occurs=None)}
    outputs = {"message": Output("message", "Message", {"type": "string", "contentMediaType": "text/plain"})}
    return Process(process_id, "1.0", "Echo", "Echoes.", inputs, outputs, None)


@pytest.fixture
def wired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWired:
    found = FakeWired(FakeOperations(tmp_path))
    found.service.processes_by_id["echo"] = echo()
    found.service.outputs = {"message": Literal("hello")}
    monkeypatch.setattr(wiring, "wire", lambda configuration: found)
    return found


@pytest.fixture
def manager(wired: FakeWired) -> ProcessManager:
    return ProcessManager({**DEFINITION, "processes": {}})


@pytest.fixture
def operations(wired: FakeWired) -> FakeOperations:
    return wired.service


@pytest.fixture
def request_context() -> Iterator[None]:
    with flask.Flask("test").test_request_context("/jobs"):
        yield


def _file(folder: Path, name: str, content: bytes, media_type: str) -> FileOutput:
    (folder / name).write_bytes(content)
    return FileOutput(name, name, media_type, len(content))


def _run(manager: ProcessManager, **options: Any) -> tuple[str, str, Any, JobStatus, dict[str, str] | None]:
    return manager.execute_process("echo", {"message": ["a"]}, execution_mode=WAIT, **options)


def test_the_constructor_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "wire", lambda configuration: pytest.fail("the service was made"))
    manager = ProcessManager({**DEFINITION, "processes": {"a": {"type": "process"}}})
    assert manager.is_async
    assert list(tmp_path.iterdir()) == []


def test_the_service_is_made_from_the_manager_block_and_the_process_resources(
    wired: FakeWired, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def wire(configuration: Any) -> FakeWired:
        seen.append(configuration)
        return wired

    monkeypatch.setattr(wiring, "wire", wire)
    resource = {"type": "process", "processor": {"name": "x"}}
    len(ProcessManager({**DEFINITION, "processes": {"a": resource}}).processes)
    assert seen[0]["resources"] == {"a": resource}
    assert seen[0]["server"]["manager"]["connection"] == "sqlite://"


def test_jobs_are_moved_on_only_inside_a_server(wired: FakeWired, manager: ProcessManager) -> None:
    manager.get_jobs()
    assert wired.starts == 0, "writing the OpenAPI document must not start work"
    with flask.Flask("test").test_request_context("/jobs"):
        manager.get_jobs()
    assert wired.starts > 0


def test_processes_are_live(manager: ProcessManager, operations: FakeOperations) -> None:
    assert list(manager.processes) == ["echo"]
    operations.processes_by_id["later"] = echo("later")
    assert "later" in manager.processes and len(manager.processes) == 2
    del operations.processes_by_id["echo"]
    assert "echo" not in manager.processes


def test_a_processor_describes_the_process(manager: ProcessManager) -> None:
    metadata = manager.get_processor("echo").metadata
    assert metadata["inputs"]["message"]["maxOccurs"] == "unbounded"
    assert metadata["inputs"]["message"]["minOccurs"] == 0
    assert metadata["jobControlOptions"] == ["async-execute", "dismiss"]


def test_what_pygeoapi_does_to_a_description_does_not_last(manager: ProcessManager) -> None:
    first = manager.get_processor("echo").metadata
    first["jobControlOptions"].append("sync-execute")
    first["outputs"]["message"]["schema"].pop("contentMediaType")
    second = manager.get_processor("echo").metadata
    assert second["jobControlOptions"] == ["async-execute", "dismiss"]
    assert "contentMediaType" in second["outputs"]["message"]["schema"]


def test_an_unknown_process_is_told_in_pygeoapis_way(manager: ProcessManager) -> None:
    with pytest.raises(UnknownProcessError):
        manager.get_processor("absent")
    with pytest.raises(ProcessorExecuteError) as caught:
        manager.execute_process("absent", {})
    assert caught.value.http_status_code == 404
    assert caught.value.ogc_exception_code == "NoSuchProcess"


def test_a_deployed_process_is_made_known_to_the_running_pygeoapi(
    manager: ProcessManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = SimpleNamespace(config={"resources": {"other": {"type": "collection"}}}, base_url="http://h")
    monkeypatch.setitem(__import__("sys").modules, "pygeoapi.flask_app", SimpleNamespace(api_=api))
    manager.get_processor("echo")
    assert api.config["resources"]["echo"]["type"] != "process", "it must not be taken for a configured one"
    assert api.config["resources"]["other"] == {"type": "collection"}


def test_a_synchronous_execution_returns_the_results(manager: ProcessManager, operations: FakeOperations) -> None:
    job_id, media_type, output, status, headers = _run(manager)
    assert (media_type, output, status, headers) == (
        "application/json",
        {"message": "hello"},
        JobStatus.successful,
        None,
    )
    assert operations.jobs_by_id[job_id].ended


def test_an_asynchronous_execution_returns_the_status(manager: ProcessManager) -> None:
    job_id, media_type, output, status, headers = manager.execute_process("echo", {}, execution_mode=ASYNC)
    assert status is JobStatus.accepted
    assert output["jobID"] == job_id and output["status"] == "accepted"
    assert headers == {"Preference-Applied": "respond-async"}


def test_the_execute_request_is_put_together_again(manager: ProcessManager, operations: FakeOperations) -> None:
    subscriber = Subscriber("https://s/ok", None, "https://s/bad")
    _run(manager, requested_outputs={"message": {}}, subscriber=subscriber, requested_response="document")
    assert operations.bodies == [
        {
            "inputs": {"message": ["a"]},
            "outputs": {"message": {}},
            "response": "document",
            "subscriber": {"successUri": "https://s/ok", "failedUri": "https://s/bad"},
        }
    ]


def test_a_response_form_that_was_not_asked_for_is_not_sent(
    manager: ProcessManager, operations: FakeOperations
) -> None:
    _run(manager)
    assert operations.bodies == [{"inputs": {"message": ["a"]}}]


@pytest.mark.parametrize(
    ("header", "preference"),
    [
        ("", Preference()),
        ("respond-async", Preference(True)),
        ("respond-async, wait=2", Preference(True, 2.0)),
        ("wait=5", Preference(False, 5.0)),
        ('Wait="7"', Preference(False, 7.0)),
        ("return=minimal; wait=3", Preference(False, 3.0)),
        ("wait=soon", Preference()),
        ("x-respond-async", Preference()),
    ],
)
def test_the_prefer_header_is_read_where_pygeoapi_does_not(
    manager: ProcessManager, operations: FakeOperations, header: str, preference: Preference
) -> None:
    with flask.Flask("test").test_request_context("/jobs", headers={"Prefer": header}):
        manager.execute_process("echo", {})
    assert operations.preferences == [preference]


def test_wrong_inputs_keep_their_status_and_text(
    manager: ProcessManager, operations: FakeOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> Any:
        raise InvalidInputs("inputs.message: is missing")

    monkeypatch.setattr(operations, "execute", refuse)
    with pytest.raises(ProcessorExecuteError) as caught:
        _run(manager)
    assert caught.value.http_status_code == 400
    assert caught.value.message == "inputs.message: is missing"


def test_a_failed_execution_tells_the_cause(manager: ProcessManager, operations: FakeOperations) -> None:
    operations.problem = {"detail": "step a: exit code 3"}
    with pytest.raises(ProcessorExecuteError) as caught:
        _run(manager)
    assert caught.value.http_status_code == 500
    assert caught.value.message == "step a: exit code 3"


def test_one_file_is_returned_as_its_bytes(manager: ProcessManager, operations: FakeOperations) -> None:
    operations.outputs = {"message": _file(operations.workspace, "a.txt", b"hello\n", "text/plain")}
    job_id, media_type, output, *_ = _run(manager)
    assert (media_type, output) == ("text/plain", b"hello\n")
    assert manager.get_job_result(job_id) == ("text/plain", b"hello\n")
    assert manager.get_job(job_id)["mimetype"] == "text/plain"


def test_a_json_file_is_parsed_and_a_broken_one_stays_bytes(
    manager: ProcessManager, operations: FakeOperations
) -> None:
    operations.outputs = {"message": _file(operations.workspace, "a.json", b'{"a": 1}', "application/json")}
    assert _run(manager)[1:3] == ("application/json", {"a": 1})
    operations.outputs = {"message": _file(operations.workspace, "b.json", b"{", "application/json")}
    assert _run(manager)[1:3] == ("application/octet-stream", b"{")


def test_without_addresses_files_are_in_the_document(manager: ProcessManager, operations: FakeOperations) -> None:
    item = _file(operations.workspace, "a.bin", b"\x00\x01", "application/octet-stream")
    operations.outputs = {"message": ListOutput((item,))}
    (value,) = _run(manager)[2]["message"]
    assert value == {"value": "AAE=", "mediaType": "application/octet-stream", "encoding": "base64"}


def test_under_flask_each_link_of_the_document_leads_to_its_file(
    manager: ProcessManager, operations: FakeOperations
) -> None:
    items = tuple(_file(operations.workspace, f"{name}.txt", name.encode(), "text/plain") for name in "ab")
    (operations.workspace / "d").mkdir()
    (operations.workspace / "d" / "c.txt").write_text("c")
    operations.outputs = {"message": ListOutput(items), "dir": DirectoryOutput("d", "d")}
    app = flask.Flask("test")
    with app.test_request_context("/jobs"):
        job_id, _, document, *_ = _run(manager)
    links = [row["href"] for row in document["message"]] + [document["dir"]["href"]]
    bodies = []
    for href in links:
        with app.test_request_context(href.replace("&amp;", "&")), pytest.raises(HTTPException) as caught:
            manager.get_job_result(job_id)
        response = caught.value.get_response()
        response.direct_passthrough = False
        bodies.append(response.get_data())
        assert response.headers["Content-Security-Policy"] == "sandbox"
        response.close()
    assert bodies[:2] == [b"a", b"b"]
    assert bodies[2].startswith(b"PK")


@pytest.mark.parametrize("query", ["output=absent", "output=message&path=../x", "output="])
def test_a_file_that_does_not_exist_is_404(manager: ProcessManager, query: str) -> None:
    job_id = _run(manager)[0]
    with flask.Flask("test").test_request_context(f"/?{query}"), pytest.raises(HTTPException) as caught:
        manager.get_job_result(job_id)
    response = caught.value.get_response()
    assert response.status_code == 404
    assert json.loads(response.get_data())["code"] == "NoSuchOutput"


def test_values_that_would_run_on_pygeoapis_page_are_sent_as_bytes(
    manager: ProcessManager, operations: FakeOperations
) -> None:
    operations.outputs = {"message": Literal("</script><script>alert(1)</script>")}
    media_type, content = _run(manager)[1:3]
    assert media_type != "application/json", "pygeoapi puts application/json into a script of its page"
    assert json.loads(content) == {"message": "</script><script>alert(1)</script>"}


def test_a_value_with_a_greater_than_sign_is_kept_as_it_is(manager: ProcessManager, operations: FakeOperations) -> None:
    operations.outputs = {"message": Literal("a > b")}
    assert json.loads(_run(manager)[2]) == {"message": "a > b"}


def test_inputs_that_would_run_on_pygeoapis_page_are_left_out(
    manager: ProcessManager, operations: FakeOperations
) -> None:
    harmless = manager.execute_process("echo", {"message": "a"})[0]
    harmful = manager.execute_process("echo", {"message": "</script>"})[0]
    assert json.loads(manager.get_job(harmless)["parameters"])["message"]["value"] == "a"
    assert manager.get_job(harmful)["parameters"] is None


def test_a_job_has_every_key_that_pygeoapi_reads(manager: ProcessManager) -> None:
    row = manager.get_job(manager.execute_process("echo", {})[0])
    assert row["status"] == "accepted" and row["process_id"] == "echo" and row["progress"] == 0
    assert row["started"] == row["created"], "pygeoapi sorts by it, so it is never None"
    assert row["finished"] is None


def test_jobs_are_paged_newest_first(manager: ProcessManager) -> None:
    ids = [manager.execute_process("echo", {})[0] for _ in range(3)]
    first = manager.get_jobs(limit=2, offset=0)
    second = manager.get_jobs(limit=2, offset=2)
    assert [row["identifier"] for row in first["jobs"] + second["jobs"]] == ids[::-1]
    assert (first["numberMatched"], second["numberMatched"]) == (3, 3)


def test_jobs_are_filtered_by_status(manager: ProcessManager) -> None:
    _run(manager)
    accepted = manager.execute_process("echo", {})[0]
    rows = manager.get_jobs(status=JobStatus.accepted)["jobs"]
    assert [row["identifier"] for row in rows] == [accepted]


def test_an_unknown_job_is_told_in_pygeoapis_way(manager: ProcessManager) -> None:
    for call in (manager.get_job, manager.get_job_result, manager.delete_job):
        with pytest.raises(JobNotFoundError):
            call("absent")


def test_dismissing_stops_a_job_and_then_removes_it(manager: ProcessManager) -> None:
    running = manager.execute_process("echo", {})[0]
    assert manager.delete_job(running)
    assert manager.get_job(running)["status"] == "dismissed"
    ended = _run(manager)[0]
    assert manager.delete_job(ended)
    with pytest.raises(JobNotFoundError):
        manager.get_job(ended)


def test_results_of_a_dismissed_job_are_404_not_500(manager: ProcessManager, request_context: None) -> None:
    job_id = manager.execute_process("echo", {})[0]
    manager.delete_job(job_id)
    with pytest.raises(HTTPException) as caught:
        manager.get_job_result(job_id)
    assert caught.value.get_response().status_code == 404


def test_outside_flask_missing_results_are_told_in_pygeoapis_way(manager: ProcessManager) -> None:
    job_id = manager.execute_process("echo", {})[0]
    with pytest.raises(JobResultNotFoundError):
        manager.get_job_result(job_id)


def test_a_database_that_is_away_is_503(
    manager: ProcessManager, operations: FakeOperations, request_context: None
) -> None:
    operations.error = StoreUnavailable("the database is locked")
    with pytest.raises(HTTPException) as caught:
        manager.get_jobs()
    response = caught.value.get_response()
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"


def test_jobs_are_made_and_moved_by_the_service_only(manager: ProcessManager) -> None:
    with pytest.raises(MethodNotAllowed):
        manager.add_job({})
    with pytest.raises(MethodNotAllowed):
        manager.update_job("x", {})
