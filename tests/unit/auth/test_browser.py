from __future__ import annotations

import pytest

from pygeoapi_oapip.auth.browser import require_own_page
from pygeoapi_oapip.auth.login import own_path
from pygeoapi_oapip.errors import Forbidden

RUN = "/processes/echo/execution"


def allowed(method: str, path: str = RUN, cookie: bool = True, **headers: str) -> bool:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "server.example"}
    environ |= {f"HTTP_{name.upper()}": text for name, text in headers.items()}
    try:
        require_own_page(environ, cookie=cookie)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_only_own_pages_have_effects(method: str) -> None:
    assert allowed(method, sec_fetch_site="same-origin") and allowed(method, sec_fetch_site="none")
    assert allowed(method, origin="https://server.example")
    for site in ("cross-site", "same-site", "", "SAME-ORIGIN", "x"):
        assert not allowed(method, sec_fetch_site=site)
        assert not allowed(method, sec_fetch_site=site, origin="https://server.example")
    for origin in ("null", "https://evil.example", "https://server.example.evil.example", "https://server.example:1"):
        assert not allowed(method, origin=origin)
    assert not allowed(method)


def test_reading_is_free_and_programs_with_passwords_need_no_page() -> None:
    assert allowed("GET", "/jobs", sec_fetch_site="cross-site")
    assert allowed("POST", cookie=False)
    assert not allowed("POST", cookie=False, sec_fetch_site="cross-site")
    assert not allowed("POST", cookie=False, origin="https://evil.example")
    assert not allowed("GET", f"{RUN}/", cookie=False, sec_fetch_site="cross-site")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jobs",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "https://evil.example",
        "javascript:x",
        "/a\nb",
        "/" * 3000,
    ],
)
def test_other_targets_become_the_start_page(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize("text", ["/", "/jobs?f=html&limit=3", "/alice/ogc-api/processes/a%20b"])
def test_own_paths_stay(text: str) -> None:
    assert own_path(text) == text
