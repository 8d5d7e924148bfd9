"""What the commands tell which server about who asks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from pygeoapi_oapip.cli.credentials import credentials_for, keep, logins
from pygeoapi_oapip.cli.failures import CommandError

SERVER = "https://one.example.org/alice/ogc-api"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("OAPIP_TOKEN", "OAPIP_USERNAME", "OAPIP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "oapip" / "logins.json"


def login(ends: float = 1000.0, refresh: str = "") -> dict[str, Any]:
    return {
        "token_endpoint": "http://127.0.0.1:9/token",
        "client_id": "web",
        "resource": "",
        "access_token": "kept",
        "refresh_token": refresh,
        "expires": time.time() + ends,
    }


def sent(url: str, server: str = SERVER) -> str | None:
    request = requests.Request("GET", url, auth=credentials_for(server)).prepare()
    return request.headers.get("Authorization")


def test_nothing_is_sent_where_nothing_is_known() -> None:
    assert credentials_for(SERVER) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://two.example.org/x",
        "http://one.example.org/x",
        "https://one.example.org:8443/x",
        "https://one.example.org.evil.example/x",
        "https://one.example.org@evil.example/x",
    ],
)
def test_token_goes_to_its_server_only(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OAPIP_TOKEN", "secret")
    assert sent("https://one.example.org/jobs/1") == sent("https://ONE.example.org:443/x") == "Bearer secret"
    assert sent(url) is None


def test_name_and_password_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAPIP_USERNAME", "alice")
    monkeypatch.setenv("OAPIP_PASSWORD", "correct horse")
    assert sent("https://one.example.org/") == "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="


def test_login_is_kept_by_server_and_for_its_user_alone(home: Path) -> None:
    keep(SERVER, login())
    keep("https://two.example.org", {**login(), "access_token": "other"})
    assert home.stat().st_mode & 0o777 == 0o600
    assert sent("https://one.example.org/x") == "Bearer kept"
    keep("https://one.example.org", None)
    assert credentials_for(SERVER) is None and list(logins()) == ["https://two.example.org:443"]


def test_file_that_others_can_read_is_not_used(home: Path) -> None:
    keep(SERVER, login())
    home.chmod(0o644)
    with pytest.raises(CommandError, match="can be read by others"):
        credentials_for(SERVER)


@pytest.mark.parametrize("text", ["", "[", "\xff"])
def test_broken_file_is_told(home: Path, text: str) -> None:
    keep(SERVER, login())
    home.write_text(text, encoding="latin-1")
    with pytest.raises(CommandError, match="log in again"):
        credentials_for(SERVER)


def test_ended_login_asks_for_another(home: Path) -> None:
    for refresh in ("", "r"):
        keep(SERVER, login(ends=-1, refresh=refresh))
        with pytest.raises(CommandError, match="has ended: oapip login --server"):
            credentials_for(SERVER)


def test_login_is_renewed_and_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forms = []

    def post(address: str, data: dict[str, str], **options: Any) -> requests.Response:
        forms.append((address, data))
        answer = requests.Response()
        answer.status_code = 200
        answer._content = json.dumps({"access_token": "new", "expires_in": 600}).encode()
        return answer

    monkeypatch.setattr(requests, "post", post)
    keep(SERVER, login(ends=-1, refresh="r1"))
    assert [sent("https://one.example.org/x") for _ in range(3)] == ["Bearer new"] * 3
    assert len(forms) == 1 and forms[0][1]["refresh_token"] == "r1"
    assert json.loads(home.read_text())["https://one.example.org:443"]["refresh_token"] == "r1"
