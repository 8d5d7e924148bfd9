"""Requests wait for jobs, within a time and a number."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from pygeoapi_oapip.model.job import Goal, Job, Phase
from pygeoapi_oapip.wps.waiting import Waiting

JOB = Job.new("p", 1, "me", "local", {})
ENDED = replace(JOB, phase=Phase.SUCCESSFUL)


def never() -> Job:
    raise AssertionError("nobody should look")


def test_a_job_is_looked_at_until_it_has_ended() -> None:
    states = iter([JOB, replace(JOB, phase=Phase.RUNNING), ENDED])
    assert Waiting().until_end(JOB, lambda: next(states), time.monotonic() + 240) is ENDED


@pytest.mark.parametrize("job", [ENDED, replace(JOB, phase=Phase.FAILED), replace(JOB, goal=Goal.DISMISS)])
def test_a_job_that_is_over_is_not_waited_for(job: Job) -> None:
    assert Waiting().until_end(job, never, time.monotonic() + 240) is job


def test_the_time_ends_the_wait() -> None:
    assert Waiting().until_end(JOB, never, time.monotonic()) is JOB
    assert Waiting().until_end(JOB, lambda: JOB, time.monotonic() + 0.05) is JOB


def test_too_many_do_not_wait() -> None:
    waiting, looking, over = Waiting(1), threading.Event(), threading.Event()

    def look() -> Job:
        looking.set()
        assert over.wait(120)
        return ENDED

    first = threading.Thread(target=waiting.until_end, args=(JOB, look, time.monotonic() + 240))
    first.start()
    assert looking.wait(120)
    assert waiting.until_end(JOB, never, time.monotonic() + 240) is JOB
    over.set()
    first.join(30)
    assert waiting.until_end(JOB, lambda: ENDED, time.monotonic() + 240) is ENDED


def test_a_fault_gives_the_place_back() -> None:
    waiting = Waiting(1)

    def look() -> Job:
        raise ConnectionError

    for _ in range(2):
        with pytest.raises(ConnectionError):
            waiting.until_end(JOB, look, time.monotonic() + 240)
