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
