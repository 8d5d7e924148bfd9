"""The snippets of docs/clients.md and docs/contexts.md do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pygeoapi_oapip.testing.live_server import INTERPRETER, LiveServer

DOCS = Path(__file__).parents[3] / "docs"


def snippets(name: str, language: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(server: LiveServer, command: list[str], text: str) -> str:
    scripts = Path(os.environ.get(INTERPRETER, sys.executable)).parent
    environment = {**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"}
    text = text.replace("http://localhost:5000", server.url)
    done = subprocess.run([*command, text], env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("text", snippets("clients.md", "python"), ids=lambda text: text.partition(" import")[0])
def test_python_snippets_run(server: LiveServer, text: str) -> None:
    if "cuiman" in text:
        pytest.importorskip("cuiman", reason="cuiman does not go with the installed gavicore", exc_type=ImportError)
    shown = run(server, [sys.executable, "-c"], text)
    assert "echo" in shown and "count" in shown


@pytest.mark.parametrize(
    "text", [text for name in ("clients.md", "contexts.md") for text in snippets(name, "sh") if "weaver" not in text]
)
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is needed")
def test_commands_run(server: LiveServer, text: str) -> None:
    shown = run(server, ["bash", "-euo", "pipefail", "-c"], text)
    assert "echo" in shown or "hello" in shown.lower()
