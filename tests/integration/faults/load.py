"""Clients that submit jobs and read all the time, and write down every answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import requests

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.witness import Witness

READS = ("/jobs?limit=20", "/processes/witness", "/processes", "/")


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 where there was none."""

    what: str
    status: int
    seconds: float
    body: Any


class Load:
    """Submits and reads from several threads, as a context manager.

    Args:
        server: where.
        witness: whose jobs.
        seconds: duration of each job.
        pause: seconds between two requests of one thread.
    """

    def __init__(self, server: LiveServer, witness: Witness, seconds: float = 0.2, pause: float = 0.4) -> None:
        self._server = server
        self._witness = witness
        self._seconds = seconds
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._submit, args=(number,)) for number in range(2)]
        self._threads.append(threading.Thread(target=self._read))
        self.answers: list[Answer] = []
        self.accepted: dict[str, str] = {}

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def of(self, what: str) -> list[Answer]:
        """The answers to POST or GET."""
        return [answer for answer in self.answers if answer.what.startswith(what)]

    def unfit(self, longest: float) -> list[Answer]:
        """The answers that no client should ever get: nothing, 500, or a 503 that says nothing or comes late."""
        return list(self._unfit(longest))

    def _unfit(self, longest: float) -> Iterator[Answer]:
        for answer in self.answers:
            told = answer.status == 503 and {"type", "title", "status", "detail"} <= set(answer.body)
            if not (answer.status in (200, 201) or told) or answer.seconds > longest:
                yield answer

    def _submit(self, thread: int) -> None:
        number = 0
        while not self._stop.wait(self._pause):
            token = f"load{thread}-{number}"
            number += 1
            body = {"inputs": dict(self._witness.inputs(token, self._seconds))}
            answer = self._ask("POST", "/processes/witness/execution", json=body, headers={"Prefer": "respond-async"})
            if answer.status == 201:
                self.accepted[answer.body["jobID"]] = token

    def _read(self) -> None:
        while not self._stop.wait(self._pause):
            for path in READS:
                self._ask("GET", path, headers={"Accept": "application/json"})

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        began = time.monotonic()
        try:
            response = requests.request(method, self._server.url + path, timeout=240, **options)
            status, body = response.status_code, response.json()
        except (requests.RequestException, ValueError) as error:
            status, body = 0, {"error": str(error)}
        answer = Answer(f"{method} {path}", status, time.monotonic() - began, body)
        self.answers.append(answer)
        return answer


def check_accepted_jobs(server: LiveServer, load: Load, witness: Witness) -> None:
    """All jobs that were accepted succeed by themselves, and ran once; the others did not run."""
    assert load.accepted, "no job was accepted"
    ends = {job: server.ended(job) for job in load.accepted}
    assert {job: end for job, end in ends.items() if end["status"] != "successful"} == {}
    assert witness.runs() == dict.fromkeys(load.accepted.values(), 1)
    assert "Traceback" not in server.output(), server.output()
