"""Results are shown, and are never more than text and pictures: they are data of strangers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def job(server: LiveServer) -> str:
    found = server.submit("pictures", {})
    assert server.ended(found)["status"] == "successful"
    return found


@pytest.fixture
def page(opened: Opened, job: str) -> Page:
    return opened(f"/jobs/{job}/results?f=html")


def section(page: Page, name: str) -> Locator:
    return page.locator(".result").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_text_is_shown_as_text(page: Page) -> None:
    expect(section(page, "said").locator("pre")).to_have_text("hello\n")
    expect(section(page, "page").locator("pre")).to_contain_text("<script>alert('html')</script>")
    expect(section(page, "odd").locator("pre")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(section(page, "odd").locator(".name")).to_have_text("odd <img src=x onerror=alert(2)>.txt")


def test_tables_are_tables(page: Page) -> None:
    table = section(page, "table").locator("table.data")
    expect(table.locator("th")).to_have_text(["name", "area", "note"])
    expect(table.locator("td").first).to_have_text("Lake, upper")
    expect(table.locator("td").last).to_have_text("<script>alert('csv')</script>")
    expect(section(page, "rows").locator("table.data tbody tr")).to_have_count(2)


def test_pictures_are_pictures(page: Page) -> None:
    for name in ("image", "drawing"):
        image = section(page, name).locator("img.preview")
        image.scroll_into_view_if_needed()
        expect(image).to_be_visible()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())


def test_a_geotiff_tells_its_size_and_place(page: Page) -> None:
    raster = section(page, "raster")
    expect(raster).to_contain_text("60 × 40 pixels, 1 band, 8 bit, EPSG:4326")
    expect(raster.locator(".leaflet-overlay-pane canvas")).to_be_visible()


def test_geojson_is_shown_on_a_map_with_its_properties_as_text(page: Page) -> None:
    places = section(page, "places")
    canvas = places.locator(".map canvas")
    expect(canvas).to_be_visible()
    area = places.locator(".map").bounding_box()
    assert area is not None
    page.locator(".map").first.scroll_into_view_if_needed()
    places.locator(".map").click(position={"x": area["width"] / 2, "y": area["height"] * 0.35})
    expect(places.locator(".popup")).to_contain_text("<img src=x onerror=alert('geojson')>")
    expect(places.locator(".popup b")).to_have_text("<img src=x onerror=alert('id')>")


def test_a_stac_catalogue_is_shown_with_its_items(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    stac = section(page, "stac")
    expect(stac.locator(".map canvas")).to_be_visible()
    expect(stac).to_contain_text("<script>alert('stac')</script>")
    expect(stac).to_contain_text("3 files in stac")
    assert not [url for url in asked if "execution" in url], "a result makes nobody's browser start a job"


def test_a_stac_item_tells_its_assets_and_links_no_script(opened: Opened, job: str) -> None:
    page = opened(f"/jobs/{job}/results/stac/item.json?f=html")
    expect(page.locator(".map canvas")).to_be_visible()
    expect(page.locator("#results")).to_contain_text("<img src=x onerror=alert('asset')>")
    addresses = page.locator("#results a").evaluate_all("all => all.map(link => link.href)")
    assert any(address.endswith("/stac/data.txt") for address in addresses)
    assert not [address for address in addresses if not address.startswith("http")]


def test_a_directory_has_a_page(opened: Opened, job: str) -> None:
    page = opened(f"/jobs/{job}/results/stac")
    expect(page.locator("tr[data-file]")).to_have_count(3)
    expect(page.locator(".map canvas")).to_be_visible()
    page.locator("tr[data-name='data.txt'] a", has_text="View").click()
    expect(page.locator("#results pre")).to_have_text("data\n")


@pytest.mark.parametrize("name", ["page", "drawing"])
def test_active_content_does_not_run_where_it_is_opened_itself(opened: Opened, job: str, name: str) -> None:
    page = opened("/", allow="Blocked script execution")
    with page.expect_console_message(lambda message: "Blocked script execution" in message.text):
        page.goto(f"{page.url.rstrip('/')}/jobs/{job}/results/{name}")


def test_the_page_of_the_job_shows_the_same(opened: Opened, job: str) -> None:
    page = opened(f"/jobs/{job}")
    expect(page.locator(".outcome .result")).to_have_count(10)
    expect(page.locator(".tail")).to_contain_text("<script>alert('log')</script>")
    expect(page.locator(".outcome .map")).to_have_count(3)
