"""What a suite does where the server that it needs cannot be had."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def required(name: str) -> bool:
    """True if the environment says that these tests must run: OAPIP_REQUIRE is a list with commas."""
    return name in os.environ.get("OAPIP_REQUIRE", "").split(",")


def cannot_run(name: str, reason: object) -> NoReturn:
    """Skip the test with the reason, or fail it where OAPIP_REQUIRE names it."""
    if required(name):
        pytest.fail(f"OAPIP_REQUIRE says {name}: {reason}")
    pytest.skip(f"no {name}: {reason}")
