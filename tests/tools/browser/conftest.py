"""One server with packages of every input kind, and pages in headless Chromium that are watched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

PACKAGES = Path(__file__).parent / "packages"
WAIT = 240_000
"""Milliseconds that a page may take for anything."""

expect.set_options(timeout=WAIT)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("server")) as live:
        for package in sorted(PACKAGES.glob("*.cwl")):
            live.deploy(package.read_bytes())
        yield live


class Watch:
    """What must not happen on a page: scripts of others, faults of ours, requests to other hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.faults: list[str] = []
        self.allowed = ""
        self._base = base
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: Any) -> None:
        if message.type == "error" and not (self.allowed and re.search(self.allowed, message.text)):
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self._base + "/", "data:", "blob:")):
            self.faults.append(f"request to another host: {request.url}")


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, server: LiveServer) -> Iterator[Opened]:
    """Opens a path of the server in a page of its own, with options of `Browser.new_context`; no fault is allowed, but
    messages that match `allow`: Chromium writes refusals to the console."""
    watches: list[Watch] = []
    contexts = []

    def make(path: str, allow: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
        context.set_default_timeout(WAIT)
        contexts.append(context)
        page = context.new_page()
        watch = Watch(page, server.url)
        watch.allowed = allow
        watches.append(watch)
        page.goto(server.url + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [fault for watch in watches for fault in watch.faults] == []


@pytest.fixture
def form(opened: Opened) -> Page:
    """The page of the process with every kind of input, its form built."""
    page = opened("/processes/everything")
    page.wait_for_selector("#execute [data-id=title]")
    return page


@pytest.fixture
def sent(server: LiveServer) -> Callable[[Page], dict[str, Any]]:
    """Submits the form, waits until its job has ended on the same page, and gives what the tool has read."""

    def run(page: Page) -> dict[str, Any]:
        page.click("#execute button[type=submit]")
        panel = page.wait_for_selector("#followed #job[data-status=successful]")
        assert panel is not None
        job = str(panel.get_attribute("data-job")).rpartition("/")[2]
        found: dict[str, Any] = json.loads(server.get(f"/jobs/{job}/results/document").text)
        return found

    return run
