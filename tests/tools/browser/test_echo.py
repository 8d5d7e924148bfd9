"""The built-in process with an input of every kind of the standard, through its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

Opened = Callable[..., Page]


@pytest.fixture
def echo(opened: Opened) -> Page:
    page = opened("/processes/echo", allow="status of 400")
    page.wait_for_selector("#fields [data-id=message]")
    return page


def field(page: Page, name: str) -> Any:
    return page.locator(f"#fields > [data-id={name}]")


def results(page: Page, server: LiveServer) -> dict[str, Any]:
    page.click("#execute button[type=submit]")
    panel = page.wait_for_selector("#followed #job[data-status=successful]")
    assert panel is not None
    job = str(panel.get_attribute("data-job")).rpartition("/")[2]
    found: dict[str, Any] = server.get(f"/jobs/{job}/results?f=json").json()
    return found


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_every_kind_of_value_comes_back(echo: Page, server: LiveServer, mode: str) -> None:
    echo.locator(f"input[name=mode][value={mode}]").check()
    field(echo, "message").locator("input").fill("Grüße")
    field(echo, "number").locator("input").fill("-0.5")
    field(echo, "cloudCover").locator("input").fill("7")
    field(echo, "flag").locator("select").select_option("true")
    field(echo, "resolution").locator("select").select_option("20")
    field(echo, "band").locator("select").select_option("nir")
    field(echo, "time").locator("input").fill("2026-02-03T04:05:06")
    for text in ("1", "2"):
        field(echo, "numbers").get_by_role("button", name="Add").click()
        field(echo, "numbers").locator("li input").last.fill(text)
    for side, number in zip(("west", "south", "east", "north"), ("5", "45", "6.5", "46"), strict=True):
        field(echo, "bbox").get_by_label(side).fill(number)
    field(echo, "measure").locator("[data-id=value] select").select_option(label="text")
    field(echo, "measure").locator("[data-id=value] input").fill("warm")
    field(echo, "geometry").locator("select").first.select_option(index=1)
    field(echo, "geometry").locator("textarea").fill('{"type": "Point", "coordinates": [11, 46]}')
    field(echo, "text").get_by_label("Written here").check()
    field(echo, "text").locator("textarea").fill("a text")
    found = results(echo, server)
    assert (found["message"], found["number"], found["cloudCover"], found["flag"]) == ("Grüße", -0.5, 7, True)
    assert (found["resolution"], found["band"], found["numbers"]) == (20, "nir", [1, 2])
    assert str(found["time"]).startswith("2026-02-03T04:05:06")
    assert found["bbox"]["bbox"] == [5, 45, 6.5, 46]
    assert found["measure"] == {"value": "warm"} or found["measure"]["value"] == {"value": "warm"}
    assert "a text" in str(found["text"]) or found["text"]["href"]
    expect(echo.locator("#followed .outcome .map").first).to_be_visible()


def test_bounds_are_checked_before_anything_is_sent(echo: Page) -> None:
    field(echo, "cloudCover").locator("input").fill("250")
    echo.click("#execute button[type=submit]")
    expect(field(echo, "cloudCover").locator(".wrong")).to_have_text("Must be at most 100.")


def test_what_only_the_server_knows_is_told(echo: Page) -> None:
    echo.click("#execute button[type=submit]")
    expect(echo.locator("#problem")).to_be_visible()
    expect(echo.locator("#problem")).not_to_be_empty()


def test_a_refusal_names_the_field(echo: Page) -> None:
    field(echo, "cloudCover").locator("input").fill("250")
    # a browser that checks less than ours
    echo.route("**/execution", lambda route: route.continue_(post_data='{"inputs": {"cloudCover": 250}}'))
    field(echo, "cloudCover").locator("input").fill("50")
    echo.click("#execute button[type=submit]")
    expect(field(echo, "cloudCover").locator(".wrong")).to_contain_text("must be at most 100")


def test_progress_is_shown_while_it_runs(echo: Page) -> None:
    field(echo, "message").locator("input").fill("slow")
    field(echo, "pause").locator("input").fill("20")
    echo.click("#execute button[type=submit]")
    expect(echo.locator("#followed .status.running").first).to_be_visible()
    echo.wait_for_function("() => document.querySelector('#followed progress').value > 10")
    echo.wait_for_selector("#followed #job[data-status=successful]")
