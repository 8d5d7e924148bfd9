"""Answers and faults of other servers."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.engines.remote import engine as engine_module
from pygeoapi_oapip.engines.remote import run as run_module
from pygeoapi_oapip.engines.remote.engine import RemoteEngine
from pygeoapi_oapip.engines.remote.record import Record, Stage, State
from pygeoapi_oapip.errors import PlanRejected
from pygeoapi_oapip.model.execution import Plan
from pygeoapi_oapip.model.process import NO_PACKAGE
from pygeoapi_oapip.model.run import RunRef, RunReport, RunState
from pygeoapi_oapip.model.value import FileOutput, ListOutput, Literal, OutputValue
from pygeoapi_oapip.packages.remote import asking_for, read_remote
from pygeoapi_oapip.settings import Staging
from pygeoapi_oapip.staging.client import GuardedClient
from pygeoapi_oapip.testing.remote_server import RemoteScript, RemoteServer, Reply

PATIENCE = 120.0
FILE = {"type": "string", "contentMediaType": "text/plain", "format": "binary"}
INTEGER = {"type": "integer"}


@pytest.fixture
def remote() -> Iterator[RemoteServer]:
    with RemoteServer() as server:
        server.scripts["p"] = RemoteScript(results={"n": 7})
        yield server


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "MAX_BACKOFF", 0.05)


class Runner:
    def __init__(self, remote: RemoteServer, folder: Path, staging: Staging | None = None) -> None:
        self.remote = remote
        self.folder = folder
        self.http = GuardedClient(("*",), staging or Staging(allow_internal=True), 30.0)
        self.engine = RemoteEngine("remote", self.http)

    def plan(self, outputs: Any = None, order: Any = None, **description: Any) -> Plan:
        members = {name: {"schema": schema} for name, schema in (outputs or {"n": INTEGER}).items()}
        address = self.remote.address("p")
        package = read_remote({"id": "p", "outputs": members, **description}, address).package
        assert package is not None
        (self.folder / "logs").mkdir(exist_ok=True)
        return Plan("j", "p", package, order or {}, self.folder, "eve")

    def end(self, plan: Plan) -> tuple[RunRef, RunReport]:
        run = self.engine.submit(plan)
        deadline = time.monotonic() + PATIENCE
        while not (report := self.engine.poll([run])["j"]).ended:
            assert time.monotonic() < deadline, report
            time.sleep(0.005)
        return run, report

    def outputs(self, plan: Plan) -> dict[str, OutputValue]:
        run, report = self.end(plan)
        assert report.state is RunState.SUCCEEDED, report.message
        return dict(self.engine.outputs(run))

    def text(self, value: OutputValue) -> bytes:
        assert isinstance(value, FileOutput)
        content = (self.folder / value.href).read_bytes()
        assert len(content) == value.size
        return content


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def runner(remote: RemoteServer, tmp_path: Path) -> Runner:
    return Runner(remote, tmp_path)


@pytest.mark.requirement("part3/remote-core-processes/process-execution")
def test_request_is_part_1_core(runner: Runner) -> None:
    (runner.folder / "in.txt").write_text("inside")
    (runner.folder / "in.bin").write_bytes(b"\xff\x00")
    order = {
        "a": {"value": 1, "type": "", "encoding": ""},
        "b": {"value": {"x": 1}, "type": "", "encoding": ""},
        "c": {"value": "PA==", "type": "application/xml", "encoding": "base64"},
        "d": {
            "many": [{"value": 1, "type": "", "encoding": ""}, {"file": {"class": "File", "location": "http://x/y"}}]
        },
        "e": {"file": {"class": "File", "location": (runner.folder / "in.txt").as_uri()}, "type": "text/plain"},
        "f": {"file": {"class": "File", "location": (runner.folder / "in.bin").as_uri()}, "type": "text/plain"},
    }
    outputs = {"n": INTEGER, "f": FILE, "g": FILE}
    plan = runner.plan(outputs, order, outputTransmission=["value", "reference"])
    runner.remote.scripts["p"].results = {"n": 1}
    runner.end(plan)
    job = next(iter(runner.remote.jobs.values()))
    assert job.request == {
        "inputs": {
            "a": 1,
            "b": {"value": {"x": 1}},
            "c": {"value": "PA==", "mediaType": "application/xml", "encoding": "base64"},
            "d": [1, {"href": "http://x/y"}],
            "e": {"value": "inside", "mediaType": "text/plain"},
            "f": {"value": "/wA=", "mediaType": "text/plain", "encoding": "base64"},
        },
        "outputs": {
            "n": {"transmissionMode": "value"},
            "f": {"transmissionMode": "reference"},
            "g": {"transmissionMode": "reference"},
        },
        "response": "document",
    }


def test_one_output_can_be_asked_for(runner: Runner) -> None:
    plan = runner.plan({"n": INTEGER, "m": INTEGER})
    one = Plan(plan.job_id, plan.process_id, asking_for(plan.package, "n"), {}, plan.workspace, plan.owner)
    assert runner.outputs(one) == {"n": Literal(7)}
    assert list(next(iter(runner.remote.jobs.values())).request["outputs"]) == ["n"]


@pytest.mark.parametrize(
    ("result", "schema", "expected"),
    [
        (7, INTEGER, Literal(7)),
        ("x", {"type": "string"}, Literal("x")),
        ({"value": 7, "mediaType": "application/json"}, INTEGER, Literal(7)),
        ({"value": {"a": 1}}, {"type": "object"}, Literal({"a": 1})),
        ([1, 2], {"type": "array", "items": INTEGER}, Literal([1, 2])),
        ({"bbox": [1, 2, 3, 4]}, {}, Literal({"bbox": [1, 2, 3, 4]})),
    ],
)
def test_values(runner: Runner, result: Any, schema: Any, expected: OutputValue) -> None:
    runner.remote.scripts["p"].results = {"n": result}
    assert runner.outputs(runner.plan({"n": schema})) == {"n": expected}


@pytest.mark.parametrize(
    ("result", "content", "media_type"),
    [
        ("text", b"text", "text/plain"),
        ({"value": "text", "mediaType": "text/csv"}, b"text", "text/csv"),
        (
            {"value": base64.b64encode(b"\xff").decode(), "mediaType": "image/tiff", "encoding": "base64"},
            b"\xff",
            "image/tiff",
        ),
        ({"value": base64.b64encode(b"x").decode(), "format": {"mediaType": "a/b", "encoding": "base64"}}, b"x", "a/b"),
        ({"value": {"a": 1}, "mediaType": "application/geo+json"}, b'{"a": 1}', "application/geo+json"),
    ],
)
def test_files_by_value(runner: Runner, result: Any, content: bytes, media_type: str) -> None:
    runner.remote.scripts["p"].results = {"n": result}
    found = runner.outputs(runner.plan({"n": FILE}))["n"]
    assert isinstance(found, FileOutput)
    assert (runner.text(found), found.media_type) == (content, media_type)


def test_files_by_reference_are_fetched(runner: Runner) -> None:
    remote = runner.remote
    remote.replies["/data/a"] = [Reply(200, b"tiff", {"Content-Type": "image/tiff"})]
    remote.replies["/data/b.csv"] = [Reply(200, b"csv", {"Content-Type": "text/csv"})]
    first = {"href": f"{remote.url}/data/a", "title": "scene.tif"}
    second = {"href": f"{remote.url}/data/b.csv", "type": "text/plain", "title": "../../x.csv"}
    remote.scripts["p"].results = {"n": [first, second]}
    found = runner.outputs(runner.plan({"n": {"type": "array", "items": FILE}}))["n"]
    assert isinstance(found, ListOutput)
    names = [(item.name, item.media_type) for item in found.items if isinstance(item, FileOutput)]
    assert names == [("scene.tif", "image/tiff"), ("b.csv", "text/plain")]
    assert [runner.text(item) for item in found.items] == [b"tiff", b"csv"]


def test_a_server_that_answers_with_the_results_at_once(runner: Runner) -> None:
    runner.remote.replies["/processes/p/execution"] = [Reply(200, {"n": 3})]
    assert runner.outputs(runner.plan()) == {"n": Literal(3)}


def test_a_raw_answer_is_the_one_output(runner: Runner) -> None:
    reply = Reply(200, b"\x89PNG", {"Content-Type": "image/png"})
    runner.remote.replies["/processes/p/execution"] = [reply]
    found = runner.outputs(runner.plan({"n": FILE}))["n"]
    assert isinstance(found, FileOutput)
    assert (runner.text(found), found.media_type, found.name) == (b"\x89PNG", "image/png", "result.png")


def test_version_2_without_location_and_with_links(runner: Runner) -> None:
    remote = runner.remote
    body = {"id": "x1", "status": "accepted", "processingEntityType": "ogc-api-processes"}
    remote.replies["/processes/p/execution"] = [Reply(200, body)]
    link = {"rel": "http://www.opengis.net/def/rel/ogc/1.0/results", "href": "/jobs/x1/all", "type": "application/json"}
    remote.replies["/jobs/x1"] = [Reply(200, {**body, "status": "successful", "links": [link]})]
    remote.replies["/jobs/x1/all"] = [Reply(200, {"n": 9})]
    assert runner.outputs(runner.plan()) == {"n": Literal(9)}


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_a_server_that_says_later_is_asked_again(runner: Runner, status: int) -> None:
    runner.remote.replies["/processes/p/execution"] = [Reply(status, {}), Reply(status, {}, {"Retry-After": "0"})]
    assert runner.outputs(runner.plan()) == {"n": Literal(7)}
    assert len(runner.remote.jobs) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_execute_request_whose_fate_is_unknown_is_not_sent_again(runner: Runner, status: int) -> None:
    runner.remote.replies["/processes/p/execution"] = [Reply(status, {"detail": "gone wrong"})]
    _, report = runner.end(runner.plan())
    assert report.state is RunState.FAILED
    assert f"({status}): gone wrong" in report.message
    assert runner.remote.requests.count("POST /processes/p/execution") == 1


def test_a_connection_that_breaks_after_the_request_is_not_tried_again(runner: Runner) -> None:
    runner.remote.broken.append("/processes/p/execution")
    _, report = runner.end(runner.plan())
    assert report.state is RunState.LOST
    assert "was not sent again, so that it does not run twice" in report.message
    assert len(runner.remote.jobs) == 1


def test_a_server_that_cannot_be_reached_is_tried_again_without_end(runner: Runner) -> None:
    plan = runner.plan(links=[])
    dead = {**plan.package.document, "execution": "http://127.0.0.1:9/processes/p/execution"}
    package = type(plan.package)(dead, "", b"", "")
    run = runner.engine.submit(Plan("j", "p", package, {}, plan.workspace, "eve"))
    deadline = time.monotonic() + PATIENCE
    while len(list(runner.engine.logs(run))) < 3:
        assert time.monotonic() < deadline
        assert not runner.engine.poll([run])["j"].ended
        time.sleep(0.01)
    assert "could not be read" in runner.engine.poll([run])["j"].message
    runner.engine.cancel(run)
    until(lambda: runner.engine.poll([run])["j"].ended)


def test_found_in_the_middle_of_sending_it_is_lost_and_not_sent_again(runner: Runner) -> None:
    plan = runner.plan()
    record = Record(plan.workspace)
    record.create(plan.package, {"inputs": {}})
    record.save(State(Stage.SENDING))
    _, report = runner.end(plan)
    assert report.state is RunState.LOST
    assert "cannot tell whether it arrived" in report.message
    assert runner.remote.requests == []


def test_another_process_goes_on_with_the_job(runner: Runner) -> None:
    runner.remote.scripts["p"].ends = 600
    run = runner.engine.submit(runner.plan())
    until(lambda: Record(runner.folder).state().stage is Stage.SENT)
    other = RemoteEngine("remote", runner.http)
    assert not other.poll([run])["j"].ended
    runner.remote.scripts["p"].ends = 0
    until(lambda: other.poll([run])["j"].ended)
    assert other.outputs(run) == {"n": Literal(7)}
    assert len(runner.remote.jobs) == 1


def test_faults_while_it_runs_are_waited_for(runner: Runner) -> None:
    remote = runner.remote
    remote.replies["/processes/p/execution"] = [Reply(201, {}, {"Location": "/jobs/fixed"})]
    good = {"jobID": "fixed", "status": "successful"}
    remote.replies["/jobs/fixed"] = [Reply(503), Reply(404), Reply(200, good)]
    remote.replies["/jobs/fixed/results"] = [Reply(502), Reply(200, {"n": 5})]
    assert runner.outputs(runner.plan()) == {"n": Literal(5)}


def test_a_job_that_is_gone_is_lost(runner: Runner) -> None:
    runner.remote.replies["/processes/p/execution"] = [Reply(201, {}, {"Location": "/jobs/none"})]
    _, report = runner.end(runner.plan())
    assert report.state is RunState.LOST
    assert "does not know the job any more" in report.message


@pytest.mark.parametrize(
    ("replies", "text"),
    [
        ({"/processes/p/execution": Reply(400, {"detail": "size: must be small"})}, "(400): size: must be small"),
        ({"/processes/p/execution": Reply(401, b"<html>")}, "(401): status 401"),
        ({"/processes/p/execution": Reply(201, {})}, "does not tell where its job is"),
        ({"/jobs/x": Reply(200, {"status": "dismissed"})}, "was dismissed at 127.0.0.1"),
        ({"/jobs/x": Reply(200, {"status": "failed", "message": "no data"})}, "no data"),
        ({"/jobs/x": Reply(403, {"title": "Forbidden"})}, "answers 403: Forbidden"),
        ({"/jobs/x": Reply(200, b"[[[[")}, "answers 200: status 200"),
        ({"/jobs/x/results": Reply(404, {"detail": "no results"})}, "does not give the results (404): no results"),
        ({"/jobs/x/results": Reply(200, {"m": 1, "outputs": 3})}, ""),
        ({"/jobs/x/results": Reply(200, {"n": {"href": "file:///etc/passwd"}})}, "file:///etc/passwd"),
        ({"/jobs/x/results": Reply(200, {"n": {"href": "http://127.0.0.1:0/"}})}, "is not a URL with a host"),
        ({"/jobs/x/results": Reply(200, {"n": {"value": "%%%", "encoding": "base64"}})}, "not the base64"),
    ],
)
def test_what_other_servers_say_is_told(runner: Runner, replies: dict[str, Reply], text: str) -> None:
    remote = runner.remote
    remote.replies["/processes/p/execution"] = [Reply(201, {"jobID": "x"}, {"Location": "/jobs/x"})]
    remote.replies["/jobs/x"] = [Reply(200, {"jobID": "x", "status": "successful"})]
    remote.replies |= {path: [reply] for path, reply in replies.items()}
    _, report = runner.end(runner.plan())
    if text:
        assert report.state in (RunState.FAILED, RunState.LOST, RunState.CANCELLED)
        assert text in report.message
    else:
        assert report.state is RunState.SUCCEEDED


def test_the_cause_of_a_failure_without_a_message_is_in_its_results(runner: Runner) -> None:
    remote = runner.remote
    remote.scripts["p"] = RemoteScript(fails=" ", results={"detail": "the disk is full"})
    remote.replies["/processes/p/execution"] = [Reply(201, {}, {"Location": "/jobs/x"})]
    remote.replies["/jobs/x"] = [Reply(200, {"jobID": "x", "status": "failed"})]
    remote.replies["/jobs/x/results"] = [Reply(500, {"detail": "the disk is full"})]
    assert runner.end(runner.plan())[1].message == "the disk is full"


def test_deep_results_are_refused(runner: Runner) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    runner.remote.scripts["p"].results = {"n": deep}
    assert "nested too deep" in runner.end(runner.plan())[1].message


def test_a_run_that_is_cancelled_before_it_is_sent_is_never_sent(runner: Runner) -> None:
    plan = runner.plan()
    record = Record(plan.workspace)
    record.create(plan.package, {"inputs": {}})
    record.cancel()
    assert runner.end(plan)[1].state is RunState.CANCELLED
    assert runner.remote.requests == []


def test_a_dismissal_is_passed_on(runner: Runner) -> None:
    runner.remote.scripts["p"].ends = 600
    run = runner.engine.submit(runner.plan())
    until(lambda: bool(runner.remote.jobs) and runner.engine.poll([run])["j"].state is RunState.RUNNING)
    runner.engine.cancel(run)
    until(lambda: runner.engine.poll([run])["j"].state is RunState.CANCELLED)
    assert next(iter(runner.remote.jobs.values())).dismissed


def test_a_server_that_does_not_dismiss_is_left_alone_in_the_end(runner: Runner) -> None:
    remote = runner.remote
    remote.scripts["p"].ends = 600
    remote.replies["/processes/p/execution"] = [Reply(201, {}, {"Location": "/jobs/x"})]
    remote.replies["GET /jobs/x"] = [Reply(200, {"status": "running"}) for _ in range(10_000)]
    remote.replies["DELETE /jobs/x"] = [Reply(503) for _ in range(100)]
    run = runner.engine.submit(runner.plan())
    until(lambda: runner.engine.poll([run])["j"].state is RunState.RUNNING)
    runner.engine.cancel(run)
    until(lambda: runner.engine.poll([run])["j"].state is RunState.CANCELLED)
    assert remote.requests.count("DELETE /jobs/x") == run_module.CANCEL_TRIES


def test_internal_addresses_are_not_asked(remote: RemoteServer, tmp_path: Path) -> None:
    runner = Runner(remote, tmp_path, Staging())
    with pytest.raises(PlanRejected, match="inside this server's network"):
        runner.engine.check(runner.plan())
    assert "inside this server's network" in runner.end(runner.plan())[1].message
    assert remote.requests == []


def test_other_packages_are_refused(runner: Runner) -> None:
    plan = Plan("j", "p", NO_PACKAGE, {}, runner.folder, "eve")
    with pytest.raises(PlanRejected):
        runner.engine.check(plan)
    with pytest.raises(PlanRejected):
        runner.engine.submit(plan)


def test_a_file_that_is_too_large_is_not_sent(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "LARGEST_FILE", 3)
    (runner.folder / "big.txt").write_text("four")
    order = {"e": {"file": {"class": "File", "location": (runner.folder / "big.txt").as_uri()}, "type": "text/plain"}}
    with pytest.raises(PlanRejected, match="big.txt is larger than 3 bytes"):
        runner.engine.submit(runner.plan(order=order))


def test_a_folder_is_not_sent(runner: Runner) -> None:
    order = {"e": {"file": {"class": "Directory", "location": runner.folder.as_uri()}, "type": ""}}
    with pytest.raises(PlanRejected, match="a folder cannot be sent"):
        runner.engine.submit(runner.plan(order=order))
