"""Pages of the login, which exist where the configuration has `auth.login`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from flask import Flask, Response, request

from ..auth.attempts import Rate
from ..auth.browser import require_own_page
from ..auth.login import CodeFlow
from ..auth.sessions import COOKIE, COOKIE_SECURE, LOGIN_COOKIE, LOGIN_TIME
from .door import Door, html_response

_BEGINNINGS = Rate(60, 60.0)
"""Logins that may be begun from one address, in each process."""
_NO_STORE = ("Cache-Control", "no-store")


@dataclass(frozen=True, slots=True)
class Cookies:
    """How cookies of this server are set."""

    secure: bool
    """The server is reached by https."""

    @property
    def session(self) -> str:
        """Name of the cookie of a session."""
        return COOKIE_SECURE if self.secure else COOKIE

    def set(self, response: Response, name: str, text: str, age: float) -> None:
        """Neither scripts nor requests that other sites make see it; `age` 0 removes it."""
        response.set_cookie(name, text, max_age=int(age), path="/", secure=self.secure, httponly=True, samesite="Lax")


def add_login(app: Flask, door: Door, flow: CodeFlow) -> None:
    """Add the pages to the application of `create_app`."""
    cookies = Cookies(urlsplit(door.options.base_url).scheme == "https")
    for rule, method, view in (
        ("/login", "GET", begin),
        ("/login/callback", "GET", finish),
        ("/logout", "POST", leave),
    ):
        endpoint = partial(view, door, flow, cookies)
        app.add_url_rule(rule, view.__name__, endpoint, methods=[method])


def begin(door: Door, flow: CodeFlow, cookies: Cookies) -> Response:
    """GET /login: to the identity provider; `next` is the path below the landing page to come back to."""
    _BEGINNINGS.count(request.remote_addr or "")  # each one is a row in the database
    begun = flow.begin(request.args.get("next", "/"))
    response = Response(status=302, headers=[("Location", begun.address), _NO_STORE])
    cookies.set(response, LOGIN_COOKIE, begun.browser, LOGIN_TIME)
    return response


def finish(door: Door, flow: CodeFlow, cookies: Cookies) -> Response:
    """GET /login/callback: back from the identity provider."""
    before = request.cookies.get(cookies.session, "")
    done = flow.finish(request.args.to_dict(), request.cookies.get(LOGIN_COOKIE, ""))
    if before:
        flow.sessions.end(before)
    address = door.options.base_url.rstrip("/") + done.target
    response = Response(status=302, headers=[("Location", address), _NO_STORE, ("Referrer-Policy", "no-referrer")])
    cookies.set(response, cookies.session, done.session, flow.sessions.lifetime)
    cookies.set(response, LOGIN_COOKIE, "", 0)
    return response


def leave(door: Door, flow: CodeFlow, cookies: Cookies) -> Response:
    """POST /logout: ends the session in all processes."""
    require_own_page(request.environ, cookie=True)
    token = request.cookies.get(cookies.session, "")
    if token:
        flow.sessions.end(token)
    response = html_response(door.page("logout", {}, provider=flow.logout_address(), user=""))
    response.headers.set(*_NO_STORE)
    cookies.set(response, cookies.session, "", 0)
    return response
