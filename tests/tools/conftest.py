"""What the suites in a browser share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; each test opens contexts of its own."""
    if not Path(CHROMIUM).exists():
        if "chromium" in os.environ.get("OAPIP_REQUIRE", ""):
            pytest.fail(f"{CHROMIUM} is needed")
        pytest.skip(f"{CHROMIUM} is needed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()
