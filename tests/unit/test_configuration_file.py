from __future__ import annotations

import io
from pathlib import Path

import pytest
from pygeoapi.util import yaml_load

from pygeoapi_oapip.configuration_file import read_document
from pygeoapi_oapip.errors import ConfigurationError


@pytest.mark.parametrize(
    "value",
    [
        "${WORD}",
        "${NUMBER}",
        "${ZEROES}",
        "${FRACTION}",
        "${YES}",
        "${EMPTY}",
        "${NOWHERE:-5000}",
        "${NOWHERE:-}",
        "http://${WORD}:${NUMBER}/a?b=${NOWHERE:-c}",
        "$WORD",
        "$${WORD}",
        "12",
        "yes",
        "2026-11-23",
        "'12'",
        "'no variable'",
    ],
)
def test_a_value_is_that_of_pygeoapi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    given = {"WORD": "a b", "NUMBER": "12", "ZEROES": "007", "FRACTION": "1.5", "YES": "True", "EMPTY": ""}
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    path = tmp_path / "c.yml"
    path.write_text(f"server:\n  value: {value}\n")
    expected = yaml_load(io.StringIO(path.read_text()))
    assert read_document(path) == expected


def test_variables_in_quotes_are_replaced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBER", "12")
    path = tmp_path / "c.yml"
    path.write_text("server: {port: '${NUMBER}', url: \"http://${NOWHERE:-host}\"}")
    assert read_document(path) == {"server": {"port": 12, "url": "http://host"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("server: {url: '${NOWHERE}'}", ": the environment variable NOWHERE is not set"),
        ("server: [", " is not YAML: "),
        ("server: !!python/object/apply:os.getcwd []", " is not YAML: "),
        ("server: 5", ": a pygeoapi configuration has a `server` block"),
        ("[]", ": a pygeoapi configuration has a `server` block"),
        ("", ": a pygeoapi configuration has a `server` block"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "c.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        read_document(path)
    assert str(refusal.value).startswith(f"{path}{reason}")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.yml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not YAML"):
        read_document(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_document(tmp_path / "none.yml")
