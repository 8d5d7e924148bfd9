"""The whole server behind a reverse proxy with a path of its own: nothing leads around the proxy, and strangers who
send the headers of a proxy change nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from pygeoapi_oapip.auth.forwarded import Forwarded
from pygeoapi_oapip.settings_auth import Proxy

from .browsers import Browser, LoginSite

INSIDE = "http://inside:5000"
OUTSIDE = "https://example.org/geo"
PROXY = "10.0.0.9"
TOLD = {
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "example.org",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/geo",
}
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginSite]:
    made = LoginSite(tmp_path_factory.mktemp("site"), INSIDE)
    made.front = Forwarded(made.app, Proxy(trusted=(PROXY,), hosts=("example.org",)), INSIDE)
    yield made
    made.wired.close()


def ask(
    site: LoginSite,
    method: str,
    path: str,
    peer: str = PROXY,
    user: str = "alice",
    told: Mapping[str, str] = TOLD,
    **options: Any,
) -> TestResponse:
    headers = {"Authorization": f"Bearer {user}", **told, **options.pop("headers", {})}
    return Client(site.front).open(
        path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": peer}, buffered=True, **options
    )


@pytest.fixture(scope="module")
def job(behind: LoginSite) -> str:
    body: dict[str, Any] = {"json": {"inputs": {"message": "x"}}, "headers": {"Prefer": "wait=30"}}
    made = ask(behind, "POST", "/processes/echo/execution", **body)
    assert made.status_code in (200, 201) and made.headers["Location"].startswith(f"{OUTSIDE}/jobs/")
    return made.headers["Location"].rpartition("/")[2]


def texts(answer: TestResponse) -> str:
    return answer.text + "\n" + "\n".join(f"{name}: {value}" for name, value in answer.headers)


ADDRESS = re.compile(r"https?://example\.org[^\"'<>\s;)]*")
NO_LINKS = ("/conformance", "/health", "/jobs/{job}/results", "/jobs/{job}/prov")
PAGES = (
    "/",
    "/conformance",
    "/health",
    "/openapi?f=json",
    "/openapi?f=oas31",
    "/processes",
    "/processes/echo",
    "/processes/none",
    "/jobs",
    "/jobs?limit=1",
    "/jobs/{job}",
    "/jobs/{job}/inputs",
    "/jobs/{job}/logs",
    "/jobs/{job}/sharing",
    "/jobs/{job}/results",
    "/jobs/{job}/prov",
)


@pytest.mark.parametrize("form", ["application/json", "text/html"])
@pytest.mark.parametrize("context", ["", "/ogc-api", "/alice/ogc-api"])
@pytest.mark.parametrize("path", PAGES)
def test_everything_leads_through_the_proxy(behind: LoginSite, job: str, path: str, context: str, form: str) -> None:
    answer = ask(behind, "GET", context + path.format(job=job), headers={"Accept": form})
    assert answer.status_code in (200, 404), answer.text
    found = texts(answer)
    assert "inside" not in found and "/geo/geo" not in found
    addresses = {
        text for text in ADDRESS.findall(found) if not text.startswith((f"{OUTSIDE}/login", f"{OUTSIDE}/logout"))
    }
    assert [text for text in addresses if not text.startswith(OUTSIDE + context)] == []
    assert addresses or path in NO_LINKS


WPS = (
    "/wps?service=WPS&version=1.0.0&request=GetCapabilities",
    "/wps?service=WPS&version=2.0.0&request=GetCapabilities",
    "/wps?service=WPS&version=2.0.0&request=GetStatus&jobid={job}",
    "/wps?service=WPS&version=2.0.0&request=GetResult&jobid={job}",
    "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=message=x"
    "&storeExecuteResponse=true&status=true",
    "/wps/status/{job}",
)


@pytest.mark.parametrize("user", ["", "/alice"])
@pytest.mark.parametrize("path", WPS)
def test_wps_leads_through_the_proxy_too(behind: LoginSite, job: str, path: str, user: str) -> None:
    answer = ask(behind, "GET", user + path.format(job=job))
    assert answer.status_code == 200, answer.text
    assert INSIDE not in answer.text
    for address in ("statusLocation", "Get xlink:href", 'ows:Get xlink:href="'):
        if address in answer.text:
            assert f"{OUTSIDE}{user}/wps" in answer.text


def test_each_host_has_its_own_links(behind: LoginSite) -> None:
    told = {**TOLD, "X-Forwarded-Prefix": "", "X-Forwarded-Port": "8443"}
    links = ask(behind, "GET", "/processes/echo", told=told).json["links"]  # type: ignore[index]
    assert {row["href"].partition("/processes")[0] for row in links if "/processes" in row["href"]} == {
        "https://example.org:8443"
    }
    assert INSIDE in ask(behind, "GET", "/processes/echo", told={}).text


@pytest.mark.parametrize("peer", ["192.0.2.66", "", "10.0.0.99", "::1"])
def test_stranger_who_claims_to_be_a_proxy_changes_nothing(behind: LoginSite, job: str, peer: str) -> None:
    plain = ask(behind, "GET", f"/jobs/{job}", peer=peer, told={})
    forged = ask(behind, "GET", f"/jobs/{job}", peer=peer)
    assert forged.text == plain.text and "example.org" not in texts(forged)
    further = {"Forwarded": "for=1.2.3.4;host=evil.example;proto=https", "X-Original-URL": "/bob/ogc-api/jobs"}
    further |= {
        "X-Rewrite-URL": "/x",
        "X-Script-Name": "/evil",
        "X-Forwarded-Server": "evil.example",
        "Host": "evil.example",
    }
    assert ask(behind, "GET", f"/jobs/{job}", peer=peer, told=further).text == plain.text


def test_host_that_a_client_makes_the_proxy_pass_on_is_not_taken(behind: LoginSite) -> None:
    """nginx passes what it is not told to set."""
    answer = ask(behind, "GET", "/", told={**TOLD, "X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in texts(answer)


def test_login_through_the_proxy(behind: LoginSite) -> None:
    browser = Browser(behind, PROXY, **TOLD)
    browser.client = Client(behind.front, use_cookies=False)
    begun = browser.open("/login?next=/alice/ogc-api/jobs")
    assert "redirect_uri=https%3A%2F%2Fexample.org%2Fgeo%2Flogin%2Fcallback" in begun.headers["Location"]
    end = behind.provider.agree(begun.headers["Location"], "alice")
    assert end.startswith(f"{OUTSIDE}/login/callback?")
    # the proxy cuts its path off, and the browser sends the cookie of that path
    cookies = "; ".join(text.partition(";")[0] for text in begun.headers.getlist("Set-Cookie"))
    done = browser.open(end.removeprefix(OUTSIDE), headers={"Cookie": cookies})
    assert (done.status_code, done.headers["Location"]) == (302, f"{OUTSIDE}/alice/ogc-api/jobs")
    assert behind.provider.asked_with[-1]["redirect_uri"] == f"{OUTSIDE}/login/callback"
    kept = next(text for text in done.headers.getlist("Set-Cookie") if "session" in text)
    assert kept.startswith("__Secure-oapip-session=") and "Path=/geo;" in kept and "Secure" in kept
    cookie = {"Cookie": kept.partition(";")[0]}
    page = browser.open("/jobs", headers={**cookie, "Accept": "text/html"})
    assert page.status_code == 200 and f'action="{OUTSIDE}/logout"' in page.text
    ended = browser.open("/logout", "POST", headers={**cookie, **OWN})
    assert "Path=/geo" in ended.headers["Set-Cookie"]
    assert browser.open("/jobs", headers=cookie).status_code == 401


def test_audit_and_limits_are_about_the_client_and_not_the_proxy(behind: LoginSite) -> None:
    for number, status in ((1, 302), (60, 429), (61, 429)):
        for _ in range(60 if number == 60 else 1):
            told = {**TOLD, "X-Forwarded-For": f"6.6.6.{number}, 192.0.2.50"}
            found = Browser(behind, PROXY, **told).open("/login").status_code
        assert found == status, "what the client writes before its own address is no way around"
    assert Browser(behind, PROXY, **{**TOLD, "X-Forwarded-For": "192.0.2.51"}).open("/login").status_code == 302
