"""References before a job exists: refused for certain answers only, all at once, within a limit."""

from __future__ import annotations

import threading
import time

import pytest

from pygeoapi_oapip.errors import AddressForbidden, UnresolvableReference
from pygeoapi_oapip.validation.references import Address, refuse_any, refuse_missing

GOOD, GONE, HIDDEN, SLOW = (f"https://example.org/{name}" for name in ("good", "gone", "hidden", "slow"))


def probe(url: str, seconds: float) -> None:
    if url == GONE:
        raise UnresolvableReference(f"{url} does not exist (404)")
    if url == HIDDEN:
        raise AddressForbidden("inside")


@pytest.mark.requirement("part1/core/process-execute-input-validation")
def test_everything_that_is_missing_is_told_together() -> None:
    addresses = [Address("inputs.a", GOOD), Address("inputs.b", GONE), Address("inputs.c", GONE)]
    with pytest.raises(UnresolvableReference) as caught:
        refuse_missing(addresses, probe)
    assert caught.value.detail == f"inputs.b: {GONE} does not exist (404); inputs.c: {GONE} does not exist (404)"
    assert caught.value.problem()["errors"] == [
        {"location": place, "rule": "reference", "detail": f"{GONE} does not exist (404)"}
        for place in ("inputs.b", "inputs.c")
    ]
    assert caught.value.location == "inputs.b"


def test_the_first_refusal_gives_the_class() -> None:
    with pytest.raises(AddressForbidden):
        refuse_missing([Address("inputs.a", HIDDEN), Address("inputs.b", GONE)], probe)


def test_nothing_to_ask_and_good_answers_raise_nothing() -> None:
    refuse_missing([], probe)
    refuse_missing([Address("inputs.a", GOOD)], probe)


def test_each_address_is_asked_once_and_all_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=240)
    asked: list[str] = []

    def wait_for_others(url: str, seconds: float) -> None:
        asked.append(url)
        together.wait()

    addresses = [Address("inputs.a", f"https://example.org/{number % 4}") for number in range(8)]
    refuse_missing(addresses, wait_for_others, limit=240)
    assert sorted(asked) == sorted({address.href for address in addresses})


def test_what_does_not_answer_in_time_is_left_to_staging() -> None:
    release = threading.Event()

    def hang(url: str, seconds: float) -> None:
        if url == SLOW:
            release.wait(600)
        probe(url, seconds)

    started = time.monotonic()
    refuse_missing([Address("inputs.a", SLOW)], hang, limit=0.2)
    assert time.monotonic() - started < 200
    told = ""
    for limit in (1, 5, 25):  # a busy machine may need longer to ask at all
        try:
            refuse_missing([Address("inputs.a", SLOW), Address("inputs.b", GONE)], hang, limit=limit)
        except UnresolvableReference as error:
            told = error.detail
            break
    release.set()
    assert "inputs.b" in told


def test_rules_of_addresses_name_every_input() -> None:
    def refuse(url: str) -> None:
        raise AddressForbidden(f"{url} is not allowed")

    with pytest.raises(AddressForbidden, match="inputs.a: .*; inputs.b: "):
        refuse_any([Address("inputs.a", GOOD), Address("inputs.b", GONE)], refuse)
