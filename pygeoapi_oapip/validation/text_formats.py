"""The `format` of a text that is checked; every other format is told in the description and says nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

CHECKED: dict[str, tuple[Callable[[str], object], str]] = {
    "date-time": (lambda text: _moment(text), "a date and time such as 2026-01-31T12:00:00Z"),
    "date": (date.fromisoformat, "a date such as 2026-01-31"),
    "uuid": (uuid.UUID, "a UUID"),
}
"""By format: what raises ValueError for a text that has it not, and its description."""


@lru_cache(maxsize=1)
def format_checker() -> Any:
    """The checker for `jsonschema`. A date-time may lack the offset of RFC 3339: people write local times."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, (read, _) in CHECKED.items():
        checker.checks(name, raises=ValueError)(_of_texts(read))
    return checker


def _of_texts(read: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if isinstance(value, str):
            read(value)
        return True

    return check


def _moment(text: str) -> datetime:
    if "T" not in text.upper():
        raise ValueError(text)
    return datetime.fromisoformat(text.upper())
