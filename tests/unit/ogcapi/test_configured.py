from __future__ import annotations

from pathlib import Path

import pytest

from pygeoapi_oapip.ogcapi.configured import door_options
from pygeoapi_oapip.ogcapi.service_views import CONFORMANCE
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


PART3 = "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/"


@pytest.mark.parametrize(("hosts", "declared"), [(["*"], True), (["other.example"], True), ([], False)])
def test_class_of_remote_processes_is_declared_where_some_are_allowed(hosts: list[str], declared: bool) -> None:
    settings = Settings.model_validate({"nested": {"remote": hosts}})
    options = door_options(default_configuration("http://localhost:5000", Path("var")), settings)
    assert (PART3 + "remote-core-processes" in options.conformance) is declared


def test_class_of_nested_processes_is_always_declared() -> None:
    assert PART3 + "nested-processes" in CONFORMANCE
