from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cwltool.secrets import SecretStore

from pygeoapi_oapip.engines import secrets
from pygeoapi_oapip.engines.local.containerjobs import by_environment
from pygeoapi_oapip.engines.local.runner import load
from pygeoapi_oapip.engines.local.secretstore import Secrets

MARK = "(secret-1)"


def test_file_is_for_this_user_only_and_gone_once_read(tmp_path: Path) -> None:
    path = secrets.keep(tmp_path / "secrets", "job", {MARK: "value"})
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert secrets.take(path) == {MARK: "value"}
    assert list(path.parent.iterdir()) == []


def test_nothing_is_written_where_there_is_no_secret(tmp_path: Path) -> None:
    assert secrets.keep(tmp_path / "secrets", "job", {}) is None
    assert not (tmp_path / "secrets").exists()


def test_what_was_not_read_is_dropped(tmp_path: Path) -> None:
    secrets.keep(tmp_path, "job", {MARK: "value"})
    secrets.keep(tmp_path, "job", {MARK: "other"})
    secrets.drop(tmp_path, "job")
    secrets.drop(tmp_path, "job")
    assert list(tmp_path.iterdir()) == []


def test_value_of_a_secret_is_not_on_the_command_line_of_a_container() -> None:
    store, env = SecretStore(), dict[str, str]()
    store.secrets[MARK] = "value"
    assert by_environment(f"--env=KEY={MARK}", env, store) == "--env=KEY"
    assert env == {"KEY": MARK}
    for part in ("--env=OTHER=a=b", f"--label={MARK}", "run"):
        assert by_environment(part, env, store) == part
    assert env == {"KEY": MARK}


def test_inputs_that_a_tool_declares_are_secret(tmp_path: Path) -> None:
    tool = load(
        {
            "cwlVersion": "v1.2",
            "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"},
            "class": "CommandLineTool",
            "hints": {"cwltool:Secrets": {"secrets": ["key"]}},
            "baseCommand": "true",
            "inputs": {"key": "string", "other": "string"},
            "outputs": [],
        },
        "",
    )
    order: dict[str, object] = {"key": "hush", "other": "shown"}
    store = Secrets(tool, order, None)  # type: ignore[arg-type]  # a CWL input object
    assert order["other"] == "shown" and order["key"] != "hush"
    assert store.retrieve(str(order["key"])) == "hush"
    assert store.hide(str)("it is hush") == "it is (secret)"


def test_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        secrets.take(tmp_path / "none.json")
