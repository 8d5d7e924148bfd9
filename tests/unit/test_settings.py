from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pygeoapi_oapip.errors import ConfigurationError
from pygeoapi_oapip.settings import OWN_PROCESSES, Settings, load_settings


def test_defaults_need_nothing() -> None:
    settings = load_settings({})
    assert settings.default_engine in settings.engines
    assert settings == Settings()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"conection": "x"}, "server.manager.conection: unknown key"),
        ({"engines": {"local": {"type": "local", "cors": 2}}}, "server.manager.engines.local.cors: unknown key"),
        ({"engines": {"x": {"type": "warp"}}}, "server.manager.engines.x"),
        ({"default_engine": "hpc"}, "no engine is named 'hpc' (engines: local)"),
        ({"staging": {"max_bytes": "many"}}, "server.manager.staging.max_bytes: is not a size (for example 10GiB)"),
        ({"sync": {"max_wait": "-3s"}}, "server.manager.sync.max_wait"),
        ({"connection_password": "hunter2"}, "never in the YAML text"),
        ({"connection_password": {"env": "OAPIP_NOT_SET"}}, "the environment variable OAPIP_NOT_SET is not set"),
    ],
)
def test_wrong_key_is_named(block: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(block)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"), [("10GiB", 10 * 2**30), ("5MB", 5_000_000), ("1.5 KiB", 1536), (7, 7), ("12", 12)]
)
def test_sizes_have_units(text: object, number: int) -> None:
    assert load_settings({"staging": {"max_bytes": text}}).staging.max_bytes == number


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("2h", 7200), ("1.5m", 90), ("30d", 2592000), (4, 4)])
def test_durations_have_units(text: object, seconds: float) -> None:
    assert load_settings({"sync": {"max_wait": text}}).sync.max_wait == seconds


def test_secrets_come_from_environment_or_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    assert load_settings({"connection_password": {"env": "DB_PASSWORD"}}).connection_password == "s3cret"
    (tmp_path / "password").write_text("other\n")
    settings = load_settings({"connection_password": {"file": str(tmp_path / "password")}})
    assert settings.connection_password == "other"


def test_what_pygeoapi_adds_is_ignored() -> None:
    assert load_settings({"processes": {"x": {}}}) == Settings()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(True, OWN_PROCESSES), (False, ()), ([], ()), (["echo"], ("echo",)), (None, OWN_PROCESSES)],
)
def test_own_processes_can_be_switched_off(value: object, wanted: tuple[str, ...]) -> None:
    block = {} if value is None else {"builtin_processes": value}
    assert load_settings(block).builtin_processes == wanted


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"builtin_processes": ["echo", "buffer"]}, "builtin_processes: there is no 'buffer' (possible: echo, "),
        ({"builtin_processes": "echo"}, "builtin_processes: "),
        ({"engines": {"builtin": {"type": "local"}}}, "engines.builtin: this name belongs to the server"),
    ],
)
def test_own_processes_and_their_engine_have_fixed_names(block: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        load_settings(block)


S3 = {"type": "s3", "bucket": "results"}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"storage": {"type": "s3"}}, "server.manager.storage.bucket: Field required"),
        ({"storage": {"type": "s4"}}, "server.manager.storage: "),
        ({"storage": {**S3, "bucket": "Results"}}, "server.manager.storage.bucket: "),
        ({"storage": {**S3, "bukket": 1}}, "server.manager.storage.bukket: unknown key"),
        ({"storage": {**S3, "presign": "8d"}}, "server.manager.storage.presign: must be from 1s to 7d"),
        ({"storage": {**S3, "prefix": "a/../b"}}, "server.manager.storage.prefix: "),
        ({"storage": {**S3, "prefix": ""}}, "server.manager.storage.prefix: "),
        ({"storage": {**S3, "endpoint": "s3.example.org"}}, "server.manager.storage.endpoint: "),
        ({"storage": {**S3, "endpoint": "https://user:hunter2@s3.example.org"}}, "server.manager.storage.endpoint: "),
        (
            {"storage": {**S3, "credentials": {"access_key": "hunter2", "secret_key": {"env": "HOME"}}}},
            "server.manager.storage.credentials.access_key: a secret is written as",
        ),
        (
            {"storage": {**S3, "credentials": {"access_key": {"env": "HOME"}}}},
            "server.manager.storage.credentials.secret_key: Field required",
        ),
        ({"staging": {"s3": [{"endpoint": "http://x"}]}}, "server.manager.staging.s3.0.buckets: Field required"),
        ({"storage": {"type": "local", "bucket": "x"}}, "server.manager.storage.bucket: unknown key"),
    ],
)
def test_wrong_key_of_a_storage_is_named(block: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(block)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_keys_of_a_storage_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STORAGE_KEY", "the-key")
    (tmp_path / "secret").write_text("the-secret\n")
    keys = {"access_key": {"env": "STORAGE_KEY"}, "secret_key": {"file": str(tmp_path / "secret")}}
    settings = load_settings(
        {"storage": {**S3, "credentials": keys}, "staging": {"s3": [{"buckets": ["a"], "credentials": keys}]}}
    )
    storage = settings.storage
    assert storage.type == "s3"
    assert storage.credentials is not None
    assert (storage.credentials.access_key, storage.credentials.secret_key) == ("the-key", "the-secret")
    assert "the-" not in f"{settings!r}{settings}{storage}"
