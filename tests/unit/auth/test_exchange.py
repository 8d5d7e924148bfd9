from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from pygeoapi_oapip.auth.exchange import EARLY, MOST, UNSAID, Exchanger, NotGiven
from pygeoapi_oapip.auth.provider import ProviderClient
from pygeoapi_oapip.errors import Unavailable
from pygeoapi_oapip.settings_auth import Exchange, Issuer, TokenFor

DATA = TokenFor(audience="data-api")
OWN = Exchange.model_construct(client_id="a server", client_secret="se:cret")


class Provider(ProviderClient):
    """Answers what it is told to."""

    def __init__(self, status: int = 200, **answer: Any) -> None:
        super().__init__(Issuer.model_construct(audience=(), issuer="https://id.example.org"))
        self.status, self.answer = status, answer
        self.forms: list[Mapping[str, str]] = []
        self.auth = ("", "")

    def form(self, endpoint: str, data: Mapping[str, str], auth: tuple[str, str]) -> tuple[int, Mapping[str, Any]]:
        assert endpoint == "token_endpoint"
        self.forms.append(data)
        self.auth = auth
        if self.status == 503:
            raise Unavailable("the identity provider cannot be reached")
        return self.status, self.answer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_request_is_that_of_rfc_8693() -> None:
    provider = Provider(access_token="abc", expires_in=300)
    wanted = TokenFor(audience="data-api", resource="https://data.example.org", scopes=("read", "list"))
    given = Exchanger(provider, OWN, Clock()).exchange("of.the.user", wanted)
    assert (given.token, given.ends) == ("abc", 1300.0)
    assert provider.forms == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "of.the.user",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": "data-api",
            "resource": "https://data.example.org",
            "scope": "read list",
        }
    ]
    assert provider.auth == ("a%20server", "se%3Acret")


def test_what_is_not_set_is_not_sent() -> None:
    provider = Provider(access_token="abc")
    Exchanger(provider, OWN).exchange("t", DATA)
    assert not {"resource", "scope"} & set(provider.forms[0])


def test_a_token_is_asked_for_once_until_it_is_nearly_used_up() -> None:
    clock, provider = Clock(), Provider(access_token="abc", expires_in=300)
    exchanger = Exchanger(provider, OWN, clock)
    for _ in range(3):
        exchanger.exchange("t", DATA)
    assert len(provider.forms) == 1
    exchanger.exchange("another", DATA)
    exchanger.exchange("t", TokenFor(audience="another"))
    assert len(provider.forms) == 3
    clock.now += 300 - 2 * EARLY
    exchanger.exchange("t", DATA)
    assert len(provider.forms) == 4


def test_memory_is_bounded() -> None:
    provider = Provider(access_token="abc", expires_in=300)
    exchanger = Exchanger(provider, OWN, Clock())
    for number in range(MOST + 1):
        exchanger.exchange(f"t{number}", DATA)
    exchanger.exchange("t0", DATA)
    assert len(provider.forms) == MOST + 2
    exchanger.exchange(f"t{MOST}", DATA)
    assert len(provider.forms) == MOST + 2


def a_jwt(**claims: Any) -> str:
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".xx"


@pytest.mark.parametrize(
    ("token", "told", "ends"),
    [
        ("abc", None, 1000 + UNSAID),
        ("abc", True, 1000 + UNSAID),
        ("abc", "300", 1000 + UNSAID),
        ("abc", -1, 1000 + UNSAID),
        ("abc", 0, 1000.0),
        ("a.!.c", None, 1000 + UNSAID),
        (a_jwt(exp=1200), None, 1200.0),
        (a_jwt(exp=1200), 50, 1050.0),
        (a_jwt(exp="1200"), None, 1000 + UNSAID),
    ],
)
def test_the_end_is_what_the_issuer_says_or_the_token(token: str, told: object, ends: float) -> None:
    provider = Provider(access_token=token, expires_in=told)
    assert Exchanger(provider, OWN, Clock()).exchange("t", DATA).ends == ends


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (400, {"error": "invalid_target"}, "invalid_target"),
        (401, {}, "status 401"),
        (403, {"error": "bad\r\nheader"}, "status 403"),
        (400, {"error": ["x"]}, "status 400"),
        (200, {}, "no bearer token"),
        (200, {"access_token": ""}, "no bearer token"),
        (200, {"access_token": "a b"}, "no bearer token"),
        (200, {"access_token": "a\r\nX: y"}, "no bearer token"),
        (200, {"access_token": "é"}, "no bearer token"),
        (200, {"access_token": "x" * 20_000}, "no bearer token"),
        (200, {"access_token": 5}, "no bearer token"),
        (200, {"access_token": "abc", "token_type": "DPoP"}, "no bearer token"),
    ],
)
def test_what_the_issuer_does_not_give_is_not_made_up(status: int, answer: dict[str, Any], why: str) -> None:
    with pytest.raises(NotGiven, match=why):
        Exchanger(Provider(status, **answer), OWN).exchange("t", DATA)


def test_issuer_that_is_away_is_another_fault() -> None:
    with pytest.raises(Unavailable):
        Exchanger(Provider(503), OWN).exchange("t", DATA)
