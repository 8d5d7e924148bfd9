"""All pages: on a phone, without JavaScript, in the dark, for the keyboard and for screen readers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

Opened = Callable[..., Page]
PHONE = {"width": 360, "height": 740}

WIDE = """() => [...document.querySelectorAll('body *')]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('.wide, pre, .map, .sr'))
  .map((node) => node.outerHTML.slice(0, 100))"""
NAMELESS = """() => [...document.querySelectorAll('input, select, textarea, button')]
  .filter((node) => node.checkVisibility() && !node.labels?.length && !node.textContent.trim())
  .filter((node) => !node.getAttribute('aria-label') && !node.getAttribute('aria-labelledby'))
  .map((node) => node.outerHTML)"""
TWICE = """() => { const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at); }"""


@pytest.fixture(scope="module")
def paths(server: LiveServer) -> dict[str, str]:
    """Every kind of page, by name."""
    job, failed = server.submit("pictures", {}), server.submit("fails", {})
    server.ended(job)
    server.ended(failed)
    return {
        "landing": "/",
        "conformance": "/conformance",
        "health": "/health",
        "processes": "/processes",
        "process": "/processes/everything",
        "history": "/processes/everything/history",
        "package": "/processes/everything/package?f=html",
        "jobs": "/jobs",
        "job": f"/jobs/{job}",
        "failed": f"/jobs/{failed}",
        "exceptions": f"/jobs/{failed}/exceptions",
        "inputs": f"/jobs/{job}/inputs",
        "logs": f"/jobs/{job}/logs",
        "results": f"/jobs/{job}/results",
        "output": f"/jobs/{job}/results/table?f=html",
        "directory": f"/jobs/{job}/results/stac",
        "error": "/processes/absent",
    }


NAMES = (
    *("landing", "conformance", "health", "processes", "process", "history", "package", "jobs", "job"),
    *("failed", "exceptions", "inputs", "logs", "results", "output", "directory", "error"),
)


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_on_a_phone_and_everything_has_a_name(opened: Opened, paths: dict[str, str], name: str) -> None:
    page = opened(paths[name], allow="status of 404", viewport=PHONE, is_mobile=True, has_touch=True)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(WIDE) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(TWICE) == []
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("name", ["process", "job", "jobs", "results", "logs"])
def test_a_page_can_be_read_without_javascript(opened: Opened, paths: dict[str, str], name: str) -> None:
    page = opened(paths[name], java_script_enabled=False)
    words = {
        "process": "Level of detail",
        "job": "successful",
        "jobs": "pictures",
        "results": "image.png",
        "logs": "completed success",
    }
    expect(page.locator("main")).to_contain_text(words[name])
    expect(page.locator("[data-dismiss]:visible")).to_have_count(0)


def test_the_form_is_not_offered_without_javascript_but_the_command_is(opened: Opened) -> None:
    page = opened("/processes/everything", java_script_enabled=False)
    expect(page.locator("#execute")).to_be_hidden()
    expect(page.locator("#curl")).to_contain_text("curl -X POST")


def test_the_focus_can_be_seen(opened: Opened) -> None:
    page = opened("/processes")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_dark_setting_is_followed(opened: Opened) -> None:
    page = opened("/jobs", color_scheme="dark")
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert max(red) < 60


def test_a_box_is_drawn_with_a_finger(opened: Opened) -> None:
    page = opened("/processes/everything", viewport=PHONE, is_mobile=True, has_touch=True)
    page.wait_for_selector("[data-id=bbox] .leaflet-tile-pane path", state="attached")
    page.get_by_role("button", name="Draw on the map").tap()
    page.evaluate(
        """() => {
          const map = document.querySelector('[data-id=bbox] .map');
          const { left, top } = map.getBoundingClientRect();
          const all = { pointerType: 'touch', pointerId: 1, bubbles: true, cancelable: true };
          const send = (kind, x, y, target) => target.dispatchEvent(
            new PointerEvent(kind, { ...all, clientX: left + x, clientY: top + y }));
          send('pointerdown', 100, 60, map);
          send('pointermove', 150, 110, window);
          send('pointerup', 150, 110, window);
        }"""
    )
    assert all(item.input_value() for item in page.locator(".sides input").all())


def test_no_page_loads_anything_of_another_host_even_with_maps(opened: Opened, paths: dict[str, str]) -> None:
    page = opened(paths["job"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector(".outcome .map canvas")
    settled(page)
    assert any(url.endswith("/world.json") for url in asked) and any("/leaflet/" in url for url in asked)
    assert not [url for url in asked if not url.startswith(page.url.split("/jobs")[0])]


def test_maps_are_loaded_only_where_one_is_shown(opened: Opened, paths: dict[str, str]) -> None:
    page = opened("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("failed", "jobs", "logs"):
        page.goto(page.url.rstrip("/").split("/jobs")[0] + paths[name])
        settled(page)
    assert asked and not [url for url in asked if "leaflet" in url or "world.json" in url]
