from __future__ import annotations

import pytest

from pygeoapi_oapip.auth.browser import require_own_page
from pygeoapi_oapip.auth.login import own_path
from pygeoapi_oapip.errors import Forbidden

RUN = "/processes/echo/execution"


def allowed(method: str, address: str = RUN, cookie: bool = True, **headers: str) -> bool:
    path, _, query = address.partition("?")
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "server.example"}
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
    "query",
    [
        "service=WPS&version=1.0.0&request=Execute&identifier=echo",
        "service=WPS&version=2.0.0&request=Dismiss&jobid=x",
        "REQUEST=execute",
        "%72equest=%45xecute",
        "+request+=+Execute+",
        "request=GetCapabilities&request=Execute",
    ],
)
@pytest.mark.parametrize("cookie", [False, True])
def test_effects_of_wps_by_address_are_for_own_pages_too(query: str, cookie: bool) -> None:
    for path in ("/wps", "/alice/wps", "/cgi-bin/zoo_loader.cgi"):
        assert not allowed("GET", f"{path}?{query}", cookie, sec_fetch_site="cross-site")
        assert allowed("GET", f"{path}?{query}", cookie, sec_fetch_site="none", sec_fetch_dest="document")
    assert allowed("GET", "/wps?service=WPS&request=GetCapabilities", cookie, sec_fetch_site="cross-site")


@pytest.mark.parametrize("dest", ["document", "image", "iframe", "script", ""])
def test_links_and_pictures_of_own_pages_have_no_effects(dest: str) -> None:
    for address in (f"{RUN}?message=x", "/wps?request=Execute"):
        assert not allowed("GET", address, sec_fetch_site="same-origin", sec_fetch_dest=dest)
        assert allowed("GET", address, sec_fetch_site="same-origin", sec_fetch_dest="empty")
    assert allowed("GET", "/jobs", sec_fetch_site="same-origin", sec_fetch_dest=dest)
    assert allowed("POST", RUN, sec_fetch_site="same-origin", sec_fetch_dest="document"), "forms have their own policy"


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
