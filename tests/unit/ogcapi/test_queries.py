from __future__ import annotations

from datetime import UTC, datetime

import pytest
from werkzeug.datastructures import MultiDict

from pygeoapi_oapip.errors import InvalidQuery
from pygeoapi_oapip.model.job import JobStatus
from pygeoapi_oapip.ogcapi.queries import job_query, period, window


def test_limit_offset_and_page() -> None:
    assert window(MultiDict(), 10, 100) == (10, 0)
    assert window(MultiDict({"limit": "5", "offset": "7"}), 10, 100) == (5, 7)
    assert window(MultiDict({"limit": "5", "page": "2"}), 10, 100) == (5, 10)
    assert window(MultiDict({"limit": "5", "page": "2", "offset": "1"}), 10, 100) == (5, 1)
    assert window(MultiDict({"limit": "1000"}), 10, 100) == (100, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [("limit", "0"), ("limit", "-1"), ("limit", "abc"), ("limit", "1.5"), ("limit", "９"), ("offset", "-1")]
    + [("page", "x"), ("limit", "9" * 50), ("offset", "1e3"), ("limit", "0x10"), ("limit", " 5")],
)
def test_a_wrong_number_is_an_error_that_names_the_parameter(name: str, text: str) -> None:
    with pytest.raises(InvalidQuery, match=f"^{name}: "):
        window(MultiDict({name: text}), 10, 100)


def test_job_filters_by_comma_and_repetition() -> None:
    query = job_query(
        MultiDict(
            [
                ("status", "running,failed"),
                ("status", "accepted"),
                ("processID", "a"),
                ("process", "b"),
                ("type", "process"),
                ("minDuration", "1,3"),
                ("maxDuration", "9.5"),
                ("unknown", "x"),
            ]
        ),
        10,
        100,
    )
    assert query.statuses == (JobStatus.RUNNING, JobStatus.FAILED, JobStatus.ACCEPTED)
    assert query.process_ids == ("a", "b")
    assert (query.min_duration, query.max_duration) == (3.0, 9.5)


@pytest.mark.parametrize(
    ("name", "text"),
    [("status", "done"), ("type", "wps"), ("minDuration", "-1"), ("maxDuration", "nan"), ("minDuration", "inf")],
)
def test_a_wrong_filter_is_an_error_that_names_the_parameter(name: str, text: str) -> None:
    with pytest.raises(InvalidQuery, match=f"^{name}: "):
        job_query(MultiDict({name: text}), 10, 100)


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("", None, None),
        ("2026-01-02T03:04:05Z", moment(2026, 1, 2, 3, 4, 5), moment(2026, 1, 2, 3, 4, 5, 999_999)),
        ("2026-01-02T03:04:05+01:00", moment(2026, 1, 2, 2, 4, 5), moment(2026, 1, 2, 2, 4, 5, 999_999)),
        ("2026-01-02T03:04:05 01:00", moment(2026, 1, 2, 2, 4, 5), moment(2026, 1, 2, 2, 4, 5, 999_999)),
        ("2026-01-02t03:04:05.5z", moment(2026, 1, 2, 3, 4, 5, 500_000), moment(2026, 1, 2, 3, 4, 5, 500_999)),
        ("2026-01-02T03:04:05.0001Z", moment(2026, 1, 2, 3, 4, 5, 100), moment(2026, 1, 2, 3, 4, 5, 100)),
        ("2026-01-02", moment(2026, 1, 2), moment(2026, 1, 2, 23, 59, 59, 999_999)),
        ("2026-01-02T00:00:00Z/..", moment(2026, 1, 2), None),
        ("/2026-01-02T00:00:00Z", None, moment(2026, 1, 2, 0, 0, 0, 999_999)),
        ("../..", None, None),
        ("2026-01-01/2026-01-02", moment(2026, 1, 1), moment(2026, 1, 2, 23, 59, 59, 999_999)),
    ],
)
def test_datetime_is_an_instant_or_an_interval(text: str, since: datetime | None, until: datetime | None) -> None:
    assert period(text) == (since, until)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "..",
        "2026",
        "2026-13-01",
        "2026-01-02/2026-01-01",
        "a/b/c",
        "2026-01-01T25:00:00Z",
        "20260101T000000Z",
    ]
    + ["0001-01-01T00:00:00+23:00", "2026-W01-1"],
)
def test_a_wrong_datetime_is_an_error(text: str) -> None:
    with pytest.raises(InvalidQuery, match="^datetime: "):
        period(text)
