"""Log in, work and log out in Chromium, at a certified identity provider."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pygeoapi_oapip.testing.live_server import LiveServer
from tests.integration.oidc.provider import CannotStart, Provider

WAIT = 240_000
"""Milliseconds that a page may take for anything."""

expect.set_options(timeout=WAIT)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    auth = {
        "type": "oidc",
        "issuers": [{"issuer": provider.issuer, "audience": ["oapip-api"], "preset": "keycloak"}],
        "login": {"client_id": "web", "resource": "urn:oapip"},
    }
    with LiveServer(tmp_path_factory.mktemp("server"), {"auth": auth}) as live:
        provider.redirect = f"{live.url}/login/callback"
        try:
            provider.start()
        except CannotStart as reason:
            pytest.skip(f"no identity provider: {reason}")
        yield live


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    made.set_default_timeout(WAIT)
    # the pages of the provider ask for fonts of another host
    made.route(re.compile(r"^https?://(?!localhost|127\.0\.0\.1)"), lambda route: route.abort())
    yield made
    made.close()


def log_in(page: Page, user: str) -> None:
    """From any page of the server, by its link, through the forms of the provider."""
    page.get_by_role("link", name="Log in").click()
    page.locator('input[name="login"]').fill(user)
    page.locator('input[name="password"]').fill("any")
    page.locator('button[type="submit"]').click()
    page.locator('button[type="submit"]').click()


def test_user_logs_in_runs_a_process_and_logs_out(server: LiveServer, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/processes/echo")
    expect(page.locator("h1")).to_contain_text("401")
    log_in(page, "alice")
    expect(page).to_have_url(f"{server.url}/processes/echo")
    expect(page.locator(".user")).to_have_text("alice")
    made = page.evaluate(
        """async base => {
            const body = JSON.stringify({inputs: {message: "from the browser"}});
            const options = {method: "POST", body, headers: {Prefer: "wait=30"}};
            const answer = await fetch(base + "/processes/echo/execution", options);
            return [answer.status, answer.headers.get("Location")];
        }""",
        server.url,
    )
    assert made[0] == 200
    page.goto(made[1])
    expect(page.locator("body")).to_contain_text("successful")
    [cookie] = [one for one in context.cookies() if one["name"].endswith("oapip-session")]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    assert "oapip-session" not in page.evaluate("document.cookie")
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("h1")).to_have_text("Logged out")
    context.add_cookies([cookie])
    page.goto(f"{server.url}/jobs")
    expect(page.locator("h1")).to_contain_text("401")


def test_page_of_another_site_does_nothing_in_the_name_of_the_user(server: LiveServer, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/")
    log_in(page, "bob")
    expect(page.locator(".user")).to_have_text("bob")
    other = server.url.replace("localhost", "127.0.0.1")
    page.goto(f"{other}/conformance?f=html")
    target = f"{server.url}/processes/echo/execution"
    # the policy of our own pages forbids forms to other sites; an evil page has no such policy
    evil = f"""<form method="post" enctype="text/plain" action="{target}">
        <input name='{{"inputs": {{"message": "evil' value='"}}}}'></form><a href="{target}?message=evil">x</a>"""
    context.route(f"{other}/evil", lambda route: route.fulfill(body=evil, content_type="text/html"))
    for act in ("document.forms[0].submit()", "document.querySelector('a').click()"):
        page.goto(f"{other}/evil")
        with page.expect_navigation() as navigation:
            page.evaluate(act)
        assert navigation.value.status in (401, 403)
    page.goto(f"{server.url}/jobs")
    expect(page.locator(".user")).to_have_text("bob")
    expect(page.locator("body")).not_to_contain_text("echo")


def test_login_that_was_begun_elsewhere_is_not_taken(server: LiveServer, provider: Provider, browser: Browser) -> None:
    """An attacker sends the victim the end of his own login (login CSRF, session fixation)."""
    attacker, victim = browser.new_context(), browser.new_context()
    page = attacker.new_page()
    begun = attacker.request.get(f"{server.url}/login", max_redirects=0)
    end = provider.redirected(begun.headers["location"], "bob")
    page = victim.new_page()
    answer = page.goto(end)
    assert answer is not None and answer.status == 400
    assert not [one for one in victim.cookies() if one["name"] == "oapip-session" and one["value"]]
    attacker.close()
    victim.close()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_login_leads_to_no_other_site(server: LiveServer, context: BrowserContext, target: str) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/login?next={target}")
    page.locator('input[name="login"]').fill("alice")
    page.locator('input[name="password"]').fill("any")
    page.locator('button[type="submit"]').click()
    page.locator('button[type="submit"]').click()
    expect(page).to_have_url(f"{server.url}/")
