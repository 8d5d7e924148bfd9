"""`oapip login` and `oapip logout`: the device flow (RFC 8628), and sharing from a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click
import requests

from .arguments import connect, json_option, server_option
from .credentials import TIMEOUT, keep, login_of
from .failures import CommandError, ExitCode, Unreachable
from .plain import say
from .printing import print_json

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LONGEST = 1800.0
"""Seconds that the user may take."""


@click.command()
@click.option("--client-id", metavar="ID", help="The client at the identity provider (default: as the server says).")
@click.option("--scope", default="openid profile offline_access", show_default=True, help="What is asked for.")
@server_option
def login(client_id: str | None, scope: str, server: str) -> None:
    """Log in to a server through its identity provider.

    Shows an address and a code for any browser, and waits. The login is kept in ~/.config/oapip/logins.json, for you
    alone, and later commands use it.
    """
    scheme = _scheme(server)
    client = client_id or str(scheme.get("x-oapip-client-id") or "")
    if not client:
        raise CommandError("the server does not say which client to use; name one with --client-id", ExitCode.USAGE)
    provider = _ask("GET", str(scheme["openIdConnectUrl"]))
    if "device_authorization_endpoint" not in provider:
        raise CommandError("the identity provider has no device flow; set OAPIP_TOKEN to an access token")
    resource = str(scheme.get("x-oapip-resource") or "")
    about = {"token_endpoint": str(provider["token_endpoint"]), "client_id": client, "resource": resource}
    extra = {"resource": resource} if resource else {}
    begun = _ask("POST", str(provider["device_authorization_endpoint"]), client_id=client, scope=scope, **extra)
    say(f"Open {begun.get('verification_uri_complete') or begun['verification_uri']}", err=True)
    say(f"and confirm the code {begun['user_code']}", err=True)
    keep(server, login_of(_wait(begun, about, extra), about))
    say(f"logged in at {server}")


@click.command()
@server_option
def logout(server: str) -> None:
    """Forget the login at a server."""
    keep(server, None)
    say(f"logged out of {server}")


@click.command()
@click.argument("kind", type=click.Choice(["process", "job"]))
@click.argument("identifier", metavar="ID")
@click.option("--public/--private", default=None, help="Everybody who may use the server, or nobody else.")
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="Members of this group (replaces the others).")
@server_option
@json_option
def share(kind: str, identifier: str, public: bool | None, groups: tuple[str, ...], server: str, as_json: bool) -> None:
    """Say who beside you may see and use a process or a job; without options, show it."""
    target = f"{'processes' if kind == 'process' else 'jobs'}/{quote(identifier, safe='')}/sharing"
    client = connect(server)
    body: dict[str, Any] = {} if public is None else {"public": public}
    if groups or public is False:
        body["groups"] = list(groups)
    found = client.request("PATCH", target, json=body).json() if body else client.get(target)
    if as_json:
        print_json(found)
        return
    names = ", ".join(found["groups"])
    say("public" if found["public"] else f"shared with {names}" if names else "private")


def _scheme(server: str) -> Mapping[str, Any]:
    """The provider of a server, from its API definition."""
    schemes = connect(server).get("openapi").get("components", {}).get("securitySchemes", {})
    for scheme in schemes.values():
        if scheme.get("type") == "openIdConnect":
            return dict(scheme)
    how = "set OAPIP_USERNAME and OAPIP_PASSWORD" if schemes else "nobody has to log in there"
    raise CommandError(f"{server} has no identity provider: {how}")


def _wait(begun: Mapping[str, Any], about: Mapping[str, str], extra: Mapping[str, str]) -> Mapping[str, Any]:
    pause = float(begun.get("interval") or 5)
    deadline = time.monotonic() + min(LONGEST, float(begun.get("expires_in") or LONGEST))
    form = {"grant_type": _GRANT, "device_code": begun["device_code"], "client_id": about["client_id"], **extra}
    while time.monotonic() < deadline:
        time.sleep(pause)
        answer = _ask("POST", about["token_endpoint"], **form)
        error = answer.get("error")
        if error is None:
            return answer
        if error == "slow_down":
            pause += 5
        elif error != "authorization_pending":
            raise CommandError(f"the identity provider refused the login ({error})")
    raise CommandError("nobody has confirmed the login in time")


def _ask(method: str, address: str, **form: str) -> Mapping[str, Any]:
    try:
        answer = requests.request(method, address, data=form or None, timeout=TIMEOUT, allow_redirects=False)
        found = answer.json()
    except (requests.RequestException, ValueError):
        raise Unreachable(f"no answer from the identity provider at {address}") from None
    if not isinstance(found, dict) or (answer.status_code >= 400 and "error" not in found):
        raise CommandError(f"the identity provider answers with {answer.status_code}")
    if answer.status_code >= 400 and "device" in address:
        raise CommandError(f"the identity provider refused the login ({found['error']})")
    return found
