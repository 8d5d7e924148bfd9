"""`kill -9` of a whole server, and receivers that are away meanwhile: every subscriber is told in the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from pygeoapi_oapip import notify
from pygeoapi_oapip.store.database import Database
from pygeoapi_oapip.store.sql_notifications import SqlNotificationStore
from pygeoapi_oapip.testing.live_server import LiveServer
from pygeoapi_oapip.testing.receiver import Receiver

from .victims import victims

PAUSE = """
cwlVersion: v1.2
class: CommandLineTool
id: pause
baseCommand: [sh, -c, 'sleep "$0"; echo done']
inputs: {seconds: {type: float, inputBinding: {}}}
outputs: {said: stdout}
stdout: said.txt
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    settings = {"callbacks": {"allow_internal": True, "timeout": 60}}
    with LiveServer(tmp_path_factory.mktemp("callbacks"), settings, workers=1) as live:
        live.deploy(PAUSE)
        yield live


def submit(server: LiveServer, receiver: Receiver, seconds: float) -> str:
    body = {"inputs": {"seconds": seconds}, "subscriber": receiver.subscriber()}
    answer = server.post("/processes/pause/execution", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["jobID"])


def has_told_that_it_runs(server: LiveServer, job: str) -> bool:
    """Whether the server knows that its message was received: one that dies before that sends it again."""
    store = SqlNotificationStore(Database(f"sqlite:///{server.home / 'oapip.db'}"))
    found = store.get(job)
    return found is not None and found.told is not None


def keys(receiver: Receiver, path: str) -> list[str]:
    return [one.headers["Idempotency-Key"] for one in receiver.accepted(path)]


def test_a_receiver_that_was_away_over_a_restart_is_told(server: LiveServer) -> None:
    receiver = Receiver()
    port = receiver.port
    with receiver:
        job = submit(server, receiver, 1)
        receiver.wait(lambda r: bool(r.accepted("inProgress")))
        receiver.wait(lambda _: has_told_that_it_runs(server, job))
    assert server.ended(job)["status"] == "successful"
    server.kill_all()
    server.start()
    with Receiver(port) as back:
        back.wait(lambda r: bool(r.accepted("success")))
        assert keys(back, "success") == [f"{job}-successful"]
        assert not back.accepted("inProgress", "failed")


def test_a_message_under_way_at_a_kill_is_sent_again(server: LiveServer) -> None:
    with Receiver() as receiver:
        receiver.answers = {"success": [0]}
        job = submit(server, receiver, 0.1)
        receiver.wait(lambda r: any(one.path == "success" for one in r.messages))
        server.kill_all()
        server.start()
        receiver.wait(lambda r: bool(r.accepted("success")))
        assert [one.status for one in receiver.messages if one.path == "success"] == [0, 200]
        assert len({one.headers["Idempotency-Key"] for one in receiver.messages if one.path == "success"}) == 1
        assert server.get(f"/jobs/{job}").json()["status"] == "successful"


def test_jobs_that_end_while_their_worker_is_killed_are_told(server: LiveServer) -> None:
    with Receiver() as receiver:
        jobs = [submit(server, receiver, 0.5) for _ in range(4)]
        began = time.monotonic()
        for pid in victims(server)["worker"]:
            os.kill(pid, signal.SIGKILL)
        receiver.wait(lambda r: len(set(keys(r, "success"))) == len(jobs))
        # the end of a job waits for the message that it began, but not for ever
        if time.monotonic() - began < notify.PATIENCE.total_seconds():
            for job in jobs:
                told = [one.path for one in receiver.accepted() if f"/jobs/{job}>" in one.headers["Link"]]
                # what a killed worker told may be told again, and in the same order
                assert (told[0], told[-1], set(told)) == ("inProgress", "success", {"inProgress", "success"}), told
