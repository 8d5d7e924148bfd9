"""Callbacks of a real server to a real receiver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.receiver import Received, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def execute(
    server: LiveServer, receiver: Receiver, process: str, inputs: Mapping[str, Any], **headers: str
) -> requests.Response:
    body = {"inputs": inputs, "subscriber": receiver.subscriber()}
    answer = server.post(f"/processes/{process}/execution", json=body, headers=headers or {"Prefer": "respond-async"})
    assert answer.status_code in (200, 201), answer.text
    return answer


def of_job(receiver: Receiver, job: str) -> list[Received]:
    return [one for one in receiver.messages if f"/jobs/{job}>" in one.headers["Link"]]


@pytest.mark.requirement("part1/callback/job-callback")
def test_a_job_tells_that_it_runs_and_what_it_made(server: LiveServer, receiver: Receiver) -> None:
    job = execute(server, receiver, "configured", {"message": "hello"}).json()["jobID"]
    receiver.wait(lambda r: bool(r.accepted("success")))
    running, success = of_job(receiver, job)
    assert (running.path, running.document["jobID"], running.document["status"]) == ("inProgress", job, "running")
    assert success.path == "success"
    assert success.headers["Content-Type"] == "application/json"
    assert success.document == server.get(f"/jobs/{job}/results").json()
    assert requests.get(success.document["said"]["href"], timeout=60).text == "hello\n"
    assert server.get(f"/jobs/{job}").json()["callbacks"]["state"] in ("open", "delivered")


@pytest.mark.requirement("part1/callback/job-callback")
def test_a_failed_job_tells_its_exception(server: LiveServer, receiver: Receiver) -> None:
    job = execute(server, receiver, "pause", {"seconds": -1}).json()["jobID"]
    receiver.wait(lambda r: bool(r.accepted("failed")))
    results = server.get(f"/jobs/{job}/results")
    failed = receiver.accepted("failed")[-1]
    assert results.status_code >= 400
    assert failed.document["type"] == results.json()["type"]
    assert failed.document["detail"] == results.json()["detail"]
    assert failed.document["status"] == results.json()["status"] >= 400


def test_a_dismissed_job_tells_so(server: LiveServer, receiver: Receiver) -> None:
    job = execute(server, receiver, "pause", {"seconds": 300}).json()["jobID"]
    receiver.wait(lambda r: bool(r.accepted("inProgress")))
    server.dismiss(job)
    receiver.wait(lambda r: bool(r.accepted("failed")))
    assert "dismissed" in receiver.accepted("failed")[-1].document["detail"]
    assert not receiver.accepted("success")


def test_a_synchronous_execution_tells_too(server: LiveServer, receiver: Receiver) -> None:
    answer = execute(server, receiver, "configured", {"message": "now"}, Prefer="wait=100")
    receiver.wait(lambda r: bool(r.accepted("success")))
    assert answer.text == "now\n"
    assert [one.path for one in receiver.accepted()] == ["inProgress", "success"]


def test_a_receiver_that_fails_and_hangs_at_first_is_told_again(server: LiveServer, receiver: Receiver) -> None:
    receiver.answers = {"inProgress": [500], "success": [503, 0, 302]}
    job = execute(server, receiver, "configured", {"message": "again"}).json()["jobID"]
    # neither delays the job
    assert server.ended(job)["status"] == "successful"
    receiver.wait(lambda r: bool(r.accepted("success")))
    told = of_job(receiver, job)
    assert [(one.path, one.status) for one in told] == [
        ("inProgress", 500),
        ("inProgress", 200),
        ("success", 503),
        ("success", 0),
        ("success", 302),
        ("success", 200),
    ]
    assert len({one.headers["Idempotency-Key"] for one in told}) == 2
    assert len({str(one.document) for one in told[2:]}) == 1


def test_what_went_wrong_is_shown_with_the_job(server: LiveServer, receiver: Receiver) -> None:
    receiver.answers = {"success": [410]}
    job = execute(server, receiver, "configured", {"message": "x"}).json()["jobID"]
    receiver.wait(lambda r: any(one.status == 410 for one in r.messages))
    shown: list[Any] = []

    def given_up(_: Receiver) -> bool:
        shown[:] = [server.get(f"/jobs/{job}").json()["callbacks"]]
        return bool(shown[0]["state"] == "given-up")

    receiver.wait(given_up)
    assert shown == [{"state": "given-up", "progress": 0, "attempts": 1, "message": "127.0.0.1 answers 410"}]
    assert server.get(f"/jobs/{job}").json()["status"] == "successful"


@pytest.mark.parametrize("member", ["successUri", "inProgressUri", "failedUri"])
def test_an_address_that_may_not_be_told_is_refused_before_there_is_a_job(server: LiveServer, member: str) -> None:
    before = server.get("/jobs?limit=1").json()["jobs"]
    body = {"inputs": {"message": "x"}, "subscriber": {"successUri": "http://127.0.0.1/", member: "http://10.0.0.1/"}}
    answer = server.post("/processes/configured/execution", json=body)
    assert answer.status_code == 403
    assert f"subscriber.{member}: " in answer.json()["detail"]
    after = server.get("/jobs?limit=1").json()["jobs"]
    assert [job["jobID"] for job in after] == [job["jobID"] for job in before]


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/", "no address", "http://", 7])
def test_what_is_no_address_is_refused(server: LiveServer, address: object) -> None:
    body = {"inputs": {"message": "x"}, "subscriber": {"successUri": address}}
    answer = server.post("/processes/configured/execution", json=body)
    assert answer.status_code == 400
    assert "subscriber.successUri: " in answer.json()["detail"]
