from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.ogcapi.configured import door_options
from pygeoapi_oapip.settings import Settings
from pygeoapi_oapip.wiring import default_configuration


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://localhost:5000", False),
        ("http://127.0.0.1:5000", False),
        ("http://[::1]:5000", False),
        ("http://192.0.2.7:5000", True),
        ("https://processing.example.org", True),
    ],
)
def test_pages_tell_when_others_reach_a_server_without_authentication(url: str, told: bool) -> None:
    options = door_options(default_configuration(url, Path("var")), Settings())
    assert bool(options.notice) is told


def test_door_takes_addresses_and_limits_from_the_configuration() -> None:
    configuration = default_configuration("http://localhost:5000/", Path("var"))
    options = door_options(configuration, Settings(), prefix="/ogc-api")
    assert options.base_url == "http://localhost:5000/ogc-api"
    assert (options.page, options.max_page) == (1000, 10_000)
