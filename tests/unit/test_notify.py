from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip import notify
from pygeoapi_oapip.errors import AddressForbidden, JobFailed, StoreUnavailable, Unavailable
from pygeoapi_oapip.messages import Composer
from pygeoapi_oapip.model.execution import ExecutionRequest, OutputRequest, Subscriber, Transmission
from pygeoapi_oapip.model.identity import EVERYTHING
from pygeoapi_oapip.model.job import Goal, Job, Phase
from pygeoapi_oapip.model.process import Output, Process
from pygeoapi_oapip.model.value import FileOutput, Literal, OutputValue, output_to_json
from pygeoapi_oapip.notify import Channel, Notifier, pause
from pygeoapi_oapip.settings import Callbacks
from pygeoapi_oapip.staging.router import make_stager
from pygeoapi_oapip.staging.workspace import LocalWorkspaces
from pygeoapi_oapip.store.memory import MemoryJobStore, MemoryProcessStore
from pygeoapi_oapip.store.memory_notifications import MemoryNotificationStore
from pygeoapi_oapip.store.notifications import Outcome, Subscription
from pygeoapi_oapip.testing.notification_contract import subscribed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALL = Subscriber("http://receiver.test/success", "http://receiver.test/progress", "http://receiver.test/failed")


class Post:
    """A way out that remembers what went by it, and answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, Any], Mapping[str, str]]] = []
        self.answers: dict[str, list[int | Exception]] = {}

    def check(self, url: str) -> None:
        """Everything may be told."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        name = url.rpartition("/")[2]
        planned = self.answers.get(name)
        answer = planned.pop(0) if planned else 200
        if isinstance(answer, Exception):
            raise answer
        self.sent.append((name if answer == 200 else f"{name}:{answer}", json.loads(body), headers))
        return answer

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.sent]


class Bench:
    """A notifier over stores in memory, with a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.jobs, self.processes, self.post = MemoryJobStore(), MemoryProcessStore(), Post()
        self.rows = MemoryNotificationStore(self.jobs)
        settings = Callbacks()
        self.workspaces = LocalWorkspaces(folder, make_stager(_staging()))
        composer = Composer(self.processes, self.workspaces, "https://server.test/api/")
        channel = Channel(self.jobs, self.rows, composer, self.post, settings)
        self.notifier = Notifier(channel, "me", lambda owner: owner == "dead", now=lambda: self.now)
        schema = {"type": "string"}
        outputs = {name: Output(name, name, schema) for name in ("second", "first")}
        self.processes.add(Process("p", "1", "P", "", inputs={}, outputs=outputs, package=None))

    def add(self, subscriber: Subscriber = ALL, **request: Any) -> Job:
        asked = ExecutionRequest({}, subscriber=subscriber, **request)
        return self.jobs.add(replace(Job.new("p", 1, "alice", "local", asked.to_json()), created=NOON))

    def advance(self, job: Job, phase: Phase, **changes: Any) -> Job:
        return self.jobs.save(job.advance(phase, self.now, **changes))

    def succeed(self, job: Job, **outputs: OutputValue) -> Job:
        found = {key: output_to_json(value) for key, value in outputs.items()}
        return self.advance(job, Phase.SUCCESSFUL, outputs=found, progress=100)

    def look(self, seconds: float = 0) -> list[str]:
        """What was sent so far, after the clock has gone on by `seconds`."""
        self.now += timedelta(seconds=seconds)
        self.notifier.start_due()
        self.notifier.settle(240)
        return self.post.names

    def row(self, job: Job) -> Subscription:
        found = self.rows.get(job.id)
        assert found is not None
        return found


def _staging() -> Any:
    from pygeoapi_oapip.settings import Staging

    return Staging()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.requirement("part1/callback/job-callback")
def test_start_and_success_are_told(bench: Bench) -> None:
    job = bench.add()
    assert bench.look() == []
    job = bench.advance(job, Phase.RUNNING)
    assert bench.look() == ["progress"]
    bench.succeed(job, first=Literal("a"), second=Literal("b"))
    assert bench.look(1) == ["progress", "success"]
    assert bench.look(100) == ["progress", "success"]
    (_, status, _), (_, results, _) = bench.post.sent
    assert (status["jobID"], status["status"], status["progress"]) == (job.id, "running", 0)
    assert results == {"second": "b", "first": "a"}
    assert bench.row(job).outcome is Outcome.DELIVERED


@pytest.mark.requirement("part1/callback/job-callback")
def test_a_failure_is_told_with_its_cause(bench: Bench) -> None:
    job = bench.advance(bench.add(), Phase.RUNNING)
    bench.advance(job, Phase.FAILED, message="no data", problem=JobFailed("no data").problem())
    assert bench.look() == ["progress", "failed"]
    problem = bench.post.sent[-1][1]
    assert (problem["title"], problem["status"], problem["detail"]) == ("Job failed", 500, "no data")
    assert problem["instance"] == f"https://server.test/api/jobs/{job.id}/results"


def test_a_dismissal_is_told_as_a_failure(bench: Bench) -> None:
    job = bench.advance(bench.add(), Phase.RUNNING)
    bench.look()
    job = bench.jobs.set_goal(job.id, Goal.DISMISS, EVERYTHING)
    assert bench.look(60) == ["progress"]
    bench.advance(job, Phase.DISMISSED)
    assert bench.look() == ["progress", "failed"]
    assert bench.post.sent[-1][1]["type"].endswith("/result-not-available")
    assert "dismissed" in bench.post.sent[-1][1]["detail"]


def test_a_job_that_ends_at_once_is_told_to_have_run_first(bench: Bench) -> None:
    job = bench.succeed(bench.advance(bench.add(), Phase.RUNNING, message="half"), first=Literal("a"))
    assert bench.look(3) == ["progress", "success"]
    status = bench.post.sent[0][1]
    assert (status["status"], status["progress"], status["updated"]) == ("running", 0, "2026-01-01T12:00:00.000Z")
    assert "finished" not in status
    assert "message" not in status
    assert job.finished is not None


def test_a_job_that_never_ran_is_not_said_to_have(bench: Bench) -> None:
    bench.advance(bench.add(), Phase.FAILED, problem=JobFailed("x").problem())
    assert bench.look() == ["failed"]


@pytest.mark.parametrize(
    ("subscriber", "told"),
    [
        (Subscriber(success=ALL.success), ["success"]),
        (Subscriber(in_progress=ALL.in_progress), ["progress"]),
        (Subscriber(failed=ALL.failed), []),
    ],
)
def test_only_what_was_asked_for_is_told(bench: Bench, subscriber: Subscriber, told: list[str]) -> None:
    job = bench.advance(bench.add(subscriber), Phase.RUNNING)
    bench.look()
    bench.succeed(job, first=Literal(1))
    assert bench.look() == told
    assert bench.row(job).outcome is Outcome.DELIVERED


def test_progress_is_told_at_most_once_in_the_interval(bench: Bench) -> None:
    job = bench.advance(bench.add(), Phase.RUNNING)
    bench.look()
    for progress in range(1, 100):
        job = bench.advance(job, Phase.RUNNING, progress=progress)
        bench.look(1)
    assert [status["progress"] for _, status, _ in bench.post.sent] == [0, 30, 60, 90]


def test_each_message_has_a_key_of_its_own_and_names_its_job(bench: Bench) -> None:
    job = bench.advance(bench.add(), Phase.RUNNING)
    bench.look()
    job = bench.advance(job, Phase.RUNNING, progress=50)
    bench.look(31)
    bench.post.answers = {"success": [503, 200]}
    bench.succeed(job, first=Literal(1))
    bench.look()
    assert bench.look(5) == ["progress", "progress", "success:503", "success"]
    keys = [headers["Idempotency-Key"] for _, _, headers in bench.post.sent]
    assert keys == [f"{job.id}-{state}" for state in ("running-0", "running-50", "successful", "successful")]
    link = f'<https://server.test/api/jobs/{job.id}>; rel="monitor"; type="application/json"'
    assert {headers["Link"] for _, _, headers in bench.post.sent} == {link}
    assert {headers["Content-Type"] for _, _, headers in bench.post.sent} == {"application/json"}


def test_an_end_is_tried_again_less_and_less_often_and_then_given_up(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    bench.post.answers = {"success": [500] * 10_000}
    job = bench.advance(bench.add(Subscriber(success=ALL.success)), Phase.RUNNING)
    bench.succeed(job, first=Literal(1))
    bench.look()
    gaps = []
    while bench.row(job).outcome is Outcome.OPEN:
        gaps.append((bench.row(job).due - bench.now).total_seconds())
        bench.now = bench.row(job).due
        bench.look()
    assert 1 <= gaps[0] <= 2
    assert 450 <= gaps[-1] <= 900
    assert timedelta(hours=24) <= bench.now - NOON < timedelta(hours=24.3)
    assert bench.row(job).outcome is Outcome.GIVEN_UP
    assert bench.row(job).attempts == len(bench.post.sent) == len(gaps) + 1
    assert bench.row(job).note == "receiver.test answers 500"
    assert f"job {job.id}: its successUri was given up: receiver.test answers 500" in caplog.text
    assert bench.look(10_000) == ["success:500"] * len(bench.post.sent)


def test_a_receiver_that_is_gone_for_good_is_not_told_again(bench: Bench) -> None:
    bench.post.answers = {"success": [410]}
    job = bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    assert bench.look() == ["progress", "success:410"]
    assert bench.row(job).outcome is Outcome.GIVEN_UP


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (Unavailable("http://u:secret@receiver.test/ is away"), "receiver.test cannot be reached, or does not answer"),
        (AddressForbidden("x"), "receiver.test is not an address that this server may tell"),
        (301, "receiver.test answers 301"),
        (404, "receiver.test answers 404"),
    ],
)
def test_whatever_is_not_a_success_is_tried_again(bench: Bench, fault: int | Exception, note: str) -> None:
    bench.post.answers = {"success": [fault]}
    job = bench.succeed(bench.advance(bench.add(Subscriber(success=ALL.success)), Phase.RUNNING), first=Literal(1))
    bench.look()
    assert (bench.row(job).attempts, bench.row(job).note) == (1, note)
    assert bench.look(3)[-1] == "success"
    assert bench.row(job).note == ""


def test_progress_that_cannot_be_told_does_not_hold_the_end_for_long(bench: Bench) -> None:
    bench.post.answers = {"progress": [500] * 100}
    job = bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    while "success" not in bench.look(1):
        assert bench.now - NOON <= notify.PATIENCE + SECOND
    assert 3 <= bench.post.names.count("progress:500") <= notify.PROGRESS_TRIES
    assert bench.row(job).outcome is Outcome.DELIVERED


def test_progress_is_never_told_after_the_end(bench: Bench) -> None:
    bench.post.answers = {"progress": [500, 500]}
    job = bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    for _ in range(60):
        bench.look(1)
    assert bench.post.names == ["progress:500", "progress:500", "progress", "success"]
    assert bench.row(job).outcome is Outcome.DELIVERED


def test_files_are_links_and_by_value_contents(bench: Bench, tmp_path: Path) -> None:
    asked = {"first": OutputRequest(), "second": OutputRequest(Transmission.VALUE)}
    job = bench.add(Subscriber(success=ALL.success), outputs=asked)
    folder = bench.workspaces.prepare(job.id) / "outputs"
    (folder / "a.txt").write_text("hello")
    value = FileOutput("outputs/a.txt", "a.txt", "text/plain", 5)
    bench.succeed(bench.advance(job, Phase.RUNNING), first=value, second=value)
    bench.look()
    results = bench.post.sent[-1][1]
    assert results["first"]["href"] == f"https://server.test/api/jobs/{job.id}/results/first"
    assert results["second"] == {"value": "hello", "mediaType": "text/plain"}


def test_a_result_that_cannot_be_read_is_tried_again(bench: Bench) -> None:
    asked = {"first": OutputRequest(Transmission.VALUE)}
    job = bench.add(Subscriber(success=ALL.success), outputs=asked)
    value = FileOutput("outputs/gone.txt", "gone.txt", "text/plain", 5)
    bench.succeed(bench.advance(job, Phase.RUNNING), first=value)
    bench.look()
    assert bench.row(job).note == "the message could not be made: gone.txt is not there any more"
    assert bench.row(job).outcome is Outcome.OPEN


def test_numbers_that_are_not_finite_become_null(bench: Bench) -> None:
    job = bench.add(Subscriber(success=ALL.success))
    bench.succeed(bench.advance(job, Phase.RUNNING), first=Literal([1.5, float("nan")]), second=Literal("NaN"))
    bench.look()
    assert bench.post.sent[-1][1] == {"second": "NaN", "first": [1.5, None]}


def test_no_outputs_asked_for_is_an_empty_document(bench: Bench) -> None:
    job = bench.add(Subscriber(success=ALL.success), outputs={})
    bench.succeed(bench.advance(job, Phase.RUNNING), first=Literal(1))
    bench.look()
    assert bench.post.sent[-1][1] == {}


def test_a_job_removed_meanwhile_is_not_told(bench: Bench) -> None:
    bench.post.answers = {"success": [500]}
    job = bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    bench.look()
    bench.jobs.delete(job.id, EVERYTHING)
    assert bench.look(60) == ["progress", "success:500"]


def test_what_a_dead_process_was_about_to_tell_is_told(bench: Bench) -> None:
    bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    assert bench.rows.take("dead", NOON + timedelta(hours=1), 10, NOON)
    assert bench.look() == []
    bench.notifier.free_dead()
    assert bench.look() == ["progress", "success"]


def test_many_jobs_are_told_beside_one_receiver_that_hangs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    quick: list[str] = []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if "hangs" in url:
            released.wait(600)
            return 200
        quick.append(url)
        return 200

    monkeypatch.setattr(bench.post, "post", post)
    for host in ["hangs"] * 40 + ["quick"] * 10:
        bench.advance(bench.add(Subscriber(failed=f"http://{host}.test/")), Phase.FAILED)
    for _ in range(1000):
        bench.now += SECOND
        bench.notifier.start_due()
        bench.notifier.settle(0.05)
        if len(quick) == 10:
            break
    released.set()
    bench.notifier.settle(240)
    assert len(quick) == 10


def test_a_database_that_is_away_is_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "LOOK", 0.01)
    bench.succeed(bench.advance(bench.add(), Phase.RUNNING), first=Literal(1))
    take, faults = bench.rows.take, [StoreUnavailable("locked")] * 3

    def faulty(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return take(*args)

    monkeypatch.setattr(bench.rows, "take", faulty)
    stop = threading.Event()
    thread = threading.Thread(target=bench.notifier.run, args=(stop,))
    thread.start()
    _until(lambda: bench.post.names == ["progress", "success"])
    stop.set()
    thread.join(240)
    assert not thread.is_alive()


def _until(true: Callable[[], bool]) -> None:
    gate = threading.Event()
    for _ in range(24_000):
        if true():
            return
        gate.wait(0.01)
    raise AssertionError("it did not happen")


def test_pauses_grow_and_are_spread() -> None:
    assert all(1 <= pause(1).total_seconds() <= 2 for _ in range(50))
    assert all(450 <= pause(attempts).total_seconds() <= 900 for attempts in (10, 50, 5000))
    assert len({pause(5) for _ in range(50)}) > 1


def test_a_subscription_begins_with_the_job() -> None:
    job = subscribed()
    assert Subscription(job.id, job.created, wants_progress=True).has_news(job, NOON) is False
