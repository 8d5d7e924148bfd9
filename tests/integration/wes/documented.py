"""docs/engines/toil-wes.md as a script: its commands are run in their order, on the files of docker/toil-wes, in a
folder that stands for the root of a machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pygeoapi_oapip.testing.live_server import LiveServer

from .program import Program, answers, free_port
from .slurm import Slurm
from .toil import ROOT, VENV

PAGE = ROOT / "docs" / "engines" / "toil-wes.md"
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code, and the mark (a comment of the page) before it."""

    mark: str
    kind: str
    text: str


def blocks() -> Iterator[Block]:
    """The blocks of code of the page."""
    for found in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        yield Block(found["mark"] or "", found["kind"], found["text"])


class Machine:
    """Stands for the machine of the page.

    Args:
        root: its files.
        slurm: the cluster that runs here.
    """

    def __init__(self, root: Path, slurm: Slurm) -> None:
        self._root = root
        self._slurm = slurm
        self._nginx = root / "nginx.conf"
        self.ports = {name: free_port() for name in ("8080", "6379", "8443")}
        self._started: list[Program] = []
        self.live: LiveServer | None = None
        for name in ("etc/nginx/conf.d", "etc/systemd/system", "srv/wes/runs", "srv/wes/tmp", "here"):
            (root / name).mkdir(parents=True)
        (root / "srv" / "wes" / "venv").symlink_to(VENV)
        folder = root / "here" / "docker" / "toil-wes"
        folder.mkdir(parents=True)
        for path in (ROOT / "docker" / "toil-wes").iterdir():
            (folder / path.name).write_text(self.localised(path.read_text(encoding="utf-8")), encoding="utf-8")
        temporary = "".join(
            f"{name}_temp_path {root}/nginx-{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self._nginx.write_text(
            f"user root; pid {root}/nginx.pid; error_log {root}/nginx-errors.log; events {{}}\n"
            f"http {{ access_log off; {temporary} include {root}/etc/nginx/conf.d/*.conf; }}\n"
        )

    def localised(self, text: str) -> str:
        """The text of a file or block with the folders, ports and names of this machine."""
        text = re.sub(
            r"(?<![\w/])/(etc/(?:slurm|wes|nginx|systemd)|srv/wes|var/lib/slurm)\b", rf"{self._root}/\1", text
        )
        for shown, ours in self.ports.items():
            text = re.sub(rf"(?<=[ :]){shown}\b", str(ours), text)
        text = text.replace("NodeName=node01 State", f"NodeName={self._slurm.node} State")
        text = text.replace("nginx -t\n", f"nginx -t -c {self._nginx}\n")
        return text.replace("hpc.example.org", "localhost")

    def run(self, block: Block) -> str:
        """What the commands of a block print. Fails the test where one of them fails."""
        script = self.localised(block.text)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self._root / "here",
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"exit code {done.returncode} of:\n{script}\n{said}\n{self.words()}"
        return said

    def start(self, name: str) -> None:
        """Start what systemd would have started."""
        if name == "slurm":
            written = self._root / "etc" / "slurm" / "slurm.conf"
            assert f"NodeName={self._slurm.node} " in written.read_text(encoding="utf-8")
            shutil.copy(self._slurm.configuration, written)
        elif name == "redis":
            self._program(name, ["redis-server", "--port", str(self.ports["6379"]), "--bind", "127.0.0.1"], "6379")
        elif name == "nginx":
            self._program(name, ["nginx", "-c", str(self._nginx), "-g", "daemon off;"], "8443")
        elif name == "oapip":
            assert self.live is not None
            self.live.start()
        else:
            self._unit(name)

    def configure(self, block: Block) -> None:
        """Make a server with this manager block."""
        self.live = LiveServer(self._root / "oapip", yaml.safe_load(self.localised(block.text)), workers=1)

    def words(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"{program.name}:\n{program.words(30)}" for program in self._started)

    def remove(self) -> None:
        """Stop everything."""
        if self.live is not None:
            self.live.stop()
        for program in reversed(self._started):
            program.stop()

    def _environment(self) -> Mapping[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
        ours = {"SLURM_CONF": str(self._root / "etc" / "slurm" / "slurm.conf"), "PATH": path}
        if self.live is not None:
            ours |= {"PYGEOAPI_CONFIG": str(self.live.configuration), "OAPIP_SERVER": self.live.url}
        return {**os.environ, **ours}

    def _unit(self, name: str) -> None:
        unit = self._root / "etc" / "systemd" / "system" / f"{name}.service"
        text = unit.read_text(encoding="utf-8")
        if shutil.which("systemd-analyze"):
            command = ["systemd-analyze", "verify", str(unit)]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
            assert name not in said, said
        started = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
        variables = re.search(r"^EnvironmentFile=(.*)$", text, re.MULTILINE)
        assert started and variables
        lines = Path(variables[1]).read_text(encoding="utf-8").splitlines()
        environment = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        environment["HOME"] = str(self._root)
        self._program(name, shlex.split(started[1]), "8080" if name.endswith("server") else "6379", environment)

    def _program(self, name: str, command: list[str], port: str, environment: Mapping[str, str] | None = None) -> None:
        program = Program(name, command, self._root, environment or {"PATH": f"{os.environ['PATH']}:/usr/sbin"})
        self._started.append(program)
        program.start(lambda: answers(self.ports[port]))
