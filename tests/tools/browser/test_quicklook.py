"""Quick looks at GeoTIFF files: all usual kinds are drawn, and no file can do harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer

from .rasters import COLOUR, GRAY, HOSTILE, LARGE, OTHER

Opened = Callable[..., Page]
SIDES = """canvas => {
  const drawn = canvas.getContext("2d");
  return [0.25, 0.75].map((part) => [...drawn.getImageData(canvas.width * part, canvas.height / 2, 1, 1).data]);
}"""


def package(process_id: str, files: Mapping[str, bytes]) -> str:
    listing = [
        {"entryname": f"{name}.b64", "entry": base64.b64encode(content).decode()} for name, content in files.items()
    ]
    outputs = {
        name: {
            "type": "File",
            "format": "https://www.iana.org/assignments/media-types/image/tiff",
            "outputBinding": {"glob": f"{name}.tif"},
        }
        for name in files
    }
    document: Mapping[str, Any] = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "id": process_id,
        "requirements": {"InitialWorkDirRequirement": {"listing": listing}},
        "baseCommand": ["sh", "-c", 'for f in *.b64; do base64 -d "$f" > "${f%.b64}.tif"; done'],
        "inputs": {},
        "outputs": outputs,
    }
    return json.dumps(document)


def run(server: LiveServer, process_id: str, files: Mapping[str, bytes]) -> str:
    server.deploy(package(process_id, files))
    job = server.submit(process_id, {})
    status = server.ended(job)
    assert status["status"] == "successful", status
    return job


@pytest.fixture(scope="module")
def jobs(server: LiveServer) -> Mapping[str, str]:
    """Name of a raster -> its job."""
    good = dict.fromkeys([*GRAY, *COLOUR], run(server, "rasters", {**GRAY, **COLOUR}))
    other = {name: content for name, (content, _) in OTHER.items()}
    good |= dict.fromkeys(OTHER, run(server, "others", other))
    return good | dict.fromkeys([*HOSTILE, *LARGE], run(server, "hostile", {**HOSTILE, **LARGE}))


def shown(opened: Opened, jobs: Mapping[str, str], name: str, allow: str = "") -> Locator:
    page = opened(f"/jobs/{jobs[name]}/results/{name}?f=html", allow)
    return page.locator("#results")


@pytest.mark.parametrize("name", GRAY)
def test_bands_of_all_kinds_are_drawn(opened: Opened, jobs: Mapping[str, str], name: str) -> None:
    canvas = shown(opened, jobs, name).locator("canvas.quicklook")
    expect(canvas).to_be_visible()
    dark, bright = canvas.evaluate(SIDES)
    assert (dark, bright) == ([0, 0, 0, 255], [255, 255, 255, 255])


@pytest.mark.parametrize("name", COLOUR)
def test_colours_are_those_of_the_file(opened: Opened, jobs: Mapping[str, str], name: str) -> None:
    canvas = shown(opened, jobs, name).locator("canvas.quicklook")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(SIDES) == [[200, 10, 10, 255], [10, 10, 200, 255]]


@pytest.mark.parametrize(("name", "told"), [(name, told) for name, (_, told) in OTHER.items()])
def test_a_compression_that_is_not_read_is_named(opened: Opened, jobs: Mapping[str, str], name: str, told: str) -> None:
    found = shown(opened, jobs, name)
    expect(found).to_contain_text(f"No quick look: this page cannot read {told}; download the file to see it.")
    expect(found).to_contain_text("Image of 64 × 48 pixels")


@pytest.mark.parametrize("name", LARGE)
def test_no_more_is_unpacked_than_a_page_should_hold(opened: Opened, jobs: Mapping[str, str], name: str) -> None:
    expect(shown(opened, jobs, name)).to_contain_text("No quick look: it is too large for a quick look")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_can_do_harm(opened: Opened, jobs: Mapping[str, str], name: str) -> None:
    # a range beyond the end of a file is refused, which Chromium writes to the console
    found = shown(opened, jobs, name, allow="416")
    expect(found.locator(".shown .hint, .shown canvas").first).to_be_visible()
    for side in found.locator("canvas.quicklook").evaluate_all(
        "all => all.map(one => Math.max(one.width, one.height))"
    ):
        assert side <= 512
