from __future__ import annotations

import pytest

from pygeoapi_oapip.auth.attempts import FORGET, FREE, LONGEST, Attempts, Rate
from pygeoapi_oapip.errors import TooManyRequests


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def waits(attempts: Attempts, key: str) -> int:
    try:
        attempts.check(key)
    except TooManyRequests as error:
        return int(dict(error.headers)["Retry-After"])
    return 0


def test_waits_grow_up_to_a_limit_and_end() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    seen = []
    for _ in range(FREE + 12):
        attempts.wrong("a")
        seen.append(waits(attempts, "a"))
    assert seen[: FREE - 1] == [0] * (FREE - 1)
    assert seen == sorted(seen) and seen[-1] == LONGEST + 1
    assert waits(attempts, "b") == 0
    clock.now += LONGEST
    assert waits(attempts, "a") == 0
    attempts.wrong("a")
    assert waits(attempts, "a") > 0
    attempts.right("a")
    assert waits(attempts, "a") == 0


def test_wrong_ones_are_forgotten_after_a_time() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(FREE - 1):
        attempts.wrong("a")
    clock.now += FORGET + 1
    attempts.wrong("a")
    assert waits(attempts, "a") == 0


def test_rate_counts_by_key_and_time() -> None:
    clock = Clock()
    rate = Rate(2, 10.0, clock)
    for key in ("a", "a", "b"):
        rate.count(key)
    with pytest.raises(TooManyRequests) as caught:
        rate.count("a")
    assert dict(caught.value.headers) == {"Retry-After": "11"}
    clock.now += 10
    rate.count("a")


def test_rate_can_be_asked_without_counting() -> None:
    clock = Clock()
    rate = Rate(2, 10.0, clock)
    for _ in range(5):
        rate.check("a")
    rate.note("a")
    rate.check("a")
    rate.note("a")
    with pytest.raises(TooManyRequests) as refused:
        rate.check("a")
    assert dict(refused.value.headers)["Retry-After"] == "11"
    rate.check("b")
    clock.now += 10
    rate.check("a")
