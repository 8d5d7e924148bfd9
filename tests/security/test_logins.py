"""Logins of browsers: fixed sessions, replay, redirects, other sites, guessing, and a provider that is down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pygeoapi_oapip.model.identity import Principal

from .browsers import Browser, LoginSite

OWN = {"Sec-Fetch-Site": "same-origin"}
MALLORY = Principal("mallory", frozenset({"user"}))
SESSION = "__Host-oapip-session"


@pytest.fixture(scope="module")
def login_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginSite]:
    made = LoginSite(tmp_path_factory.mktemp("site"))
    yield made
    made.wired.close()


@pytest.fixture
def browser(login_site: LoginSite, request: pytest.FixtureRequest) -> Browser:
    # each test comes from another address, so that the limit of logins is that of the test alone
    return Browser(login_site, f"test:{request.node.name}")


def test_user_logs_in_and_out(browser: Browser) -> None:
    done = browser.log_in("alice", "/jobs?limit=5")
    assert (done.status_code, done.headers["Location"]) == (302, "https://example.org/jobs?limit=5")
    [kept] = [text for text in done.headers.getlist("Set-Cookie") if text.startswith(SESSION)]
    assert all(word in kept for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/;"))
    assert browser.open("/alice/ogc-api/jobs").status_code == 200
    assert browser.open("/bob/ogc-api/jobs").status_code == 403
    assert browser.open("/logout", "POST", headers=OWN).status_code == 200
    assert browser.open("/jobs").status_code == 401


def test_session_that_was_ended_is_not_taken_again(browser: Browser) -> None:
    browser.log_in("alice")
    stolen = browser.cookies()[SESSION]
    assert browser.open("/logout", "POST", headers=OWN).status_code == 200
    for name in (SESSION, "oapip-session", "__Secure-oapip-session"):
        browser.client.set_cookie(name, stolen, domain="example.org", secure=True)
    assert browser.open("/jobs").status_code == 401


def test_session_ends_after_its_time(browser: Browser) -> None:
    browser.log_in("alice")
    assert browser.open("/jobs").status_code == 200
    clock = browser.site.clock
    before, clock.now = clock.now, clock.now + 3601
    try:
        assert browser.open("/jobs").status_code == 401
    finally:
        clock.now = before


def test_session_that_an_attacker_has_planted_is_not_the_one_after_the_login(browser: Browser) -> None:
    planted = browser.site.sessions.begin(MALLORY)
    browser.client.set_cookie(SESSION, planted, domain="example.org", secure=True)
    browser.log_in("alice")
    assert browser.cookies()[SESSION] != planted
    assert browser.site.sessions.principal(planted) is None, "the planted session has ended"
    for made_up in ("x" * 43, "", "' OR 1=1 --", "../../session", "\u0000" * 43):
        assert browser.site.sessions.principal(made_up) is None


def test_cookie_of_http_does_not_count_over_https(browser: Browser) -> None:
    """Whoever can write into http of the same host plants a cookie without a prefix."""
    planted = browser.site.sessions.begin(MALLORY)
    browser.client.set_cookie("oapip-session", planted, domain="example.org")
    assert browser.open("/jobs").status_code == 401


def test_end_of_a_login_that_was_begun_elsewhere_is_refused(browser: Browser) -> None:
    attacker = Browser(browser.site, "attacker")
    begun = attacker.open("/login")
    end = browser.site.provider.agree(begun.headers["Location"], "mallory")
    assert browser.open(end).status_code == 400
    assert SESSION not in browser.cookies()
    assert attacker.open(end).status_code == 400, "the state is used up by the first one who brings it"


def test_code_is_used_once(browser: Browser) -> None:
    begun = browser.open("/login")
    end = browser.site.provider.agree(begun.headers["Location"], "alice")
    assert browser.open(end).status_code == 302
    assert browser.open(end).status_code == 400
    page = Browser(browser.site, "other").open(end, headers={"Accept": "text/html"})
    assert page.status_code == 400 and '/login?next=/">' in page.text, "the next login does not end here again"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?code=x",
        "?state=x&code=x",
        "?error=access_denied",
        "?state=%00&code=x",
        "?state=x&code=x&iss=https://evil.example",
        "?state=" + "x" * 5000,
        "?error=%0d%0aSet-Cookie:%20a=b",
    ],
)
def test_answer_that_belongs_to_no_login_is_refused(browser: Browser, query: str) -> None:
    answer = browser.open(f"/login/callback{query}")
    assert answer.status_code == 400 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"},
        {"aud": "other"},
        {"aud": ["web", "other"], "azp": "other2"},
        {"iss": "https://evil.example"},
        {"exp": 1},
    ],
)
def test_id_token_of_another_login_is_refused(browser: Browser, changes: dict[str, Any]) -> None:
    begun = browser.open("/login")
    end = browser.site.provider.agree(begun.headers["Location"], "alice", **changes)
    assert browser.open(end).status_code == 401 and SESSION not in browser.cookies()


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        " //evil.example",
        "/%0d%0aSet-Cookie:a=b",
        "@evil.example",
        ".evil.example",
        "",
    ],
)
def test_login_leads_nowhere_else(browser: Browser, target: str) -> None:
    done = browser.log_in("alice", target)
    assert done.headers["Location"].startswith("https://example.org/")
    assert "evil.example" not in done.headers["Location"]
    assert len(done.headers.getlist("Location")) == 1
    assert "a=b" not in "".join(done.headers.getlist("Set-Cookie"))


def test_logout_leads_nowhere_else(browser: Browser) -> None:
    browser.log_in("alice")
    target = "/logout?next=https://evil.example&post_logout_redirect_uri=https://evil.example"
    answer = browser.open(target, "POST", headers=OWN)
    assert "evil.example" not in answer.text + str(answer.headers)
    assert "post_logout_redirect_uri=https%3A%2F%2Fexample.org%2F" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://example.org.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"},
    ],
)
def test_other_sites_do_nothing_in_the_name_of_the_user(browser: Browser, headers: dict[str, str]) -> None:
    browser.log_in("alice")
    body: dict[str, Any] = {"json": {"inputs": {"message": "x"}}}
    for method, path in (
        ("POST", "/processes/echo/execution"),
        ("POST", "/processes"),
        ("DELETE", "/jobs/x"),
        ("PUT", "/processes/x/sharing"),
        ("POST", "/logout"),
        ("POST", "/wps"),
    ):
        assert browser.open(path, method, headers=headers, **body).status_code == 403, path
    for query in ("version=1.0.0&request=Execute&identifier=echo", "version=2.0.0&request=Dismiss&jobid=x"):
        refused = browser.open(f"/wps?service=WPS&{query}", headers=headers)
        assert "in your name" in refused.text or "does not say which page" in refused.text, refused.text
    assert browser.open("/jobs").status_code == 200, "the session goes on"
    assert browser.open("/jobs").json["jobs"] == []  # type: ignore[index]


def test_logins_from_one_address_are_bounded_and_those_from_others_are_not(browser: Browser) -> None:
    found = [browser.open("/login").status_code for _ in range(61)]
    assert found == [302] * 60 + [429]
    assert int(browser.open("/login").headers["Retry-After"]) > 0
    assert Browser(browser.site, "another").open("/login").status_code == 302


def test_provider_that_is_down_lets_nobody_in_and_those_who_are_in_go_on(browser: Browser) -> None:
    browser.log_in("alice")
    other = Browser(browser.site, "other")
    begun = other.open("/login")
    end = browser.site.provider.agree(begun.headers["Location"], "bob")
    browser.site.provider.down = True
    try:
        assert other.open(end).status_code == 503 and SESSION not in other.cookies()
        assert other.open("/login").status_code == 503
        assert browser.open("/alice/ogc-api/jobs").status_code == 200
        assert browser.open("/logout", "POST", headers=OWN).status_code == 200, "a logout needs no provider"
    finally:
        browser.site.provider.down = False


def test_logins_and_logouts_are_in_the_audit_without_secrets(browser: Browser) -> None:
    browser.log_in("alice")
    browser.open("/logout", "POST", headers=OWN)
    begun = browser.open("/login")
    end = browser.site.provider.agree(begun.headers["Location"], "bob", nonce="another")
    assert browser.open(end).status_code == 401
    mine = [one for one in browser.site.audit.entries(100) if one.address == browser.address]
    assert [(one.what, one.who, one.outcome.partition(" ")[0]) for one in reversed(mine)] == [
        ("log in", "alice", "done"),
        ("log out", "alice", "done"),
        ("log in", "anonymous", "401"),
    ]
    assert not any("code-" in str(one) or "state" in str(one) for one in mine)
