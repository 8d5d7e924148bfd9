from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.auth.context import acting
from pygeoapi_oapip.auth.exchange import EARLY, Given, NotGiven
from pygeoapi_oapip.errors import ConfigurationError, Forbidden, Unavailable
from pygeoapi_oapip.model.execution import PARENT
from pygeoapi_oapip.model.identity import Principal
from pygeoapi_oapip.model.job import Job
from pygeoapi_oapip.on_behalf import KEPT_AFTER, NoTokens, SealedJobTokens, job_tokens
from pygeoapi_oapip.settings import load_settings
from pygeoapi_oapip.settings_auth import OnBehalf, TokenFor
from pygeoapi_oapip.store.job_tokens import MemoryJobTokenStore
from pygeoapi_oapip.store.memory import MemoryJobStore

ALICE = Principal("alice")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Tokens of jobs, with an issuer that gives `SERVICE-TOKEN` for 300 seconds."""

    def __init__(self, tmp_path: Path, missing: str = "fail", **faults: Exception) -> None:
        self.clock, self.store, self.jobs = Clock(), MemoryJobTokenStore(), MemoryJobStore()
        self.asked: list[tuple[str, str]] = []
        self.faults = faults
        self.key = tmp_path / "key"
        self.missing = missing
        self.renew()

    def renew(self, *old: Path) -> None:
        """With a new key."""
        self.key = self.key.with_name(f"{self.key.name}x")
        self.key.write_text(base64.b64encode(os.urandom(32)).decode())
        block = {
            "key": {"file": str(self.key)},
            "old_keys": [{"file": str(path)} for path in old],
            "tokens": {"data": {"audience": "data"}, "map": {"audience": "map"}},
            "missing": self.missing,
        }
        settings = OnBehalf.model_validate(block)
        self.tokens = SealedJobTokens(settings, self.store, self.jobs, self.exchange, self.clock)

    def exchange(self, token: str, wanted: TokenFor) -> Given:
        self.asked.append((token, wanted.audience))
        if wanted.audience in self.faults:
            raise self.faults[wanted.audience]
        return Given(f"{wanted.audience}-{token}", self.clock() + 300)

    def job(self, owner: str = "alice", **request: Any) -> Job:
        return self.jobs.add(Job.new("p", 1, owner, "local", {"inputs": {}, **request}))

    def admit(self, job: Job, principal: Principal = ALICE, token: Callable[[], str] = lambda: "mine") -> Job:
        with acting(principal, token=token):
            self.tokens.admit(job)
        return job


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_job_has_a_token_for_each_service_and_the_store_cannot_read_them(bench: Bench) -> None:
    job = bench.admit(bench.job())
    assert bench.tokens.token(job.id, "data") == "data-mine"
    assert bench.tokens.token(job.id, "map") == "map-mine"
    kept = bench.store.get(job.id)
    assert kept is not None and "mine" not in kept.text and kept.ends == 1300.0


def test_a_nested_process_has_the_tokens_of_the_job_that_needs_it(bench: Bench) -> None:
    job = bench.admit(bench.job())
    child = bench.job(**{PARENT: job.id})
    assert bench.tokens.token(bench.job(**{PARENT: child.id}).id, "data") == "data-mine"


def test_another_job_has_none(bench: Bench) -> None:
    bench.admit(bench.job())
    for other in (bench.job().id, "unknown"):
        with pytest.raises(Forbidden, match="not kept"):
            bench.tokens.token(other, "data")


def test_a_row_that_was_moved_to_another_job_is_of_no_use(bench: Bench) -> None:
    """Who may write to the database cannot act for another user."""
    job, other = bench.admit(bench.job()), bench.job("mallory")
    kept = bench.store.get(job.id)
    assert kept is not None
    bench.store.put(replace(kept, job_id=other.id))
    with pytest.raises(Forbidden, match="cannot be opened"):
        bench.tokens.token(other.id, "data")


def test_a_token_that_has_expired_fails_the_job_and_says_so(bench: Bench) -> None:
    job = bench.admit(bench.job())
    bench.clock.now += 300 - EARLY - 1
    assert bench.tokens.token(job.id, "data") == "data-mine"
    bench.clock.now += 1
    with pytest.raises(Forbidden, match="for data: it has expired"):
        bench.tokens.token(job.id, "data")


def test_where_the_settings_say_so_the_job_goes_on_without(tmp_path: Path) -> None:
    bench = Bench(tmp_path, missing="without")
    assert bench.tokens.token(bench.job().id, "data") is None
    job = bench.admit(bench.job())
    bench.clock.now += 300
    assert bench.tokens.token(job.id, "data") is None


def test_what_the_issuer_refuses_is_told_when_the_job_needs_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, data=NotGiven("invalid_target"))
    job = bench.admit(bench.job())
    assert bench.tokens.token(job.id, "map") == "map-mine"
    with pytest.raises(Forbidden, match=r"gave none \(invalid_target\)"):
        bench.tokens.token(job.id, "data")


def test_issuer_that_is_away_is_asked_once_for_a_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, data=Unavailable("it is away"))
    job = bench.admit(bench.job())
    assert bench.asked == [("mine", "data")]
    for name in ("data", "map"):
        with pytest.raises(Forbidden, match="it is away"):
            bench.tokens.token(job.id, name)


@pytest.mark.parametrize(("who", "token"), [("root", "of root"), ("alice", "")])
def test_nobody_else_gives_a_token_for_the_owner(bench: Bench, who: str, token: str) -> None:
    job = bench.admit(bench.job(), Principal(who), lambda: token)
    assert bench.asked == []
    with pytest.raises(Forbidden, match="came without a token"):
        bench.tokens.token(job.id, "data")


def test_a_job_that_has_ended_has_none_and_the_rest_is_swept(bench: Bench) -> None:
    one, other = bench.admit(bench.job()), bench.admit(bench.job())
    bench.tokens.forget(one.id)
    bench.tokens.forget(one.id)
    assert bench.store.get(one.id) is None
    assert bench.tokens.sweep() == 0
    bench.clock.now += 300 + KEPT_AFTER + 1
    assert bench.tokens.sweep() == 1
    assert bench.store.get(other.id) is None


def test_the_key_can_be_changed_while_jobs_wait(bench: Bench) -> None:
    job, old = bench.admit(bench.job()), bench.key
    bench.renew(old)
    assert bench.tokens.token(job.id, "data") == "data-mine"
    bench.renew()
    with pytest.raises(Forbidden, match="cannot be opened with the keys"):
        bench.tokens.token(job.id, "data")


def settings_with(tmp_path: Path, auth: Mapping[str, Any] | None, **block: Any) -> Any:
    return load_settings({"output_dir": str(tmp_path), **({"auth": auth} if auth else {}), **block})


def oidc(tmp_path: Path, key: str, tokens: Mapping[str, Any], exchange: bool = True) -> Mapping[str, Any]:
    (tmp_path / "key").write_text(key)
    secret = {"file": str(tmp_path / "key")}
    issuer = {"issuer": "https://id.example.org", "audience": ["api"]}
    own = {"exchange": {"client_id": "x", "client_secret": secret}} if exchange else {}
    return {"type": "oidc", "issuers": [{**issuer, **own}], "on_behalf": {"key": secret, "tokens": tokens}}


KEY = base64.b64encode(bytes(range(32))).decode()
USING: tuple[Mapping[str, Any], ...] = (
    {"staging": {"http": [{"hosts": ["data.example.org"], "user_token": "data"}]}},
    {"storage": {"type": "workspace", "api": "https://w.example.org", "user_token": "data"}},
    {"staging": {"wrap": {"additional_parameters": {"TOKEN": {"user_token": "data"}}}}},
)


@pytest.mark.parametrize("block", USING)
def test_a_service_that_does_not_exist_is_told_at_the_start(tmp_path: Path, block: Mapping[str, Any]) -> None:
    for auth in (None, oidc(tmp_path, KEY, {"other": {"audience": "x"}})):
        with pytest.raises(ConfigurationError, match="there is no 'data' in auth.on_behalf.tokens"):
            job_tokens(settings_with(tmp_path, auth, **block), MemoryJobTokenStore(), MemoryJobStore())
    auth = oidc(tmp_path, KEY, {"data": {"audience": "x"}})
    made = job_tokens(settings_with(tmp_path, auth, **block), MemoryJobTokenStore(), MemoryJobStore())
    assert isinstance(made, SealedJobTokens)


def test_without_the_block_there_are_none(tmp_path: Path) -> None:
    made = job_tokens(settings_with(tmp_path, None), MemoryJobTokenStore(), MemoryJobStore())
    assert isinstance(made, NoTokens)
    assert made.token("job", "data") is None


@pytest.mark.parametrize(
    ("key", "tokens", "exchange", "why"),
    [
        ("short", {"data": {"audience": "x"}}, True, "32 random bytes"),
        (base64.b64encode(b"x" * 16).decode(), {"data": {"audience": "x"}}, True, "32 random bytes"),
        ("!" * 44, {"data": {"audience": "x"}}, True, "32 random bytes"),
        (KEY, {"data": {}}, True, "nobody in particular"),
        (KEY, {"da ta": {"audience": "x"}}, True, "a name may have letters"),
        (KEY, {"data": {"audience": "x"}}, False, "no issuer exchanges tokens"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    tmp_path: Path, key: str, tokens: Mapping[str, Any], exchange: bool, why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why) as found:
        settings_with(tmp_path, oidc(tmp_path, key, tokens, exchange))
    assert key not in str(found.value)


def test_one_way_to_say_who_asks_for_an_input(tmp_path: Path) -> None:
    access = {"hosts": ["x"], "user_token": "data", "username": "a", "password": {"file": str(tmp_path / "key")}}
    (tmp_path / "key").write_text("x")
    with pytest.raises(ConfigurationError, match="not more than one"):
        settings_with(tmp_path, None, staging={"http": [access]})
