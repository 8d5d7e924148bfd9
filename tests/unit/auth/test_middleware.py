from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pygeoapi_oapip.auth.context import current_address, current_principal
from pygeoapi_oapip.auth.middleware import REFUSAL_KEY, Gate
from pygeoapi_oapip.auth.policy import Policy
from pygeoapi_oapip.errors import Unauthorized
from pygeoapi_oapip.model.identity import Principal
from pygeoapi_oapip.settings_auth import BasicAuth

SEEN: list[tuple[str, str, bool]] = []


class Anyone:
    """Takes every name."""

    scheme = "bearer"

    def challenge(self, error: str = "") -> str:
        return "Bearer"

    def verify(self, credentials: str, address: str) -> Principal:
        if credentials == "wrong":
            raise Unauthorized("no", self.challenge())
        return Principal(credentials, frozenset({"user"}))


def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    SEEN.append((current_principal().name, current_address(), REFUSAL_KEY in environ))
    start("200 OK", [("X", "y")])
    return [b""]


def ask(**environ: str) -> tuple[str, str, bool]:
    gate = Gate(Policy(BasicAuth(file="unused")), [Anyone()])
    headers: list[Any] = []

    def start(*given: Any) -> Any:
        headers.append(given)

    gate.pass_to(app, app, {"REQUEST_METHOD": "GET", **environ}, start, ("", ""))
    assert ("Cache-Control", "private, no-cache") in headers[0][1]
    return SEEN.pop()


def test_principal_is_known_during_the_request_only() -> None:
    assert ask(HTTP_AUTHORIZATION="Bearer alice")[0] == "alice"
    assert current_principal().name == "anonymous" and current_address() == ""


def test_refusal_is_told_by_the_door_as_nobody() -> None:
    assert ask(HTTP_AUTHORIZATION="Bearer wrong") == ("anonymous", "", True)
    assert ask() == ("anonymous", "", False)


def test_headers_do_not_say_where_a_request_comes_from() -> None:
    assert ask(REMOTE_ADDR="10.0.0.9", HTTP_X_FORWARDED_FOR="192.0.2.1")[1] == "10.0.0.9"
