"""In front of all doors: from a request to its principal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_cookie

from ..errors import OapipError, Unauthorized
from ..model.identity import ANONYMOUS_NAME, Principal
from ..settings_auth import Auth
from .base import LoginLog, Verifier, unwritten
from .browser import require_own_page
from .context import acting
from .forwarded import base_of
from .policy import Policy
from .sessions import COOKIE, SessionCookie, Sessions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REFUSAL_KEY = "oapip.refusal"
"""WSGI environment: the `OapipError` that the door answers with, whatever the path."""

STRANGER = Principal(ANONYMOUS_NAME)
"""Somebody who has not said who he is."""

LONGEST_ADDRESS = 100


def verifiers(auth: Auth, log: LoginLog = unwritten) -> tuple[Verifier, ...]:
    """What checks the credentials of a kind of authentication, and writes wrong passwords down. Raises
    ConfigurationError."""
    if auth.type == "oidc":
        from .oidc import BearerTokens

        return (BearerTokens(auth),)
    if auth.type == "basic":
        from .basic import BasicPasswords

        return (BasicPasswords(auth, log=log),)
    return ()


class Gate:
    """Finds out who asks, and says so to everything behind it.

    Args:
        policy: decides.
        known: checks credentials, by their scheme.
        sessions: of browsers that have logged in.
        base: URL of the landing page, which decides about the name of their cookie.
    """

    def __init__(
        self,
        policy: Policy,
        known: Iterable[Verifier],
        sessions: Sessions | None = None,
        base: str = "",
    ) -> None:
        self._policy = policy
        self._base = base
        self._sessions = sessions
        self._known = {verifier.scheme: verifier for verifier in known}

    def pass_to(
        self,
        app: WSGIApplication,
        door: WSGIApplication,
        environ: WSGIEnvironment,
        start: StartResponse,
        place: tuple[str, str],
    ) -> Iterable[bytes]:
        """Let `app` answer as the principal of the request; the door tells of a refusal.

        Args:
            app: the door itself, or the application beside it, which only those reach who may.
            door: the door.
            environ: of the request.
            start: WSGI.
            place: in whose context the request is ("" for none), and the first segment of its path.
        """
        user, resource = place
        try:
            principal = self._policy.entering(self.principal(environ), user)
            if app is not door:
                self._policy.enter_host(principal, resource)
        except OapipError as error:
            environ = {**environ, REFUSAL_KEY: error}
            app, principal = door, STRANGER
        with acting(principal, _address(environ), partial(self._token, environ)):
            return app(environ, _private(start))

    def principal(self, environ: Mapping[str, Any]) -> Principal:
        """Who asks: nobody where there are no credentials.

        Raises:
            Unauthorized: there are some, and they do not count.
            Unavailable: whether they count cannot be found out now.
            Forbidden: a browser sends them at the wish of another site.
        """
        header = environ.get("HTTP_AUTHORIZATION")
        if header is None:
            return self._of_session(environ)
        scheme, _, credentials = header.partition(" ")
        verifier = self._known.get(scheme.lower())
        if verifier is None:
            first = next(iter(self._known.values()))
            raise Unauthorized(f"credentials of the kind {first.scheme} are needed", first.challenge())
        principal = verifier.verify(credentials.strip(" "), _address(environ))
        if verifier.scheme == "basic":
            require_own_page(environ)  # browsers remember passwords, and send them with the requests of other sites
        return principal

    def _token(self, environ: Mapping[str, Any]) -> str:
        """The access token of a request that has been let in, or that its session began with; "" where it has none."""
        scheme, _, credentials = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme:
            return credentials.strip(" ") if scheme.lower() == "bearer" else ""
        if self._sessions is None:
            return ""
        return self._sessions.token(self._cookie(environ))

    def _cookie(self, environ: Mapping[str, Any]) -> str:
        name = SessionCookie.of(base_of(environ, self._base)).name
        return str(parse_cookie(environ.get("HTTP_COOKIE", "")).get(name, ""))

    def _of_session(self, environ: Mapping[str, Any]) -> Principal:
        cookies = environ.get("HTTP_COOKIE", "")
        if self._sessions is None or f"{COOKIE}=" not in cookies:
            return STRANGER
        found = self._sessions.principal(self._cookie(environ))
        if found is None:
            return STRANGER
        require_own_page(environ, cookie=True)
        return found


def _address(environ: Mapping[str, Any]) -> str:
    """Where the request comes from (`auth.forwarded` has asked the proxies)."""
    return str(environ.get("REMOTE_ADDR", ""))[:LONGEST_ADDRESS]


def _private(start: StartResponse) -> StartResponse:
    """No cache between us and the client keeps what one user sees for another one."""

    def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        if not any(name.lower() == "cache-control" for name, _ in headers):
            headers = [*headers, ("Cache-Control", "private, no-cache")]
        return start(status, [*headers, ("Vary", "Authorization, Cookie")], *error)

    return started
