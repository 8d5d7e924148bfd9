from __future__ import annotations

import pytest

from pygeoapi_oapip.errors import BadRequest
from pygeoapi_oapip.ogcapi.preferences import parse


@pytest.mark.parametrize(
    ("header", "respond_async", "wait"),
    [
        (None, False, None),
        ("", False, None),
        ("respond-async", True, None),
        ("respond-async ", True, None),
        ("Respond-Async", True, None),
        ("wait=10", False, 10.0),
        ('wait="10"', False, 10.0),
        ("wait = 10", False, 10.0),
        ("respond-async, wait=10", True, 10.0),
        ("respond-async;wait=10", True, 10.0),
        ("respond-async;return=representation", True, None),
        ("return=minimal, handling=strict", False, None),
        ("respond-sync", False, None),
        ('foo="respond-async, wait=3"', False, None),
        ("wait=3, wait=9", False, 3.0),
        ("wait=-1", False, None),
        ("wait=soon", False, None),
        ("wait", False, None),
        ("wait=1e400", False, None),
        (",,;=;@@ respond-async", True, None),
        ('wait="5', False, None),
    ],
)
def test_prefer_is_read_the_way_clients_write_it(header: str | None, respond_async: bool, wait: float | None) -> None:
    preference = parse(header).execution
    assert (preference.respond_async, preference.wait) == (respond_async, wait)


@pytest.mark.parametrize(
    ("header", "asynchronous", "applied"),
    [
        (None, True, ""),
        ("respond-async", True, "respond-async"),
        ("respond-async", False, ""),
        ("wait=5", False, "wait=5"),
        ("wait=5", True, "wait=5"),
        ("respond-async, wait=5", True, "respond-async"),
        ("respond-async, wait=5", False, "wait=5"),
        ("return=minimal", False, ""),
        ("wait=100", False, "wait=30"),
        ("wait=2.5, handling=lenient", False, "wait=2.5, handling=lenient"),
        ("respond-async; handling=strict", True, "respond-async, handling=strict"),
        ("handling=odd", True, ""),
        ("respond-sync", True, ""),
    ],
)
def test_only_preferences_with_an_effect_are_reported(header: str | None, asynchronous: bool, applied: str) -> None:
    assert parse(header).applied(asynchronous, 30.0) == applied


def test_a_long_hostile_header_is_read_in_linear_time() -> None:
    assert parse('="' * 4000).execution.wait is None


def test_the_form_of_the_results_is_reported_where_it_was_applied() -> None:
    assert parse("return=minimal, wait=3").applied(False, 30.0, "return=minimal") == "wait=3, return=minimal"


@pytest.mark.parametrize(
    ("header", "returns"),
    [("return=minimal", "minimal"), ("return=Representation", "representation"), ("return=all", ""), ("", "")],
)
def test_return_is_one_of_two_words(header: str, returns: str) -> None:
    assert parse(header).returns == returns


@pytest.mark.requirement("part1/core/process-execute-honor-prefer")
@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("handling=strict, respond-sync", "respond-sync"),
        ("wait=soon; handling=strict", "wait"),
        ("handling=STRICT, return=some", "return"),
        ("respond-async, foo=1, handling=strict", "foo"),
    ],
)
def test_strict_handling_refuses_what_is_not_known(header: str, named: str) -> None:
    with pytest.raises(BadRequest, match=f"Prefer: {named}"):
        parse(header).require_known()


@pytest.mark.parametrize("header", ["respond-sync", "handling=lenient, foo", "handling=strict, wait=3, respond-async"])
def test_other_preferences_are_accepted(header: str) -> None:
    parse(header).require_known()
