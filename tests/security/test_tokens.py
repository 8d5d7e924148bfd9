"""Tokens that somebody has forged, stolen from another service, or kept too long."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from pygeoapi_oapip.errors import Unauthorized, Unavailable
from pygeoapi_oapip.model.identity import Principal

from .tokens import (
    EC,
    ED,
    FOREIGN,
    ISSUER,
    NOW,
    OTHER,
    RSA,
    Answers,
    Clock,
    claims,
    hmac_with,
    signed,
    unsigned,
    verifier,
)


def verified(token: str, **changes: Any) -> Principal:
    return verifier(**changes)[0].verify(token, "")


def test_good_token_is_its_user() -> None:
    found = verified(signed(claims()))
    assert (found.name, set(found.groups)) == ("alice", {"hydro", "all"})
    assert found.roles == {"user", "deployer", "operator"}


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "Ed25519")])
def test_each_kind_of_key_verifies(key: Any, algorithm: str) -> None:
    assert verified(signed(claims(), key, algorithm)).name == "alice"


def test_algorithm_of_a_key_is_the_only_one_for_it() -> None:
    with pytest.raises(Unauthorized, match="a key that its issuer does not have"):
        verified(signed(claims(), RSAKey.import_key(RSA.as_pem(private=True), {"kid": "rsa"}), "PS256"))


PEM = RSA.as_pem(private=False)
FORGED: dict[str, Callable[[], str]] = {
    "no signature": lambda: unsigned({"alg": "none", "typ": "JWT"}, claims()),
    "no signature, other case": lambda: unsigned({"alg": "nOnE", "kid": "rsa"}, claims(), b"x"),
    "no algorithm": lambda: unsigned({"typ": "JWT", "kid": "rsa"}, claims(), b"x"),
    "algorithm is a list": lambda: unsigned({"alg": ["RS256"], "kid": "rsa"}, claims(), b"x"),
    "hmac with the public key": lambda: hmac_with(PEM, claims()),
    "hmac with the key set entry": lambda: hmac_with(json.dumps(RSA.as_dict(private=False)).encode(), claims()),
    "another key with the same id": lambda: signed(claims(), FOREIGN),
    "unknown key": lambda: signed(claims(), FOREIGN, kid="mine"),
    "key id of another kind of key": lambda: signed(claims(), FOREIGN, kid="ec"),
    "key id is a path": lambda: signed(claims(), FOREIGN, kid="../../../../dev/null"),
    "key id is SQL": lambda: signed(claims(), FOREIGN, kid="x' UNION SELECT 'k"),
    "key id is an address": lambda: signed(claims(), FOREIGN, kid="http://169.254.169.254/latest"),
    "key id is a number": lambda: unsigned({"alg": "RS256", "kid": 7}, claims(), b"x"),
    "key id is null": lambda: unsigned({"alg": "RS256", "kid": None}, claims(), b"x"),
    "key in the header": lambda: signed(claims(), FOREIGN, jwk=FOREIGN.as_dict(private=False)),
    "key address in the header": lambda: signed(claims(), FOREIGN, jku="https://evil.example/jwks"),
    "certificate address in the header": lambda: signed(claims(), FOREIGN, x5u="https://evil.example/cert"),
    "critical extension": lambda: unsigned({"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1}, claims(), b"x"),
    "unencoded payload": lambda: unsigned({"alg": "RS256", "kid": "rsa", "b64": False}, claims(), b"x"),
    "another type": lambda: signed(claims(), typ="logout+jwt"),
    "id token": lambda: signed(claims(typ="ID")),
    "id token of others": lambda: signed(claims(at_hash="x", typ=None)),
    "refresh token": lambda: signed(claims(typ="Refresh")),
    "expired": lambda: signed(claims(exp=NOW - 31)),
    "expires never": lambda: signed(claims(exp=None)),
    "expires at a text": lambda: signed(claims(exp="9999999999")),
    "expires at true": lambda: signed(claims(exp=True)),
    "expires at infinity": lambda: signed(claims(exp=float("inf"))),
    "not yet valid": lambda: signed(claims(nbf=NOW + 31)),
    "of the future": lambda: signed(claims(iat=NOW + 31)),
    "another realm": lambda: signed(claims(iss=OTHER)),
    "issuer with a slash": lambda: signed(claims(iss=ISSUER + "/")),
    "no issuer": lambda: signed(claims(iss=None)),
    "issuer is a list": lambda: signed(claims(iss=[ISSUER])),
    "another audience": lambda: signed(claims(aud="other")),
    "no audience": lambda: signed(claims(aud=None)),
    "audience begins alike": lambda: signed(claims(aud="api2")),
    "audience is an object": lambda: signed(claims(aud={"api": 1})),
    "audience is a number": lambda: signed(claims(aud=7)),
    "no user": lambda: signed(claims(preferred_username=None)),
    "user is nobody": lambda: signed(claims(preferred_username="")),
    "user is anonymous": lambda: signed(claims(preferred_username="anonymous")),
    "user is a list": lambda: signed(claims(preferred_username=["alice"])),
    "user has a line break": lambda: signed(claims(preferred_username="alice\nroot")),
    "user ends with a blank": lambda: signed(claims(preferred_username="alice ")),
    "user is very long": lambda: signed(claims(preferred_username="a" * 300)),
    "claims are a list": lambda: unsigned({"alg": "RS256", "kid": "rsa"}, [], b"x"),  # type: ignore[arg-type]
    "two parts": lambda: signed(claims()).rpartition(".")[0],
    "five parts": lambda: signed(claims()) + ".a.b",
    "encrypted": lambda: "a.b.c.d.e",
    "no base64": lambda: "a.b.c",
    "empty": lambda: "",
    "blanks": lambda: "a b",
    "very long": lambda: signed(claims(x="y" * 20_000)),
    "deep": lambda: ".".join([base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")] * 3),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_token_is_nobody(name: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        verified(FORGED[name]())
    assert caught.value.status == 401
    assert dict(caught.value.headers)["WWW-Authenticate"].startswith("Bearer ")
    assert "Traceback" not in caught.value.detail and len(caught.value.detail) < 200


def test_each_changed_byte_of_a_token_is_seen() -> None:
    token = signed(claims())
    tokens, _ = verifier()
    for place in range(0, len(token) - 2, 7):
        if token[place] != ".":
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            with pytest.raises(Unauthorized):
                tokens.verify(changed, "")


def test_clocks_may_differ_by_the_leeway_and_no_more() -> None:
    for good in (claims(exp=NOW - 29), claims(nbf=NOW + 29), claims(iat=NOW + 29)):
        assert verified(signed(good)).name == "alice"
        with pytest.raises(Unauthorized):
            verified(signed(good), leeway=10)


def test_token_without_key_id_needs_a_single_key() -> None:
    token = signed(claims(), kid=None)
    tokens, answers = verifier()
    assert tokens.verify(token, "").name == "alice"
    another = RSAKey.generate_key(2048, {"kid": "more"})
    tokens, answers = verifier()
    answers.published = [*answers.published, another.as_dict(private=False)]
    with pytest.raises(Unauthorized):
        tokens.verify(token, "")


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"},
        {**RSA.as_dict(private=False), "use": "enc"},
        {**RSA.as_dict(private=False), "n": base64.urlsafe_b64encode(b"\xc1" * 128).decode().rstrip("=")},
        {"kty": "RSA", "kid": "rsa", "n": "", "e": "AQAB"},
        {"kty": "RSA", "kid": "rsa"},
        7,
    ],
)
def test_key_that_is_no_good_public_key_is_left_out(entry: Any) -> None:
    tokens, answers = verifier()
    answers.published = [entry, EC.as_dict(private=False)]
    with pytest.raises(Unauthorized):
        tokens.verify(signed(claims()), "")
    assert tokens.verify(signed(claims(), EC, "ES256"), "").name == "alice"


def test_new_keys_are_read_when_they_are_used_and_old_ones_end() -> None:
    tokens, answers = verifier()
    assert tokens.verify(signed(claims()), "").name == "alice"
    new = RSAKey.generate_key(2048, {"kid": "new"})
    answers.published = [new.as_dict(private=False)]
    ring = tokens._issuers[ISSUER]._keys
    ring._tried_at = -1e9
    assert tokens.verify(signed(claims(), new), "").name == "alice"
    with pytest.raises(Unauthorized):
        tokens.verify(signed(claims()), "")


def test_unknown_keys_do_not_make_the_server_ask_again_and_again() -> None:
    tokens, answers = verifier()
    for number in range(50):
        with pytest.raises(Unauthorized):
            tokens.verify(signed(claims(), FOREIGN, kid=f"k{number}"), "")
    assert answers.asked <= 2


def test_issuer_that_is_down_lets_nobody_new_in_and_those_verified_go_on() -> None:
    tokens, answers = verifier()
    answers.down = True
    with pytest.raises(Unavailable):
        tokens.verify(signed(claims()), "")
    tokens, answers = verifier()
    tokens.verify(signed(claims()), "")
    answers.down = True
    tokens._issuers[ISSUER]._keys._read_at -= 3600.0  # type: ignore[operator]
    assert tokens.verify(signed(claims()), "").name == "alice"
    with pytest.raises(Unauthorized):
        tokens.verify(signed(claims(), FOREIGN), "")
    tokens._issuers[ISSUER]._keys._read_at -= 2 * 86400.0  # type: ignore[operator]
    with pytest.raises(Unavailable):
        tokens.verify(signed(claims()), "")


def opaque(clock: Clock | None = None) -> tuple[Any, Answers]:
    tokens, answers = verifier(clock, introspection={"client_id": "api", "client_secret": {"env": "OAPIP_T_SECRET"}})
    answers.active["good"] = {"active": True, **claims(typ=None)}
    return tokens, answers


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAPIP_T_SECRET", "s")


@pytest.mark.usefixtures("secret")
def test_opaque_token_is_asked_about_once() -> None:
    tokens, answers = opaque()
    assert [tokens.verify("good", "").name for _ in range(5)] == ["alice"] * 5
    assert answers.asked == 1
    for _ in range(5):
        with pytest.raises(Unauthorized):
            tokens.verify("bad", "")
    assert answers.asked == 2


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(
    "answer",
    [
        {"active": "true"},
        {"active": 1},
        {"active": True, **claims(aud="other")},
        {"active": True, **claims(iss=OTHER)},
        {"active": True, **claims(exp=NOW - 31)},
        {"active": True, **claims(preferred_username=None)},
    ],
)
def test_answer_about_an_opaque_token_is_checked_as_a_token_is(answer: dict[str, Any]) -> None:
    tokens, answers = opaque()
    answers.active["odd"] = answer
    with pytest.raises(Unauthorized):
        tokens.verify("odd", "")


@pytest.mark.usefixtures("secret")
def test_revoked_opaque_token_ends_and_outage_does_not_help_it() -> None:
    clock = Clock()
    tokens, answers = opaque(clock)
    tokens.verify("good", "")
    answers.down = True
    clock.now += 200
    assert tokens.verify("good", "").name == "alice"
    with pytest.raises(Unavailable):
        tokens.verify("never-seen", "")
    clock.now += 150  # beyond its own end, which is 300 s after it was made
    with pytest.raises((Unauthorized, Unavailable)):
        tokens.verify("good", "")
    answers.down, answers.active = False, {}
    with pytest.raises(Unauthorized):
        tokens.verify("good", "")


def test_opaque_token_without_introspection_is_nobody() -> None:
    with pytest.raises(Unauthorized):
        verified("good")


def test_token_of_a_client_that_is_named_needs_no_audience() -> None:
    assert verified(signed(claims(aud="account")), clients=["web"]).name == "alice"
    with pytest.raises(Unauthorized):
        verified(signed(claims(aud="account", azp="other")), clients=["web"])
    with pytest.raises(Unauthorized):
        verified(signed(claims(aud="account", azp=None)), clients=["web"])


def test_roles_come_from_the_claims_that_the_administrator_names_only() -> None:
    given = claims(realm_access=None, roles=["oapip-admin"], resource_access={"api": {"roles": ["oapip-admin"]}})
    assert "admin" in verified(signed(given)).roles
    assert verified(signed(given), role_claims=["realm_access.roles"]).roles == {"user", "deployer"}
    assert "admin" not in verified(signed(claims(realm_access={"roles": ["admin", "Oapip-Admin"]}))).roles
    assert "admin" not in verified(signed(claims(realm_access="oapip-admin", roles={"oapip-admin": 1}))).roles


def test_users_of_two_issuers_are_two_users() -> None:
    found = verified(signed(claims()), user_prefix="b.")
    assert (found.name, set(found.groups)) == ("b.alice", {"b.hydro", "b.all"})
