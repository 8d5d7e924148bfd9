from __future__ import annotations

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner

from pygeoapi_oapip.auth import basic
from pygeoapi_oapip.auth.attempts import OF_ADDRESS_TIME
from pygeoapi_oapip.auth.basic import BasicPasswords
from pygeoapi_oapip.auth.passwords import Account, hash_password, matches, read_accounts, write_account
from pygeoapi_oapip.cli import main
from pygeoapi_oapip.errors import ConfigurationError, TooManyRequests, Unauthorized, Unavailable
from pygeoapi_oapip.settings_auth import BasicAuth

FAST = 2**4


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def credentials(name: str, password: str) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "passwords"
    roles, groups = frozenset({"operator"}), frozenset({"hydro"})
    write_account(found, Account("alice", hash_password("correct horse", FAST), roles, groups))
    write_account(found, Account("bob", hash_password("päss:word", FAST)))
    return found


@pytest.fixture
def passwords(file: Path, clock: Clock) -> BasicPasswords:
    return BasicPasswords(BasicAuth(file=file, admins=("bob",)), clock)


def test_right_password_is_its_user(passwords: BasicPasswords) -> None:
    alice, bob = (passwords.verify(credentials(*row), "") for row in (("alice", "correct horse"), ("bob", "päss:word")))
    assert (alice.name, set(alice.groups), set(alice.roles)) == ("alice", {"hydro"}, {"user", "deployer", "operator"})
    assert bob.roles == {"user", "deployer", "admin"}


@pytest.mark.parametrize(
    "text",
    [
        credentials("alice", "correct hors"),
        credentials("alice", ""),
        credentials("Alice", "correct horse"),
        credentials("mallory", "correct horse"),
        credentials("mallory", ""),
        credentials("", ""),
        base64.b64encode(b"alice").decode(),
        base64.b64encode(b"\xff\xfe:x").decode(),
        "not base64",
        "",
        credentials("alice", "x" * 5000),
    ],
)
def test_wrong_credentials_are_nobody(passwords: BasicPasswords, text: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        passwords.verify(text, "")
    assert dict(caught.value.headers)["WWW-Authenticate"].startswith("Basic ")
    assert "alice" not in caught.value.detail and "mallory" not in caught.value.detail


def test_guessing_is_slowed_down_for_the_guesser_only(passwords: BasicPasswords, clock: Clock) -> None:
    passwords.verify(credentials("alice", "correct horse"), "10.0.0.1")
    for number in range(6):
        with pytest.raises((Unauthorized, TooManyRequests)):
            passwords.verify(credentials("alice", f"guess {number}"), "10.6.6.6")
    with pytest.raises(TooManyRequests) as caught:
        passwords.verify(credentials("alice", "another guess"), "10.6.6.6")
    assert int(dict(caught.value.headers)["Retry-After"]) >= 1
    assert passwords.verify(credentials("alice", "correct horse"), "10.0.0.1").name == "alice"
    assert passwords.verify(credentials("bob", "päss:word"), "10.6.6.6").name == "bob"
    clock.now += 1000
    with pytest.raises(Unauthorized):
        passwords.verify(credentials("alice", "guess"), "10.6.6.6")


def test_many_names_from_one_address_are_slowed_down_too(
    file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(basic, "OF_ADDRESS", 4)  # each costs a second, which is the idea
    passwords = BasicPasswords(BasicAuth(file=file), clock)
    for number in range(4):
        with pytest.raises(Unauthorized):
            passwords.verify(credentials(f"name{number}", "123456"), "10.0.0.1")
    with pytest.raises(TooManyRequests):
        passwords.verify(credentials("another", "123456"), "10.0.0.1")
    with pytest.raises(TooManyRequests):
        passwords.verify(credentials("alice", "correct horse"), "10.0.0.1")
    assert passwords.verify(credentials("alice", "correct horse"), "10.0.0.2").name == "alice", "nobody is locked out"
    assert passwords.verify(credentials("alice", "correct horse"), "10.0.0.1").name == "alice", (
        "who was verified goes on"
    )
    with pytest.raises(TooManyRequests):
        passwords.verify(credentials("bob", "päss:word"), "10.0.0.1")
    clock.now += OF_ADDRESS_TIME
    assert passwords.verify(credentials("bob", "päss:word"), "10.0.0.1").name == "bob"


def test_changed_file_counts_at_once(passwords: BasicPasswords, file: Path) -> None:
    passwords.verify(credentials("alice", "correct horse"), "")
    write_account(file, Account("alice", hash_password("new password", FAST)))
    with pytest.raises(Unauthorized):
        passwords.verify(credentials("alice", "correct horse"), "")
    assert passwords.verify(credentials("alice", "new password"), "").groups == frozenset()


def test_file_that_is_gone_or_wrong_lets_nobody_in(passwords: BasicPasswords, file: Path) -> None:
    passwords.verify(credentials("alice", "correct horse"), "")
    text = file.read_text()
    for change in (lambda: file.write_text("nonsense\n"), file.unlink):
        change()
        with pytest.raises(Unavailable):
            passwords.verify(credentials("alice", "correct horse"), "")
    file.write_text(text)
    assert passwords.verify(credentials("alice", "correct horse"), "").name == "alice"


@pytest.mark.parametrize(
    "line",
    [
        "alice:secret",
        "alice",
        "anonymous:scrypt$16$8$1$YQ==$YQ==",
        ":scrypt$16$8$1$YQ==$YQ==",
        "alice:scrypt$16$8$1$YQ==$YQ==:king",
        "alice:scrypt$16$8$1$YQ==$YQ==:admin:g:more",
        "bob:scrypt$a\nbob:scrypt$b",
    ],
)
def test_wrong_line_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "passwords"
    file.write_text(line + "\n")
    with pytest.raises(ConfigurationError, match="line [12]") as caught:
        read_accounts(file)
    assert "scrypt$" not in str(caught.value) and "secret" not in str(caught.value)


def test_file_that_others_can_write_is_refused(file: Path) -> None:
    file.chmod(0o666)
    with pytest.raises(ConfigurationError, match="can be written by others"):
        read_accounts(file)


@pytest.mark.parametrize(
    "hashed", ["", "scrypt$", "scrypt$a$8$1$YQ==$YQ==", "md5$16$8$1$YQ==$YQ==", "scrypt$16$8$1$*$*"]
)
def test_broken_hash_matches_nothing(hashed: str) -> None:
    assert not matches("", hashed) and not matches("a", hashed)


def test_command_writes_what_the_server_reads(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    command = ["passwd", str(file), "alice", "--role", "operator", "--group", "hydro", "--group", "all"]
    done = CliRunner().invoke(main, command, env={"OAPIP_NEW_PASSWORD": "correct horse"})
    assert done.exit_code == 0, done.output
    assert file.stat().st_mode & 0o777 == 0o600 and "correct horse" not in file.read_text()
    account = read_accounts(file)["alice"]
    assert (set(account.roles), set(account.groups)) == ({"operator"}, {"hydro", "all"})
    assert matches("correct horse", account.hashed)


@pytest.mark.parametrize(
    ("name", "password"),
    [("a:b", "long enough"), ("", "long enough"), ("anonymous", "long enough"), ("alice", "short")],
)
def test_command_refuses_what_cannot_be(tmp_path: Path, name: str, password: str) -> None:
    file = tmp_path / "passwords"
    done = CliRunner().invoke(main, ["passwd", str(file), name], env={"OAPIP_NEW_PASSWORD": password})
    assert done.exit_code == 2 and not file.exists()
