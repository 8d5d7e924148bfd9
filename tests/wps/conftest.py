"""Fixtures of all tests of the WPS door."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from tests.wps.validation import validate

Validator = Callable[[bytes], etree._Element]


@pytest.fixture(scope="session")
def wps_schema() -> Callable[[str], Validator]:
    """`wps_schema("1.0.0")(answer.data)` gives the root of a valid message, else fails with the errors."""

    def validator(version: str) -> Validator:
        return lambda message: validate(version, message)

    return validator
