from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from pygeoapi_oapip.cli import main
from pygeoapi_oapip.cli.client import Client
from pygeoapi_oapip.cli.failures import CommandError
from pygeoapi_oapip.cli.plain import one_line, plain, say_json
from pygeoapi_oapip.cli.printing import print_status, print_table

HOSTILE = "\x1b]0;owned\x07\x1b[2Jred\x9b31m back\x08\r over \u202etxt.exe\u2066 \x00\x7f\u2028"
ATTACKS = [char for char in HOSTILE if not (char.isprintable())]


@pytest.mark.parametrize("text", [HOSTILE, "a\nb\tc", "Grüße – 數據 🌍", "", "100 %\\x1b"])
def test_only_what_changes_a_terminal_is_escaped(text: str) -> None:
    shown = plain(text)
    assert not set(shown) & set(ATTACKS)
    if not set(text) & set(ATTACKS):
        assert shown == text
    assert one_line("a\nb\tc\r\n") == r"a\nb\tc\r\n"
    assert plain("a\r\nb") == "a\nb"


def test_escapes_are_those_of_python() -> None:
    assert plain("\x1b[2J\x9b\u202e") == r"\x1b[2J\x9b\u202e"


@pytest.mark.parametrize(
    "command", [["logs", "x"], ["status", "x"], ["status", "x", "--json"], ["jobs"], ["processes"]]
)
def test_no_command_shows_what_a_server_sends_as_it_is(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    job = {
        "jobID": "x",
        "processID": HOSTILE,
        "status": "failed",
        "message": HOSTILE,
        "created": "2026-01-01T00:00:00Z",
    }
    process = {"id": "p", "version": HOSTILE, "title": HOSTILE}
    documents: dict[str, Any] = {"job": job, "log": f"first\n{HOSTILE}\n\tlast"}
    for name, document in documents.items():
        monkeypatch.setattr(Client, name, lambda self, *args, document=document, **more: document)
    monkeypatch.setattr(Client, "jobs", lambda self, *args, **more: [job])
    monkeypatch.setattr(Client, "processes", lambda self, *args, **more: [process])
    done = CliRunner().invoke(main, [*command, "--server", "http://127.0.0.1:9"])
    assert done.exit_code == 0, done.output
    assert "owned" in done.stdout
    assert not set(done.stdout) & set(ATTACKS), ascii(done.stdout)
    if command[0] == "logs":
        assert done.stdout.startswith("first\n") and done.stdout.endswith("\n\tlast")
    if "--json" in command:
        assert json.loads(done.stdout)["message"] == HOSTILE, "another program reads the same text"


def test_refusals_are_shown_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    CommandError(HOSTILE).show()
    assert not set(capsys.readouterr().err) & set(ATTACKS)


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": [HOSTILE, "ü"]})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"a": [HOSTILE, "ü"]} and "ü" in shown
    assert not set(shown) & set(ATTACKS)


def show() -> None:
    """What the program below shows on its terminal."""
    print_status({"jobID": "x", "status": "failed", "message": HOSTILE})
    print_table(("id", "status"), [(HOSTILE, "failed"), ("[red]plain[/]", "x")], "nothing")


def test_on_a_terminal_too() -> None:
    """The colours of ours are there, and what is in the texts is not."""
    master, slave = pty.openpty()
    code = "from test_plain import show; show()"
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=slave, stderr=slave, env=environment, cwd=os.path.dirname(__file__)
    ) as program:
        os.close(slave)
        raw = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            raw += piece
        assert program.wait(120) == 0, raw
    os.close(master)
    shown = raw.decode()
    for sequence in ("\x1b]0;owned", "\x1b[2J", "\x9b", "\x08", "\u202e", "\x07"):
        assert sequence not in shown, ascii(shown)
    assert "\\x1b]0;owned" in shown and "[red]plain[/]" in shown
    assert "\x1b[31m" in shown, "our own colour"
