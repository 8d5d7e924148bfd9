"""Pages of the login, which exist where the configuration has `auth.login`."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response, request

from ..auth.attempts import Rate
from ..auth.base import LoginLog, unwritten
from ..auth.browser import require_own_page
from ..auth.context import current_address
from ..auth.login import CodeFlow
from ..auth.sessions import LOGIN_COOKIE, LOGIN_TIME, SessionCookie
from ..errors import BadRequest, Unauthorized
from ..model.identity import ANONYMOUS_NAME
from .door import Door, html_response

_BEGINNINGS = Rate(60, 60.0)
"""Logins that may be begun from one address, in each process."""
_NO_STORE = ("Cache-Control", "no-store")


def set_cookie(response: Response, how: SessionCookie, text: str, age: float, name: str = "") -> None:
    """Set a cookie that neither scripts nor the requests of other sites see.

    Args:
        response: gets it.
        how: name, path and whether over https only.
        text: its value.
        age: seconds; 0 removes it.
        name: another name than that of the session.
    """
    response.set_cookie(
        name or how.name, text, max_age=int(age), path=how.path, secure=how.secure, httponly=True, samesite="Lax"
    )


def add_login(app: Flask, door: Door, flow: CodeFlow, log: LoginLog = unwritten) -> None:
    """Add the pages to the application of `create_app`."""
    for rule, method, view in (
        ("/login", "GET", begin),
        ("/login/callback", "GET", finish),
        ("/logout", "POST", leave),
    ):
        app.add_url_rule(rule, view.__name__, partial(view, door, flow, log), methods=[method])


def begin(door: Door, flow: CodeFlow, log: LoginLog) -> Response:
    """GET /login: to the identity provider; `next` is the path below the landing page to come back to."""
    _BEGINNINGS.count(request.remote_addr or "")  # each one is a row in the database
    begun = flow.begin(request.args.get("next", "/"), door.base)
    response = Response(status=302, headers=[("Location", begun.address), _NO_STORE])
    set_cookie(response, SessionCookie.of(door.base), begun.browser, LOGIN_TIME, LOGIN_COOKIE)
    return response


def finish(door: Door, flow: CodeFlow, log: LoginLog) -> Response:
    """GET /login/callback: back from the identity provider."""
    cookie = SessionCookie.of(door.base)
    before = request.cookies.get(cookie.name, "")
    try:
        done = flow.finish(request.args.to_dict(), request.cookies.get(LOGIN_COOKIE, ""))
    except (Unauthorized, BadRequest) as error:
        log("log in", ANONYMOUS_NAME, f"{error.status} {error.detail}", current_address())
        raise
    log("log in", done.user, "done", current_address())
    if before:
        flow.sessions.end(before)
    address = door.base + done.target
    response = Response(status=302, headers=[("Location", address), _NO_STORE, ("Referrer-Policy", "no-referrer")])
    set_cookie(response, cookie, done.session, flow.sessions.lifetime)
    set_cookie(response, cookie, "", 0, LOGIN_COOKIE)
    return response


def leave(door: Door, flow: CodeFlow, log: LoginLog) -> Response:
    """POST /logout: ends the session in all processes."""
    require_own_page(request.environ, cookie=True)
    cookie = SessionCookie.of(door.base)
    token = request.cookies.get(cookie.name, "")
    if token:
        flow.sessions.end(token)
    if door.principal.known:
        log("log out", door.principal.name, "done", current_address())
    response = html_response(door.page("logout", {}, provider=flow.logout_address(door.base), user=""))
    response.headers.set(*_NO_STORE)
    set_cookie(response, cookie, "", 0)
    return response
