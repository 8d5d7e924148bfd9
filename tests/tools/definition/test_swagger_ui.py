"""The page of the API definition in a browser: what people do with it works, and nothing comes from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

PATIENCE = 240_000
"""Milliseconds."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1200, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


def operation(page: Page, tag: str, method: str, path: str) -> Locator:
    """Opens the tag and the operation in it."""
    page.locator(f'[id="operations-tag-{tag}"]').click()
    summary = page.locator(f'.opblock-{method} .opblock-summary:has([data-path="{path}"])')
    summary.click()
    return page.locator(f'.opblock-{method}:has([data-path="{path}"])')


def status_after(found: Locator) -> str:
    found.locator("button.execute").click()
    cell = found.locator(".live-responses-table .response-col_status").last
    expect(cell).to_have_text(re.compile(r"\d+"), timeout=PATIENCE)
    return str(cell.inner_text()).split()[0]


@pytest.mark.parametrize("address", ["/openapi?f=html", "/swagger-ui/oapip/"])
@pytest.mark.requirement("part1/oas30/oas-definition-1")
def test_a_process_is_executed_from_the_page(page: Page, server: LiveServer, address: str) -> None:
    said: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(server.url + address)
    tags = page.locator(".opblock-tag")
    expect(tags.first).to_be_visible(timeout=PATIENCE)
    assert [text.split()[0] for text in tags.all_inner_texts()][:3] == ["processes", "execution", "jobs"]
    assert status_after(operation(page, "execution", "post", "/processes/echo/execution")) == "200"
    assert hosts - {""} == {urlsplit(server.url).netloc}
    assert said == []


def test_a_package_is_deployed_and_removed_from_the_page(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/openapi?f=html")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=PATIENCE)
    assert status_after(operation(page, "deploy", "post", "/processes")) == "201"
    assert server.get("/processes/say").status_code == 200
    page.goto(f"{server.url}/swagger-ui/oapip/")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=PATIENCE)
    removal = operation(page, "deploy", "delete", "/processes/{processID}")
    removal.locator("input[placeholder=processID]").fill("say")
    assert status_after(removal) == "204"
    assert server.get("/processes/say").status_code == 404


def test_the_page_is_readable_on_a_phone_and_in_the_dark(page: Page, server: LiveServer) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server.url}/openapi?f=html")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=PATIENCE)
    operation(page, "execution", "post", "/processes/echo/execution")
    assert page.evaluate("document.documentElement.classList.contains('dark-mode')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
