"""The examples of docs/wps.md do what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import LiveServer

TEXT = (Path(__file__).parents[3] / "docs" / "wps.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```(?:\n\n```(?:text|xml)\n(.*?)```)?", TEXT, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def run(server: LiveServer, command: list[str], text: str) -> str:
    text = text.replace("http://localhost:5000", server.url)
    done = subprocess.run([*command, text], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace(server.url, "http://localhost:5000")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is needed")
@pytest.mark.parametrize(("text", "shown"), COMMANDS, ids=[str(place) for place in range(len(COMMANDS))])
def test_commands_print_what_is_shown(server: LiveServer, text: str, shown: str) -> None:
    printed = run(server, ["bash", "-euo", "pipefail", "-c"], text)
    assert shown or "<ows:Identifier>echo</ows:Identifier>" in printed
    for line in shown.splitlines():
        pattern = re.escape(line).replace("ID", "[0-9a-f-]{36}").replace("Job[0-9a-f-]{36}", "JobID")
        pattern = pattern.replace("job[0-9a-f-]{36}", "jobID")
        assert re.search(pattern, printed), (line, printed)


@pytest.mark.parametrize("text", PROGRAMS, ids=lambda text: text.partition(" import")[0].split()[-1])
def test_programs_run(server: LiveServer, text: str) -> None:
    printed = run(server, [sys.executable, "-c"], text)
    assert printed.count("hello") >= 2
    assert "owslib" not in text or ("some words" in printed and printed.count("ProcessSucceeded") == 2)


def test_there_are_examples() -> None:
    assert len(COMMANDS) >= 6 and len(PROGRAMS) == 2
