"""The WSGI application: our OGC API door on its paths, pygeoapi's Flask application on all others.

`gunicorn pygeoapi_oapip.app:APP`. Importing reads the configuration (`PYGEOAPI_CONFIG`, else the embedded defaults)
and loads all code, so that a preloading server shares it; databases and engines are opened by the first request of
each process, after the fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from . import wiring
from .auth.forwarded import Forwarded
from .auth.middleware import Gate, verifiers
from .auth.policy import Policy
from .auth.sessions import Sessions
from .errors import ConfigurationError
from .ogcapi import failures, host
from .ogcapi.application import allow_all_origins, create_app, door_of
from .ogcapi.configured import door_options
from .ogcapi.contexts import NAME, split_context, split_user, user_of
from .ogcapi.door import PREFIX_KEY
from .ogcapi.pieces import with_whole_bodies
from .operations import Operations
from .settings import Settings, Wps, load_settings
from .wps.application import PLACE_KEY, STATUS, Place
from .wps.configured import wps_door

ZOO_LOADER = "/cgi-bin/zoo_loader.cgi"
"""Where ZOO-Project serves WPS."""

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask


_ASSETS = frozenset({"static", "oapip-static"})
"""First path segments of style sheets and scripts, which are the same for everybody."""


class ServiceOfThisProcess:
    """The operations of the process that asks: wired at the first use in each process, so a fork shares no
    connection."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._configuration = configuration
        self._lock = Lock()
        self._owner = 0
        self._service: Operations | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service if self._owner == os.getpid() else self._wire(), name)

    def _wire(self) -> Operations:
        with self._lock:
            if self._service is None or self._owner != os.getpid():
                wired = wiring.wire(self._configuration)
                wired.start_background()
                wired.warm()
                self._service, self._owner = wired.service, os.getpid()
            return self._service


def build(configuration: Mapping[str, Any]) -> WSGIApplication:
    """The whole application for a pygeoapi configuration.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    settings = load_settings(configuration["server"].get("manager") or {})
    prefix = _prefix(configuration)
    beside = host.load(configuration)
    options = door_options(configuration, settings, prefix)
    operations = cast(Operations, ServiceOfThisProcess(configuration))
    door = create_app(operations, options.beside(host.documents(beside, prefix)))
    failures.register_host(beside, door_of(door))
    if options.cors:
        beside.after_request(allow_all_origins)
    gate = _gate(settings, door)
    segments, reserved = host.segments(beside, prefix), _first_segments(door)
    whole = compose(door, beside, segments, prefix, reserved, gate)
    if settings.wps.enabled:
        wps = guarded(wps_door(operations, configuration, settings, prefix), gate)
        whole = with_wps(whole, wps, settings.wps, prefix, segments | reserved)
    whole = with_whole_bodies(whole, settings.limits.body_bytes)
    if not settings.proxy.trusted:
        return whole
    return Forwarded(whole, settings.proxy, str(configuration["server"].get("url") or ""), prefix)


def guarded(wps: WSGIApplication, gate: Gate | None) -> WSGIApplication:
    """The WPS door behind the gate."""
    if gate is None:
        return wps

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return gate.pass_to(wps, wps, environ, start_response, (environ[PLACE_KEY].context.strip("/"), ""))

    return application


def _gate(settings: Settings, door: Flask) -> Gate | None:
    """What finds out who asks; with the pages of the login where there is one."""
    auth = settings.auth
    if auth.type == "none":
        return None
    from .audited import login_log
    from .store.sql import Database, SqlAuditStore, SqlSessionStore

    database = Database(settings.connection, settings.connection_password)
    log = login_log(SqlAuditStore(database))
    known = verifiers(auth, log)
    if auth.type != "oidc" or auth.login is None:
        return Gate(Policy(auth), known)
    from .auth.login import CodeFlow
    from .auth.oidc import BearerTokens
    from .auth.sealing import Sealer
    from .ogcapi.login_views import add_login

    [tokens] = (one for one in known if isinstance(one, BearerTokens))
    on_behalf = auth.on_behalf
    sealer = None if on_behalf is None else Sealer(on_behalf.key, on_behalf.old_keys)
    sessions = Sessions(SqlSessionStore(database), auth.login.session, sealer=sealer)
    add_login(door, door_of(door), CodeFlow(auth, tokens, sessions), log)
    return Gate(Policy(auth), known, sessions, door_of(door).options.base_url)


def compose(
    door: WSGIApplication,
    beside: WSGIApplication,
    segments: frozenset[str],
    prefix: str,
    reserved: frozenset[str] = frozenset(),
    gate: Gate | None = None,
) -> WSGIApplication:
    """Two applications as one.

    Args:
        door: answers all paths that `beside` does not.
        beside: answers the paths that begin with one of `segments`.
        segments: first path segments.
        prefix: path that comes before all others (`api_rules.url_prefix`), or "".
        reserved: first path segments of the door, which cannot be users in `/{user}/ogc-api`.
        gate: finds out who asks; None where nobody is asked.
    """

    own = segments | reserved

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        below = path[len(prefix) :] or "/" if f"{path}/".startswith(f"{prefix}/") else path
        context, rest = split_context(below, own) if NAME in below else ("", below)
        if context:
            environ = {**environ, PREFIX_KEY: context}
        first = rest.lstrip("/").partition("/")[0]
        app = beside if first in segments else door
        if app is beside:
            environ = _below(environ, context, prefix + rest) if context else environ
        elif rest != path:
            environ = _below(environ, prefix + context, rest)
        if gate is None or first in _ASSETS:
            return app(environ, start_response)
        return gate.pass_to(app, door, environ, start_response, (user_of(context), first))

    return application


def with_wps(
    whole: WSGIApplication, door: WSGIApplication, settings: Wps, prefix: str, taken: frozenset[str]
) -> WSGIApplication:
    """An application, and the WPS door before it.

    Args:
        whole: answers all other paths.
        door: answers `/wps`, what is below it, the same after a user, and, if told so, the path of ZOO-Project.
        settings: where it is.
        prefix: path that comes before all others, or "".
        taken: first path segments that cannot be users.
    """

    def place(path: str) -> Place | None:
        own = settings.path
        if own not in path:
            return Place("", ZOO_LOADER) if settings.zoo_loader and path == prefix + ZOO_LOADER else None
        if not path.startswith(prefix):
            return None
        below = path[len(prefix) :]
        user, rest = ("", below) if below.startswith(own) else split_user(below, taken)
        if rest == own or rest.startswith(own + STATUS):
            return Place(user, own, rest[len(own) :])
        return None

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = place(environ.get("PATH_INFO", ""))
        if found is None:
            return whole(environ, start_response)
        return door({**environ, PLACE_KEY: found}, start_response)

    return application


def _below(environ: WSGIEnvironment, prefix: str, rest: str) -> WSGIEnvironment:
    return {**environ, "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + prefix, "PATH_INFO": rest}


def _first_segments(app: Flask) -> frozenset[str]:
    return frozenset(str(rule.rule).lstrip("/").partition("/")[0] for rule in app.url_map.iter_rules())


def _prefix(configuration: Mapping[str, Any]) -> str:
    from pygeoapi.util import get_api_rules

    return str(get_api_rules(dict(configuration)).get_url_prefix("flask") or "").rstrip("/")


def _build_or_end(make: Callable[[], WSGIApplication]) -> WSGIApplication:
    try:
        return make()
    except ConfigurationError as error:
        raise SystemExit(f"configuration: {error}") from None


APP = _build_or_end(lambda: build(wiring.load_configuration()))
