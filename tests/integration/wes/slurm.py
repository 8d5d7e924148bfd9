"""A real Slurm cluster of one node: munged, slurmctld and slurmd in a folder of their own, on 127.0.0.1 only."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .program import CannotStart, Program, free_port

_PROGRAMS = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "squeue": "slurm-client"}
_CONFIGURATION = Path(__file__).resolve().parents[3] / "docker" / "toil-wes" / "slurm.conf"
"""The one that the documentation shows."""


def missing() -> list[str]:
    """What has to be installed for a cluster."""
    return [f"{name} ({package})" for name, package in _PROGRAMS.items() if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Slurm:
    """A running cluster.

    Raises:
        CannotStart: with what its programs said.
    """

    def __init__(self) -> None:
        if lacking := missing():
            raise CannotStart(f"not installed: {', '.join(lacking)}")
        if os.geteuid() != 0:
            raise CannotStart("a cluster of its own needs root")
        self.folder = Path(tempfile.mkdtemp(prefix="oapip-slurm-"))
        self.folder.chmod(0o755)
        self.node = socket.gethostname().split(".")[0]
        self.configuration = self.folder / "slurm.conf"
        self.environment = {"SLURM_CONF": str(self.configuration)}
        self._configure()
        self._programs = [self._munge(), self._daemon("slurmctld"), self._daemon("slurmd", "-N", self.node)]
        try:
            self._start()
        except BaseException:
            self.remove()
            raise

    def call(self, program: str, *arguments: str) -> str:
        """What a client program (squeue, scontrol, ...) prints."""
        done = subprocess.run(
            [program, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def queue(self) -> dict[str, str]:
        """Job id -> name and state of all jobs that have not ended."""
        lines = self.call("squeue", "--noheader", "--format=%i %j %T").splitlines()
        return {job: rest for job, _, rest in (line.strip().partition(" ") for line in lines)}

    def history(self) -> dict[str, str]:
        """Job id -> name of all jobs that Slurm has seen in the last minutes."""
        lines = self.call("squeue", "--noheader", "--states=all", "--format=%i %j").splitlines()
        return {job: rest for job, _, rest in (line.strip().partition(" ") for line in lines)}

    def drain(self) -> None:
        """Let no new job start."""
        self.call("scontrol", "update", f"NodeName={self.node}", "State=DRAIN", "Reason=test")

    def resume(self) -> None:
        """Undo `drain`."""
        self.call("scontrol", "update", f"NodeName={self.node}", "State=RESUME")

    def remove(self) -> None:
        """End all jobs, stop and delete everything."""
        if self._programs[1].running():
            subprocess.run(
                ["scancel", "--user=root"], env={**os.environ, **self.environment}, check=False, capture_output=True
            )
            deadline = time.monotonic() + 20
            while self._programs[2].running() and self.queue() and time.monotonic() < deadline:
                time.sleep(0.2)
        for program in reversed(self._programs):
            program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self) -> None:
        for name in ("slurmctld", "slurmd", "munge"):
            (self.folder / name).mkdir()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
        text = _CONFIGURATION.read_text(encoding="utf-8")
        for shown, ours in {
            "node01": self.node,
            "Port=6817": f"Port={free_port()}",
            "Port=6818": f"Port={free_port()}",
            "/run/munge/munge.socket.2": f"{self.folder}/munge/socket",
            "/var/lib/slurm/": f"{self.folder}/",
            "/run/": f"{self.folder}/",
            "CPUs=2": f"CPUs={os.cpu_count()}",
            "RealMemory=4000": f"RealMemory={memory * 9 // 10}",
        }.items():
            assert shown in text, shown
            text = text.replace(shown, ours)
        self.configuration.write_text(text, encoding="utf-8")

    def _munge(self) -> Program:
        folder = self.folder / "munge"
        (folder / "key").write_bytes(os.urandom(128))
        account = pwd.getpwnam("munge")
        for path in (folder, folder / "key"):
            os.chown(path, account.pw_uid, account.pw_gid)
        (folder / "key").chmod(0o600)
        folder.chmod(0o711)
        places = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={folder / name}" for option, name in places.items()]
        command = [_program("munged") or "munged", "--foreground", *options]
        return Program("munged", command, self.folder, user="munge")

    def _daemon(self, name: str, *options: str) -> Program:
        command = [_program(name) or name, "-D", "-f", str(self.configuration), *options]
        return Program(name, command, self.folder, self.environment)

    def _start(self) -> None:
        munged, controller, node = self._programs
        munged.start((self.folder / "munge" / "socket").exists, 20)
        controller.start(lambda: self._says("scontrol", "ping", word="UP"), 30)
        node.start(lambda: self._says("sinfo", "--noheader", "--format=%T", word="idle"), 30)

    def _says(self, program: str, *arguments: str, word: str) -> bool:
        try:
            return word in self.call(program, *arguments)
        except RuntimeError:
            return False
